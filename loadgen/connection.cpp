#include "loadgen/connection.hpp"

#include <utility>

#include "common/assert.hpp"

namespace ringside::loadgen {

Result<void> Connection::connect(const SocketAddress& address, std::uint8_t source) {
    RINGSIDE_ASSERT(state_ == State::idle);
    Result<UniqueFd> fd = make_stream_socket(address.family());
    if (!fd) return std::unexpected(fd.error());
    if (source != 0) {
        if (auto bound = bind_loopback_source(fd->get(), source); !bound) return bound;
    }
    const Result<SlotId> id = io_->connect(std::move(*fd), address.get(), address.bytes);
    if (!id) return std::unexpected(id.error());
    id_ = *id;
    state_ = State::connecting;
    return {};
}

void Connection::flush() noexcept {
    if (state_ != State::open || in_flight_ || full_) return;
    if (unsent().empty()) {
        if (queued_.empty()) {
            if (std::exchange(ending_, false)) io_->shutdown_send(id_);
            return;
        }
        sending_.swap(queued_);
        queued_.clear();
        sent_bytes_ = 0;
    }
    in_flight_ = true;
    io_->send(id_, unsent());
}

void Connection::close() noexcept {
    RINGSIDE_ASSERT(state_ != State::closing);
    if (state_ == State::idle || state_ == State::closed) {
        state_ = State::closed;
        return;
    }
    state_ = State::closing;
    io_->close(id_);
}

void Connection::on_event(const uring::IoEvent& event) noexcept {
    switch (event.kind) {
        case uring::IoEvent::Kind::connected:
            if (state_ != State::connecting) return;  // closed meanwhile
            if (event.result != 0) return on_end(-event.result);
            state_ = State::open;
            was_open_ = true;
            return io_->receive(id_);
        case uring::IoEvent::Kind::sent:
            return on_sent(event.result);
        case uring::IoEvent::Kind::writable:
            full_ = false;
            return flush();
        case uring::IoEvent::Kind::closed:
            state_ = State::closed;
            return;
        case uring::IoEvent::Kind::received:
        case uring::IoEvent::Kind::accepted:
            break;
    }
    RINGSIDE_ASSERT(!"no event of this half");
}

void Connection::on_sent(std::int32_t result) noexcept {
    RINGSIDE_ASSERT(in_flight_);
    in_flight_ = false;
    if (result < 0) return on_end(-result);
    sent_bytes_ += static_cast<std::size_t>(result);
    full_ = !unsent().empty();
    flush();
}

void Connection::on_end(int code) noexcept {
    if (state_ != State::connecting && state_ != State::open) return;
    state_ = State::failed;
    error_code_ = code;
}

}  // namespace ringside::loadgen
