#include "common/request_times.hpp"

#include "common/assert.hpp"

namespace ringside {

std::unique_ptr<RequestTimes> RequestTimes::make(JsonLog& log, Clock clock) {
    if (!log.enabled(LogLevel::debug)) return nullptr;
    return std::unique_ptr<RequestTimes>(new RequestTimes(log, clock));
}

void RequestTimes::received(std::size_t bytes, std::uint64_t now_ns) {
    received_end_ += bytes;
    receipts_.push_back({received_end_, now_ns});
}

void RequestTimes::open(const Decision& decision, const ClientFrame& frame) {
    // A client may send any value: what the rules refuse is called what its answer is called.
    const bool refused =
        decision.action == Action::refuse || decision.action == Action::refuse_and_close;
    open_request_ = refused ? decision.answer : static_cast<Request>(frame.request);
    open_end_ = closed_end_ + client_header_bytes + frame.text.size();
    while (!receipts_.empty() && receipts_.front().end < open_end_)
        receipts_.pop_front();
    RINGSIDE_ASSERT(!receipts_.empty());
    open_received_ns_ = receipts_.front().at_ns;
    is_open_ = true;
}

void RequestTimes::close() noexcept {
    closed_end_ = open_end_;
    is_open_ = false;
}

void RequestTimes::answered() {
    if (!is_open_) return;
    close();
    write(open_request_, open_received_ns_);
}

void RequestTimes::put_off(std::uint64_t end) {
    RINGSIDE_ASSERT(is_open_);
    close();
    messages_.push_back({end, open_received_ns_});
}

void RequestTimes::settled(std::uint64_t end) {
    while (!messages_.empty() && messages_.front().end <= end) {
        write(Request::send_message, messages_.front().received_ns);
        messages_.pop_front();
    }
}

void RequestTimes::write(Request request, std::uint64_t received_ns) {
    log_.write(LogLevel::debug, "request",
               {{"request", request_name(request)}, {"duration_ns", clock_() - received_ns}});
}

}  // namespace ringside
