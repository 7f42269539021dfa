#include "uring_async/io/uring_io.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/socket_ops.hpp"

// What the kernel may answer, and what follows:
//
//   enter     ETIME: the wait is over. EINTR: it goes on. EAGAIN, EBUSY (no memory, completions to
//   be worked
//             off first): requests stay queued for the next time. Else: our bug, or (EBADR)
//             completions were lost and connections would never end: abort.
//   accept    ECANCELED: stopped. accept_error_passes(): armed again. Else (EMFILE…): pause.
//   receive   ENOBUFS, ECANCELED, EINTR, EAGAIN: armed again if still wanted.
//             Else: `received` -errno.
//   send      EAGAIN, EINTR: `sent` 0, a poll follows. Else: `sent` -errno.
//   poll      whatever: `writable`; the next send finds out.
//   connect   whatever: `connected` -errno.
//   cancel    whatever (ENOENT, EALREADY: the other was faster): it only ends.
//   shutdown  ENOTCONN: the peer was faster.

namespace ringside::uring {

namespace {

constexpr unsigned operation_shift = 56;
constexpr unsigned generation_shift = 32;
constexpr std::uint32_t generation_mask = generation_limit - 1;

// What enter may answer; the rest is our bug, a use from another thread (EEXIST) for example.
void check_entered(int result) noexcept {
    RINGSIDE_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
                    result == -EBUSY);
}

bool receive_goes_on(std::int32_t result) noexcept {
    return result == -ENOBUFS || result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

}  // namespace

UringIo::UringIo(const Probe& probe, const IoOptions& options, const UringSizes& sizes)
    : gate_(or_start_error(EventFd::make(EventFd::Reads::blocking))),
      ring_(or_start_error(Ring::make(sizes.ring, probe.defer_taskrun))),
      sockets_(options.connections_max),
      multishot_accept_(probe.multishot_accept),
      multishot_receive_(probe.multishot_receive),
      now_ns_(monotonic_ns()) {
    buffers_ = std::make_unique<BufferRing>(or_start_error(
        BufferRing::make(*ring_, sizes.receive_buffers, sizes.receive_buffer_bytes)));
}

UringIo::~UringIo() {
    // 6.0; without it the kernel ends the requests a moment later by itself.
    io_uring_sync_cancel_reg everything{};
    everything.fd = -1;
    everything.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    everything.timeout.tv_sec = -1;
    everything.timeout.tv_nsec = -1;
    const int cancelled = ::io_uring_register_sync_cancel(ring_->raw(), &everything);
    RINGSIDE_ASSERT(cancelled != -EEXIST);  // destroyed by another thread than made it
    for (Completion completion; ring_->pop(completion);) {
        const auto operation = static_cast<Operation>(completion.user_data >> operation_shift);
        if (operation == Operation::accept && completion.result >= 0) ::close(completion.result);
    }
    sockets_.for_each_taken([](Socket& socket) {
        if (socket.fd < 0) return;
        ::shutdown(socket.fd, SHUT_RDWR);  // the ring may hold on to the socket for a moment
        ::close(socket.fd);
    });
}

// ---------------------------------------------------------------------------------- submitting

std::uint64_t UringIo::user_data(Operation operation, SlotId id) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(operation)} << operation_shift |
           std::uint64_t{id.generation} << generation_shift | id.slot;
}

// The queue is full: hands it over in the middle of a turn.
void UringIo::make_room() noexcept {
    ++counters_.enters;
    ++counters_.system_calls;
    const int submitted = ring_->submit();
    check_entered(submitted);
    if (submitted > 0) return;
    // The kernel wants completions to be worked off first.
    ++counters_.enters;
    ++counters_.system_calls;
    check_entered(ring_->submit_and_wait(0));
    reap();
}

io_uring_sqe* UringIo::entry(Operation operation, SlotId id) noexcept {
    io_uring_sqe* sqe = ring_->entry();
    while (sqe == nullptr) {
        make_room();
        sqe = ring_->entry();
    }
    sqe->user_data = user_data(operation, id);
    return sqe;
}

io_uring_sqe* UringIo::entry(Operation operation, SlotId id, Socket& socket) noexcept {
    ++socket.in_flight;  // first: making room may work off the last completion of the connection
    return entry(operation, id);
}

void UringIo::arm_wake() noexcept {
    waking_ = true;
    io_uring_sqe* const sqe = entry(Operation::wake, SlotId{});
    ::io_uring_prep_read(sqe, gate_.event().get(), &wake_count_, sizeof wake_count_, 0);
}

