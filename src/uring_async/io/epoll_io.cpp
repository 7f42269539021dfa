#include "uring_async/io/epoll_io.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/socket_ops.hpp"

// What the kernel may answer, and what follows:
//
//   accept4     EAGAIN: none left. accept_error_passes(): next one. Else (EMFILE…): pause.
//   recv        EAGAIN: nothing (a stale readiness). EINTR: next turn. Else: `received` -errno.
//   send        EAGAIN: `sent` 0, later `writable`. EINTR: again. Else: `sent` -errno.
//   connect     EINPROGRESS: wait for it. Else, or SO_ERROR of the wait: `connected` -errno.
//   epoll_ctl   ENOMEM, ENOSPC: the connection's next event carries it, so its owner closes it.
//   shutdown    ENOTCONN: the peer was faster.

namespace ringside::uring {

namespace {

/// Receive buffer of one turn and the most that one read takes of it.
constexpr std::size_t receive_buffer_bytes = std::size_t{1024} * 1024;
constexpr std::size_t read_bytes_max = std::size_t{32} * 1024;
/// Ready descriptors that one epoll_wait reports.
constexpr std::size_t ready_max = 1024;
/// Connections accepted in one turn, so that a flood of them does not delay those that are there.
constexpr int accepts_per_turn = 64;

// Tokens of what is no connection; a generation is never 0.
constexpr std::uint64_t wake_token = 1;
constexpr std::uint64_t listener_token = 2;

std::uint64_t token_of(SlotId id) noexcept {
    return std::uint64_t{id.generation} << 32U | id.slot;
}

SlotId id_of(std::uint64_t token) noexcept {
    return {static_cast<std::uint32_t>(token), static_cast<std::uint32_t>(token >> 32U)};
}

}  // namespace

EpollIo::EpollIo(const IoOptions& options)
    : epoll_(or_start_error(Epoll::make())),
      gate_(or_start_error(EventFd::make())),
      sockets_(options.connections_max),
      received_(std::make_unique_for_overwrite<char[]>(receive_buffer_bytes)),
      ready_(ready_max),
      now_ns_(monotonic_ns()) {
    const Result<void> watched = epoll_.add(gate_.event().get(), EPOLLIN, wake_token);
    if (!watched) throw StartError(watched.error().text());
}

EpollIo::~EpollIo() {
    sockets_.for_each_taken([](Socket& socket) {
        if (socket.fd >= 0) ::close(socket.fd);
    });
}

void EpollIo::report(std::vector<IoEvent>& to, IoEvent::Kind kind, SlotId id, std::int64_t result,
                     const char* data) noexcept {
    to.push_back(IoEvent{kind, id, static_cast<std::int32_t>(result), data});
}

void EpollIo::listen(int listener) noexcept {
    RINGSIDE_ASSERT(listener >= 0 && listener_ < 0);
    listener_ = listener;
    ++counters_.system_calls;
    if (const Result<void> done = epoll_.add(listener, EPOLLIN, listener_token); !done) {
        ++counters_.accept_errors;
        counters_.accept_error = done.error().code;
        accept_pause_.begin(now_ns_);
    }
}

void EpollIo::stop_listening() noexcept {
    RINGSIDE_ASSERT(listener_ >= 0);
    if (!accept_pause_.active()) {
        ++counters_.system_calls;
        epoll_.remove(listener_);
    }
    accept_pause_ = AcceptPause{};
    listener_ = -1;
}

void EpollIo::pause_accepting(int code) noexcept {
    ++counters_.accept_errors;
    counters_.accept_error = code;
    ++counters_.system_calls;
    epoll_.remove(listener_);
    accept_pause_.begin(monotonic_ns());
}

void EpollIo::resume_accepting() noexcept {
    if (!accept_pause_.over(now_ns_)) return;
    accept_pause_.end();
    const int listener = listener_;
    listener_ = -1;
    listen(listener);
}

Result<SlotId> EpollIo::adopt(UniqueFd fd) noexcept {
    RINGSIDE_ASSERT(fd);
    const std::optional<SlotId> id = sockets_.take();
    if (!id) return std::unexpected(Error{EMFILE, "adopt: all slots are taken"});
    sockets_.at(*id).fd = fd.release();
    return *id;
}

Result<SlotId> EpollIo::connect(UniqueFd fd, const sockaddr* address,
                                socklen_t address_bytes) noexcept {
    const Result<SlotId> id = adopt(std::move(fd));
    if (!id) return id;
    Socket& socket = sockets_.at(*id);
    ++counters_.system_calls;
    const int done = ::connect(socket.fd, address, address_bytes);
    if (done != 0 && (errno == EINPROGRESS || errno == EINTR)) {
        socket.connecting = true;
        watch(*id, socket);
    } else {
        report(pending_, IoEvent::Kind::connected, *id, done == 0 ? 0 : -errno);
    }
    return id;
}

// Brings the set in line with what the socket waits for.
void EpollIo::watch(SlotId id, Socket& socket) noexcept {
    const std::uint32_t wanted =
        (socket.wants_receive ? EPOLLIN : 0U) | (socket.full || socket.connecting ? EPOLLOUT : 0U);
    if (wanted == socket.watched) return;
    const std::uint32_t before = std::exchange(socket.watched, wanted);
    ++counters_.system_calls;
    if (wanted == 0) return epoll_.remove(socket.fd);
    const Result<void> done = before == 0 ? epoll_.add(socket.fd, wanted, token_of(id))
                                          : epoll_.modify(socket.fd, wanted, token_of(id));
    if (done) return;
    socket.watched = before;
    socket.ended = true;
    socket.wants_receive = false;
    const bool connecting = std::exchange(socket.connecting, false);
    report(pending_, connecting ? IoEvent::Kind::connected : IoEvent::Kind::received, id,
           -done.error().code);
}

void EpollIo::receive(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(socket.fd >= 0 && !socket.connecting);
    if (socket.ended || socket.wants_receive) return;
    socket.wants_receive = true;
    // Still watched where a hold() came and went between two readable moments.
    if ((socket.watched & EPOLLIN) == 0) watch(id, socket);
}

void EpollIo::hold(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(socket.fd >= 0);
    socket.wants_receive = false;
}

void EpollIo::send(SlotId id, std::string_view bytes) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(socket.fd >= 0 && !socket.connecting && !bytes.empty());
    RINGSIDE_ASSERT(!socket.sending && !socket.full);
    ssize_t taken = 0;
    do {
        ++counters_.system_calls;
        taken = ::send(socket.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    ++counters_.sends;
    if (taken < 0) taken = errno == EAGAIN ? 0 : -errno;
    socket.sending = true;
    report(pending_, IoEvent::Kind::sent, id, taken);
    if (taken >= 0 && static_cast<std::size_t>(taken) < bytes.size()) {
        ++counters_.short_sends;
        socket.full = true;
        watch(id, socket);
    }
}

void EpollIo::shutdown_send(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(socket.fd >= 0);
    ++counters_.system_calls;
    ::shutdown(socket.fd, SHUT_WR);
}

void EpollIo::close(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(socket.fd >= 0);
    ++counters_.system_calls;
    ::close(std::exchange(socket.fd, -1));  // leaves the epoll set with it
    report(pending_, IoEvent::Kind::closed, id, 0);
}

std::uint32_t EpollIo::unsent_bytes(SlotId id) noexcept {
    ++counters_.system_calls;
    return ringside::unsent_bytes(sockets_.at(id).fd);
}

// Events made by calls since the last turn.
void EpollIo::take_pending() noexcept {
    for (const IoEvent& event : pending_) {
        Socket& socket = sockets_.at(event.id);
        const bool closing = socket.fd < 0;
        switch (event.kind) {
            case IoEvent::Kind::sent:
                socket.sending = false;
                break;
            case IoEvent::Kind::closed:
                sockets_.retire(event.id);
                break;
            case IoEvent::Kind::connected:
            case IoEvent::Kind::received:
                if (closing) continue;
                break;
            case IoEvent::Kind::accepted:
            case IoEvent::Kind::writable:
                break;
        }
        batch_.push_back(event);
    }
    pending_.clear();
}

std::uint64_t EpollIo::wait_ns(std::uint64_t until_ns) const noexcept {
    const std::uint64_t end_ns = std::min(until_ns, accept_pause_.until_ns());
    if (end_ns == wait_forever) return Epoll::wait_forever;
    const std::uint64_t now = monotonic_ns();
    return end_ns > now ? end_ns - now : 0;
}

void EpollIo::wait(std::uint64_t until_ns) noexcept {
    const bool may_sleep = until_ns != 0 && batch_.empty();
    const bool sleeps = may_sleep && gate_.fall_asleep();
    std::uint64_t left_ns = sleeps ? wait_ns(until_ns) : 0;
    do {
        ++counters_.enters;
        ++counters_.system_calls;
        ready_count_ = epoll_.wait(ready_, left_ns).size();
        // A signal, SIGCONT for one, is nothing that happened: the wait goes on.
        if (left_ns != 0 && ready_count_ == 0) left_ns = wait_ns(until_ns);
    } while (left_ns != 0 && ready_count_ == 0);
    if (may_sleep) gate_.wake_up();
    counters_.completions += ready_count_;
}

std::span<const IoEvent> EpollIo::turn(std::uint64_t until_ns) noexcept {
    sockets_.release_retired();
    batch_.clear();
    received_bytes_ = 0;
    take_pending();
    resume_accepting();
    if (ready_count_ == 0) wait(until_ns);
    dispatch();
    now_ns_ = monotonic_ns();
    return batch_;
}

// Works off what is ready; what finds no receive buffer stays at the front of ready_.
void EpollIo::dispatch() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ready_count_; ++i) {
        if (!on_ready(ready_[i])) ready_[kept++] = ready_[i];
    }
    RINGSIDE_ASSERT(kept == 0 || received_bytes_ > 0);
    ready_count_ = kept;
}

