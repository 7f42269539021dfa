#include "common/request_times.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"

namespace ringside {

namespace {

std::uint64_t fake_now_ns = 0;
std::uint64_t fake_clock() {
    return fake_now_ns;
}

constexpr Decision to(Action action) {
    return {action, Request::wrong_request, {}};
}

constexpr Decision refuse_with(Request answer) {
    return {Action::refuse, answer, "no"};
}

ClientFrame frame_of(Request request, std::string_view text = {}) {
    return {static_cast<std::uint32_t>(request), text};
}

std::size_t bytes_of(const ClientFrame& frame) {
    return client_header_bytes + frame.text.size();
}

/// A connection's requests, and what the log says of them.
class Requests {
 public:
    Requests() : log_(std::make_unique<JsonLog>(LogLevel::debug, folder_ / "log")) {
        fake_now_ns = 0;
        times = RequestTimes::make(*log_, &fake_clock);
    }

    /// "send_message 50", a line each; no more is logged.
    std::vector<std::string> logged() {
        times.reset();
        log_.reset();
        std::vector<std::string> lines;
        std::istringstream text(test::read_file(folder_ / "log"));
        for (std::string line; std::getline(text, line);) {
            CHECK_THAT(line, Catch::Contains(R"("level":"debug","msg":"request","request":")"));
            lines.push_back(after(line, R"("request":")", '"') + " " +
                            after(line, R"("duration_ns":)", '}'));
        }
        return lines;
    }

    std::unique_ptr<RequestTimes> times;

 private:
    static std::string after(const std::string& line, const std::string& mark, char end) {
        const std::size_t begin = line.rfind(mark) + mark.size();
        return line.substr(begin, line.find(end, begin) - begin);
    }

    test::TempFolder folder_;
    std::unique_ptr<JsonLog> log_;
};

}  // namespace

TEST_CASE("requests are timed exactly where debug lines are logged") {
    JsonLog info(LogLevel::info, {});
    CHECK(RequestTimes::make(info) == nullptr);
    JsonLog debug(LogLevel::debug, {});
    CHECK(RequestTimes::make(debug) != nullptr);
}

TEST_CASE("a request is timed from the receipt of its last byte to its answer") {
    Requests requests;
    const ClientFrame frame = frame_of(Request::set_name, "ada");
    requests.times->received(bytes_of(frame) - 1, 100);
    requests.times->received(1, 200);
    requests.times->open(to(Action::take_name), frame);
    fake_now_ns = 250;
    requests.times->answered();
    requests.times->answered();  // nothing is open
    CHECK(requests.logged() == std::vector<std::string>{"set_name 50"});
}

TEST_CASE("requests that came ahead are timed from their own receipt, not from their turn") {
    Requests requests;
    const ClientFrame first = frame_of(Request::connect_chat, "room");
    const ClientFrame second = frame_of(Request::send_message, "hello");
    requests.times->received(bytes_of(first), 100);
    requests.times->open(to(Action::join_room), first);
    requests.times->received(bytes_of(second), 150);  // while the first waits
    fake_now_ns = 400;
    requests.times->answered();
    requests.times->open(to(Action::post_message), second);
    requests.times->open(to(Action::post_message), second);  // put back once
    requests.times->put_off(5);
    fake_now_ns = 450;
    requests.times->settled(5);
    CHECK(requests.logged() == std::vector<std::string>{"connect_chat 300", "send_message 300"});
}

TEST_CASE("messages are timed until they are settled, each by its place") {
    Requests requests;
    const ClientFrame message = frame_of(Request::send_message, "x");
    for (std::uint64_t end = 10; end <= 30; end += 10) {
        requests.times->received(bytes_of(message), end);
        requests.times->open(to(Action::post_message), message);
        requests.times->put_off(end);
        requests.times->answered();  // as after every request: a message is not open any more
    }
    fake_now_ns = 100;
    requests.times->settled(9);
    requests.times->settled(20);
    fake_now_ns = 130;
    requests.times->settled(35);
    CHECK(requests.logged() ==
          std::vector<std::string>{"send_message 90", "send_message 80", "send_message 100"});
}

TEST_CASE("a request that is refused is called what its answer is called") {
    Requests requests;
    const ClientFrame unknown{77, {}};
    const ClientFrame early = frame_of(Request::leave_chat);
    requests.times->received(bytes_of(unknown) + bytes_of(early) + bytes_of(early), 0);
    requests.times->open(refuse_with(Request::wrong_request), unknown);
    requests.times->answered();
    requests.times->open(refuse_with(Request::leave_chat), early);
    requests.times->answered();
    requests.times->open(to(Action::leave_room), early);
    fake_now_ns = 1;
    requests.times->answered();
    CHECK(requests.logged() ==
          std::vector<std::string>{"wrong_request 0", "leave_chat 0", "leave_chat 1"});
}

}  // namespace ringside