void UringIo::arm_accept() noexcept {
    accepting_ = true;
    io_uring_sqe* const sqe = entry(Operation::accept, SlotId{0, listener_generation_});
    // Multishot (5.19): one request accepts until it fails.
    const auto prepare =
        multishot_accept_ ? ::io_uring_prep_multishot_accept : ::io_uring_prep_accept;
    prepare(sqe, listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void UringIo::arm_receive(SlotId id, Socket& socket) noexcept {
    RINGSIDE_ASSERT(!socket.receiving && !socket.ended && !socket.connecting);
    socket.receiving = true;
    socket.receive_cancelled = false;
    io_uring_sqe* const sqe = entry(Operation::receive, id, socket);
    // Multishot (6.0): one request receives until it fails, with a completion for each buffer.
    const auto prepare = multishot_receive_ ? ::io_uring_prep_recv_multishot : ::io_uring_prep_recv;
    prepare(sqe, socket.fd, nullptr, 0, 0);
    // 5.7: the kernel takes a buffer when there is something to put into it.
    ::io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    sqe->buf_group = BufferRing::group;
}

void UringIo::arm_poll(SlotId id, Socket& socket) noexcept {
    socket.polling = true;
    io_uring_sqe* const sqe = entry(Operation::poll, id, socket);
    ::io_uring_prep_poll_add(sqe, socket.fd, POLLOUT);
}

void UringIo::cancel(Operation operation, SlotId id, Socket& socket) noexcept {
    io_uring_sqe* const sqe = entry(Operation::cancel, id, socket);
    ::io_uring_prep_cancel64(sqe, user_data(operation, id), 0);
}

void UringIo::listen(int listener) noexcept {
    RINGSIDE_ASSERT(listener >= 0 && listener_ < 0);
    listener_ = listener;
    listener_generation_ = (listener_generation_ + 1) & generation_mask;
    accepting_ = false;  // an accept of the listener before may still be ending
}

void UringIo::stop_listening() noexcept {
    RINGSIDE_ASSERT(listener_ >= 0);
    listener_ = -1;
    accept_pause_ = AcceptPause{};
    if (!std::exchange(accepting_, false)) return;
    io_uring_sqe* const sqe = entry(Operation::cancel, SlotId{});
    ::io_uring_prep_cancel64(sqe, user_data(Operation::accept, SlotId{0, listener_generation_}), 0);
}

Result<SlotId> UringIo::adopt(UniqueFd fd) noexcept {
    RINGSIDE_ASSERT(fd);
    const std::optional<SlotId> id = sockets_.take();
    if (!id) return std::unexpected(Error{EMFILE, "adopt: all slots are taken"});
    sockets_.at(*id).fd = fd.release();
    return *id;
}

Result<SlotId> UringIo::connect(UniqueFd fd, const sockaddr* address,
                                socklen_t address_bytes) noexcept {
    RINGSIDE_ASSERT(address_bytes <= sizeof(sockaddr_storage));
    const Result<SlotId> id = adopt(std::move(fd));
    if (!id) return id;
    Socket& socket = sockets_.at(*id);
    socket.connecting = true;
    sockaddr_storage& kept = addresses_[id->slot];
    std::memcpy(&kept, address, address_bytes);
    io_uring_sqe* const sqe = entry(Operation::connect, *id, socket);
    ::io_uring_prep_connect(sqe, socket.fd, reinterpret_cast<const sockaddr*>(&kept),
                            address_bytes);
    return id;
}

void UringIo::want_rearm(SlotId id, Socket& socket) noexcept {
    if (!std::exchange(socket.in_rearm_list, true)) rearm_.push_back(id);
}

void UringIo::receive(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing && !socket.connecting);
    if (socket.ended || socket.wants_receive) return;
    socket.wants_receive = true;
    if (!socket.receiving) want_rearm(id, socket);
}

void UringIo::hold(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing);
    socket.wants_receive = false;
    if (!socket.receiving || std::exchange(socket.receive_cancelled, true)) return;
    cancel(Operation::receive, id, socket);
}