bool EpollIo::on_ready(const epoll_event& ready) noexcept {
    const std::uint64_t token = ready.data.u64;
    if (token == wake_token) {
        ++counters_.system_calls;
        const std::uint64_t wakes = gate_.event().take();
        counters_.wakes += wakes;
        counters_.system_calls += wakes;  // the writes of those who woke it
        return true;
    }
    if (token == listener_token) {
        on_acceptable();
        return true;
    }
    const SlotId id = id_of(token);
    Socket* const socket = sockets_.find(id);
    if (socket == nullptr || socket->fd < 0) return true;  // closed since epoll was asked
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    if ((ready.events & (EPOLLOUT | broken)) != 0) on_writable(id, *socket);
    if ((ready.events & (EPOLLIN | broken)) == 0) return true;
    if (!socket->wants_receive) {
        watch(id, *socket);
        return true;
    }
    if (receive_buffer_bytes - received_bytes_ < read_bytes_max) return false;
    on_readable(id, *socket);
    return true;
}

void EpollIo::on_acceptable() noexcept {
    for (int i = 0; i < accepts_per_turn && listener_ >= 0; ++i) {
        ++counters_.system_calls;
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_pause_.succeeded();
            report(batch_, IoEvent::Kind::accepted, SlotId{}, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!accept_error_passes(errno)) {
            return pause_accepting(errno);
        }
    }
}

void EpollIo::on_writable(SlotId id, Socket& socket) noexcept {
    if (socket.connecting) {
        int problem = 0;
        socklen_t bytes = sizeof problem;
        ++counters_.system_calls;
        if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &problem, &bytes) != 0) problem = errno;
        socket.connecting = false;
        report(batch_, IoEvent::Kind::connected, id, -problem);
    } else if (socket.full) {
        socket.full = false;
        report(batch_, IoEvent::Kind::writable, id, 0);
    } else {
        return;
    }
    watch(id, socket);
}

void EpollIo::on_readable(SlotId id, Socket& socket) noexcept {
    char* const data = received_.get() + received_bytes_;
    ++counters_.system_calls;
    const ssize_t got = ::recv(socket.fd, data, read_bytes_max, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    const std::int64_t result = got >= 0 ? got : -errno;
    ++counters_.receives;
    if (got > 0) {
        received_bytes_ += static_cast<std::size_t>(got);
    } else {
        socket.ended = true;
        socket.wants_receive = false;
        watch(id, socket);
    }
    report(batch_, IoEvent::Kind::received, id, result, got > 0 ? data : nullptr);
}

std::unique_ptr<Io> make_epoll_io(const IoOptions& options) {
    return std::make_unique<EpollIo>(options);
}

}  // namespace ringside::uring