void UringIo::send(SlotId id, std::string_view bytes) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing && !socket.connecting);
    RINGSIDE_ASSERT(!socket.sending && !socket.polling);
    RINGSIDE_ASSERT(!bytes.empty() && bytes.size() <= INT32_MAX);
    socket.sending = true;
    socket.send_bytes = static_cast<std::uint32_t>(bytes.size());
    io_uring_sqe* const sqe = entry(Operation::send, id, socket);
    // MSG_DONTWAIT: the request is never left waiting for room with the sender's memory in hand.
    ::io_uring_prep_send(sqe, socket.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void UringIo::shutdown(Socket& socket, int how) noexcept {
    // Not as a request: the kernel gives those to a helper thread.
    ++counters_.system_calls;
    ::shutdown(socket.fd, how);
}

void UringIo::shutdown_send(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing);
    if (socket.sending) {
        socket.ends_sending = true;
    } else {
        shutdown(socket, SHUT_WR);
    }
}

void UringIo::close(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing);
    socket.closing = true;
    socket.wants_receive = false;
    if (socket.in_flight == 0) {
        finish_close(id, socket);
    } else if (!socket.sending) {  // else when it has completed, so that its bytes go out
        begin_close(id, socket);
    }
}

std::uint32_t UringIo::unsent_bytes(SlotId id) noexcept {
    ++counters_.system_calls;
    return ringside::unsent_bytes(sockets_.at(id).fd);
}

// Ends what is in flight: the shutdown ends receives and polls, and tells the peer, which close()
// would not do while a request holds the socket; the cancels end the rest.
void UringIo::begin_close(SlotId id, Socket& socket) noexcept {
    shutdown(socket, SHUT_RDWR);
    if (socket.receiving && !socket.receive_cancelled) cancel(Operation::receive, id, socket);
    if (socket.polling) cancel(Operation::poll, id, socket);
    if (socket.connecting) cancel(Operation::connect, id, socket);
}

void UringIo::finish_close(SlotId id, Socket& socket) noexcept {
    RINGSIDE_ASSERT(socket.closing && socket.in_flight == 0);
    ++counters_.system_calls;
    ::close(std::exchange(socket.fd, -1));
    closed_.push_back(id);
}

// ------------------------------------------------------------------------------------- the turn

void UringIo::report(IoEvent::Kind kind, SlotId id, std::int32_t result,
                     const char* data) noexcept {
    next_.events.push_back(IoEvent{kind, id, result, data});
}

void UringIo::recycle() noexcept {
    if (!batch_.buffers.empty()) {
        for (const std::uint16_t buffer : batch_.buffers)
            buffers_->give_back(buffer);
        buffers_->publish();
    }
    batch_.buffers.clear();
    batch_.events.clear();
}

void UringIo::rearm() noexcept {
    if (!waking_) arm_wake();
    if (accept_pause_.over(now_ns_)) accept_pause_.end();
    if (listener_ >= 0 && !accepting_ && !accept_pause_.active()) arm_accept();
    // By index: making room in the queue may add to the list.
    for (std::size_t i = 0; i < rearm_.size(); ++i) {
        const SlotId id = rearm_[i];
        Socket* const socket = sockets_.find(id);
        if (socket == nullptr) continue;  // closed since
        socket->in_rearm_list = false;
        if (socket->wants_receive && !socket->receiving) arm_receive(id, *socket);
    }
    rearm_.clear();
}

std::uint64_t UringIo::wait_ns(std::uint64_t until_ns) const noexcept {
    const std::uint64_t end_ns = std::min(until_ns, accept_pause_.until_ns());
    if (end_ns == wait_forever) return UINT64_MAX;
    const std::uint64_t now = monotonic_ns();
    return end_ns > now ? end_ns - now : 0;
}

void UringIo::wait(std::uint64_t until_ns) noexcept {
    const bool may_sleep =
        until_ns != 0 && next_.events.empty() && closed_.empty() && !ring_->has_completions();
    const bool sleeps = may_sleep && gate_.fall_asleep();
    std::uint64_t left_ns = sleeps ? wait_ns(until_ns) : 0;
    do {
        ++counters_.enters;
        ++counters_.system_calls;
        check_entered(ring_->submit_and_wait(left_ns));
        // A signal, SIGCONT for one, is nothing that happened: the wait goes on.
        if (left_ns != 0 && !ring_->has_completions()) left_ns = wait_ns(until_ns);
    } while (left_ns != 0 && !ring_->has_completions());
    if (may_sleep) gate_.wake_up();
}

void UringIo::reap() noexcept {
    for (Completion completion; ring_->pop(completion);)
        on_completion(completion);
}

void UringIo::report_closed() noexcept {
    for (const SlotId id : closed_) {
        report(IoEvent::Kind::closed, id, 0);
        sockets_.retire(id);
    }
    closed_.clear();
}

std::span<const IoEvent> UringIo::turn(std::uint64_t until_ns) noexcept {
    sockets_.release_retired();
    recycle();
    rearm();
    wait(until_ns);
    reap();
    report_closed();
    std::swap(batch_, next_);
    now_ns_ = monotonic_ns();
    return batch_.events;
}

// ---------------------------------------------------------------------------------- completions

void UringIo::on_completion(const Completion& completion) noexcept {
    ++counters_.completions;
    const auto operation = static_cast<Operation>(completion.user_data >> operation_shift);
    const SlotId id{
        static_cast<std::uint32_t>(completion.user_data),
        static_cast<std::uint32_t>(completion.user_data >> generation_shift) & generation_mask};
    if (operation == Operation::wake) return on_wake(completion.result);
    if (operation == Operation::accept) return on_accept(id.generation, completion);
    if (id == SlotId{}) return;  // the cancel of an accept
    Socket& socket = sockets_.at(id);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) {
        RINGSIDE_ASSERT(socket.in_flight > 0);
        --socket.in_flight;
    }
    switch (operation) {
        case Operation::receive:
            on_receive(id, socket, completion);
            break;
        case Operation::send:
            on_send(id, socket, completion.result);
            break;
        case Operation::poll:
            on_poll(id, socket);
            break;
        case Operation::connect:
            on_connect(id, socket, completion.result);
            break;
        case Operation::cancel:
        case Operation::wake:
        case Operation::accept:
            break;
    }
    if (socket.closing && socket.in_flight == 0) finish_close(id, socket);
}

void UringIo::on_wake(std::int32_t result) noexcept {
    waking_ = false;  // armed again at the next turn
    if (result != sizeof wake_count_) return;
    counters_.wakes += wake_count_;
    counters_.system_calls += wake_count_;  // the writes of those who woke it
}

void UringIo::on_accept(std::uint32_t generation, const Completion& completion) noexcept {
    const std::int32_t result = completion.result;
    if (result >= 0) {
        accept_pause_.succeeded();
        report(IoEvent::Kind::accepted, SlotId{}, result);
    }
    if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
    if (generation != listener_generation_ || listener_ < 0) return;  // of a listener that is gone
    accepting_ = false;
    if (result >= 0 || result == -ECANCELED || accept_error_passes(-result)) return;
    ++counters_.accept_errors;
    counters_.accept_error = -result;
    accept_pause_.begin(monotonic_ns());
}

void UringIo::on_receive(SlotId id, Socket& socket, const Completion& completion) noexcept {
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
        next_.buffers.push_back(
            static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT));
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) socket.receiving = false;
    if (socket.closing) return;
    on_received(id, socket, completion);
    if (socket.wants_receive && !socket.receiving) want_rearm(id, socket);
}

void UringIo::on_received(SlotId id, Socket& socket, const Completion& completion) noexcept {
    const std::int32_t result = completion.result;
    if (result == -ENOBUFS) ++counters_.buffer_shortages;
    if (receive_goes_on(result)) return;
    ++counters_.receives;
    if (result > 0) {
        report(IoEvent::Kind::received, id, result, buffers_->data(next_.buffers.back()));
        return;
    }
    socket.ended = true;
    socket.wants_receive = false;
    report(IoEvent::Kind::received, id, result);
}

void UringIo::on_send(SlotId id, Socket& socket, std::int32_t result) noexcept {
    ++counters_.sends;
    socket.sending = false;
    const std::int32_t taken = result == -EAGAIN || result == -EINTR ? 0 : result;
    const bool is_short = taken >= 0 && static_cast<std::uint32_t>(taken) < socket.send_bytes;
    if (is_short) ++counters_.short_sends;
    report(IoEvent::Kind::sent, id, taken);
    if (socket.closing) {
        if (socket.in_flight > 0) begin_close(id, socket);
        return;
    }
    if (std::exchange(socket.ends_sending, false)) shutdown(socket, SHUT_WR);
    if (is_short) arm_poll(id, socket);
}

void UringIo::on_poll(SlotId id, Socket& socket) noexcept {
    socket.polling = false;
    if (!socket.closing) report(IoEvent::Kind::writable, id, 0);
}

void UringIo::on_connect(SlotId id, Socket& socket, std::int32_t result) noexcept {
    socket.connecting = false;
    addresses_.erase(id.slot);
    if (!socket.closing) report(IoEvent::Kind::connected, id, result);
}

std::unique_ptr<Io> make_uring_io(const Probe& probe, const IoOptions& options) {
    return std::make_unique<UringIo>(probe, options);
}

}  // namespace ringside::uring
