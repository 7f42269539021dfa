#include "bench/floor_run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/epoll.hpp"
#include "common/event_fd.hpp"
#include "common/server_start.hpp"
#include "common/socket_ops.hpp"
#include "common/unique_fd.hpp"
#include "uring_async/io/probe.hpp"
#include "uring_async/io/ring.hpp"
#include "uring_async/io/uring_io.hpp"

// Two threads. The sender is the caller of run_floor(): it owns the sending ends and all counts.
// The receiving thread owns the receiving ends. They share the two atomics of Receivers and two
// eventfds, `drained_` (the receivers wake the sender) and `end_` (the sender ends the receivers).
//
// 1. A round sends one piece, the same bytes, to each connection once. What a full socket did not
//    take is sent in further passes over these connections.
// 2. After a round the sender sleeps until at most `ahead` - 1 rounds are on their way, and after a
//    pass that left something over until nothing is: sockets have room for the next one then.
// 3. The measured time begins and ends between rounds, when nothing is on its way.

namespace ringside::bench {

namespace {

constexpr int arrival_timeout_ms = 10'000;

double cpu_seconds(clockid_t clock) noexcept {
    timespec time{};
    RINGSIDE_ASSERT(::clock_gettime(clock, &time) == 0);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// ------------------------------------------------------------------------------------- placing

void bind_to_cpu(std::size_t cpu) noexcept {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    // A refusal (the CPU was taken away meanwhile) leaves the thread where it may run.
    ::sched_setaffinity(0, sizeof only, &only);
}

/// The CPUs of sender and receivers, of those that this process may use.
std::array<std::size_t, 2> choose_cpus(Cpus cpus) {
    static const cpu_set_t allowed = [] {  // before the first run binds this thread
        cpu_set_t set;
        CPU_ZERO(&set);
        ::sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    std::vector<std::size_t> usable;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) usable.push_back(cpu);
    }
    if (usable.empty()) throw StartError("cannot tell which CPUs may be used (sched_getaffinity)");
    if (cpus == Cpus::one) return {usable[0], usable[0]};
    if (usable.size() < 2) {
        throw StartError(
            "--cpus=two needs two CPUs, and this process may use one: take --cpus=one");
    }
    return {usable[0], usable[1]};
}

// --------------------------------------------------------------------------------- connections

struct Connections {
    std::vector<UniqueFd> sending;
    std::vector<UniqueFd> receiving;
};

void check_descriptors(std::size_t connections) {
    constexpr std::size_t spare = 32;  // standard streams, listener, ring, epoll, eventfds
    const std::size_t wanted = 2 * connections + spare;
    const std::uint64_t limit = raise_descriptor_limit();
    if (wanted <= limit) return;
    throw StartError(fmt::format(
        "{} connections need {} descriptors, since both ends are in this process, but it may "
        "have {}: take at most --connections={}, or raise the limit (ulimit -Hn)",
        connections, wanted, limit, limit > spare + 2 ? (limit - spare) / 2 : 1));
}

Connections connect_all(std::size_t count) {
    check_descriptors(count);
    const UniqueFd listener = or_start_error(make_listener(*parse_address("127.0.0.1:0")));
    const std::uint16_t port = or_start_error(local_port(listener.get()));
    const SocketAddress address = *parse_address(fmt::format("127.0.0.1:{}", port));
    Connections made;
    for (std::size_t i = 0; i < count; ++i) {
        made.receiving.push_back(or_start_error(connect_stream(address)));
        // The accepted end sends, as a server's does; TCP_NODELAY comes from the listener.
        pollfd acceptable{listener.get(), POLLIN, 0};
        ::poll(&acceptable, 1, arrival_timeout_ms);
        UniqueFd accepted(
            ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!accepted) throw StartError(last_error("accept").text());
        made.sending.push_back(std::move(accepted));
    }
    return made;
}

// ----------------------------------------------------------------------------------- receiving

class Receivers {
 public:
    Receivers(std::vector<UniqueFd> sockets, std::size_t cpu)
        : sockets_(std::move(sockets)),
          epoll_(or_start_error(Epoll::make())),
          drained_(or_start_error(EventFd::make())),
          end_(or_start_error(EventFd::make())) {
        add(end_.get(), end_token);
        for (const UniqueFd& socket : sockets_)
            add(socket.get(), static_cast<std::uint64_t>(socket.get()));
        thread_ = std::thread([this, cpu] {
            bind_to_cpu(cpu);
            loop();
        });
    }
    ~Receivers() {
        end_.signal();
        thread_.join();
    }
    Receivers(const Receivers&) = delete;
    Receivers& operator=(const Receivers&) = delete;

    /// Sleeps until `bytes` were received since the start. False: they do not come.
    [[nodiscard]] bool wait_for(std::uint64_t bytes, std::uint64_t& system_calls) noexcept {
        if (received_.load() >= bytes) return true;
        awaited_.store(bytes);
        if (received_.load() >= bytes && awaited_.exchange(0) != 0) return true;
        pollfd readable{drained_.get(), POLLIN, 0};
        int ready = 0;
        do {
            ++system_calls;
            ready = ::poll(&readable, 1, arrival_timeout_ms);
        } while (ready < 0 && errno == EINTR);
        ++system_calls;
        return drained_.take() > 0 && received_.load() >= bytes;
    }

    [[nodiscard]] std::uint64_t received() const noexcept { return received_.load(); }

    [[nodiscard]] double receiver_cpu_seconds() noexcept {
        clockid_t clock{};
        RINGSIDE_ASSERT(::pthread_getcpuclockid(thread_.native_handle(), &clock) == 0);
        return cpu_seconds(clock);
    }

 private:
    static constexpr std::uint64_t end_token = UINT64_MAX;

    void add(int fd, std::uint64_t token) {
        if (const auto added = epoll_.add(fd, EPOLLIN, token); !added) {
            throw StartError(added.error().text());
        }
    }

    // Level-triggered with one read per readable socket and a buffer for any piece: what a client
    // does, without anything that it does with the bytes.
    void loop() noexcept {
        for (;;) {
            std::uint64_t bytes = 0;
            for (const epoll_event& ready : epoll_.wait(ready_, Epoll::wait_forever)) {
                if (ready.data.u64 == end_token) return;
                const ssize_t got = ::recv(static_cast<int>(ready.data.u64), buffer_.get(),
                                           buffer_bytes, MSG_DONTWAIT);
                if (got > 0) {
                    bytes += static_cast<std::uint64_t>(got);
                } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                    return drained_.signal();  // broken: the sender sees that bytes are missing
                }
            }
            count(bytes);
        }
    }

    void count(std::uint64_t bytes) noexcept {
        const std::uint64_t total = received_.fetch_add(bytes) + bytes;
        std::uint64_t awaited = awaited_.load();
        if (awaited == 0 || total < awaited) return;
        if (awaited_.compare_exchange_strong(awaited, 0)) drained_.signal();
    }

    static constexpr std::size_t buffer_bytes = 256 * 1024;

    std::vector<UniqueFd> sockets_;
    Epoll epoll_;
    EventFd drained_;
    EventFd end_;
    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(buffer_bytes);
    std::vector<epoll_event> ready_ = std::vector<epoll_event>(1024);
    // Bytes since the start; written by the receiving thread.
    std::atomic<std::uint64_t> received_{0};
    // 0: the sender is awake. Else it sleeps, or is about to, until received_ is this; who sets it
    // back to 0 knows that the other has not: the receivers signal then, the sender does not sleep.
    std::atomic<std::uint64_t> awaited_{0};
    std::thread thread_;
};

// ------------------------------------------------------------------------------------- sending

struct Sending {
    int fd = -1;
    std::size_t taken = 0;  // bytes of this round's piece that the socket has
};

// One way of handing a pass to the kernel: the rest of the piece for each of the connections.
class Way {
 public:
    virtual ~Way() = default;
    /// False: a connection broke, errno says how.
    [[nodiscard]] virtual bool pass(std::span<Sending> connections, std::string_view piece) = 0;

    FloorFigures counts;

 protected:
    [[nodiscard]] bool on_sent(Sending& connection, std::string_view piece, std::int64_t result) {
        ++counts.sends;
        if (result < 0 && result != -EAGAIN && result != -EINTR) {
            errno = static_cast<int>(-result);
            return false;
        }
        const auto taken = static_cast<std::size_t>(std::max<std::int64_t>(result, 0));
        connection.taken += taken;
        counts.bytes_sent += taken;
        if (connection.taken < piece.size()) ++counts.short_sends;
        return true;
    }
};

class PlainSend final : public Way {
 public:
    bool pass(std::span<Sending> connections, std::string_view piece) override {
        for (Sending& connection : connections) {
            const std::string_view rest = piece.substr(connection.taken);
            if (rest.empty()) continue;
            ++counts.system_calls;
            const ssize_t sent =
                ::send(connection.fd, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (!on_sent(connection, piece, sent < 0 ? -errno : sent)) return false;
        }
        return true;
    }
};

// As the uring server: SEND with MSG_DONTWAIT, so that it completes while it is handed over; the
// ring's sizes and flags are the server's too. One enter a pass, and one whenever the queue is
// full.
class RingSend final : public Way {
 public:
    explicit RingSend(const uring::Probe& probe)
        : ring_(or_start_error(uring::Ring::make(uring::UringSizes{}.ring, probe.defer_taskrun))) {}

    bool pass(std::span<Sending> connections, std::string_view piece) override {
        bool whole = true;
        for (std::size_t i = 0; i < connections.size(); ++i) {
            const std::string_view rest = piece.substr(connections[i].taken);
            if (rest.empty()) continue;
            io_uring_sqe* entry = ring_->entry();
            if (entry == nullptr) {
                whole = hand_over(connections, piece) && whole;
                entry = ring_->entry();
            }
            ::io_uring_prep_send(entry, connections[i].fd, rest.data(), rest.size(),
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
            entry->user_data = i;
            ++in_flight_;
        }
        return hand_over(connections, piece) && whole;
    }

 private:
    [[nodiscard]] bool hand_over(std::span<Sending> connections, std::string_view piece) {
        bool whole = true;
        while (in_flight_ > 0) {
            ++counts.system_calls;
            const int entered = ring_->submit_and_wait(0);
            RINGSIDE_ASSERT(entered >= 0 || entered == -EINTR || entered == -EAGAIN ||
                            entered == -EBUSY || entered == -ETIME);
            for (uring::Completion done; ring_->pop(done); --in_flight_)
                whole = on_sent(connections[done.user_data], piece, done.result) && whole;
        }
        return whole;
    }

    std::unique_ptr<uring::Ring> ring_;
    std::size_t in_flight_ = 0;
};

std::unique_ptr<Way> make_way(SendWay way) {
    if (way == SendWay::send) return std::make_unique<PlainSend>();
    const uring::Probe probe = uring::probe_io_uring();
    if (!probe.usable) {
        throw StartError("io_uring cannot be used here (" + probe.why_not + "): take --io=send");
    }
    return std::make_unique<RingSend>(probe);
}

// ------------------------------------------------------------------------------------ measuring

Result<void> wait_for(Way& way, std::uint64_t bytes, Receivers& receivers) {
    if (receivers.wait_for(bytes, way.counts.system_calls)) return {};
    return std::unexpected(Error{ETIMEDOUT, "bytes that were sent did not arrive"});
}

Result<void> send_round(Way& way, std::span<Sending> connections, std::string_view piece,
                        Receivers& receivers) {
    for (Sending& connection : connections)
        connection.taken = 0;
    const std::uint64_t round_end = way.counts.bytes_sent + connections.size() * piece.size();
    for (;;) {
        if (!way.pass(connections, piece)) return std::unexpected(last_error("send"));
        if (way.counts.bytes_sent == round_end) break;
        if (auto empty = wait_for(way, way.counts.bytes_sent, receivers); !empty) return empty;
    }
    ++way.counts.rounds;
    return {};
}

/// Rounds until `time_ns` have passed, one at least, and then until all of it was received.
Result<void> send_for(std::uint64_t time_ns, std::size_t ahead, Way& way,
                      std::span<Sending> connections, std::string_view piece,
                      Receivers& receivers) {
    const std::uint64_t on_their_way_max = (ahead - 1) * connections.size() * piece.size();
    const std::uint64_t end_ns = monotonic_ns() + time_ns;
    do {
        if (auto sent = send_round(way, connections, piece, receivers); !sent) return sent;
        const std::uint64_t sent = way.counts.bytes_sent;
        if (sent <= on_their_way_max) continue;
        if (auto gone = wait_for(way, sent - on_their_way_max, receivers); !gone) return gone;
    } while (monotonic_ns() < end_ns);
    return wait_for(way, way.counts.bytes_sent, receivers);
}

// The counts since the start, with the clocks; a difference of two is what was measured.
FloorFigures snapshot(const Way& way, Receivers& receivers) {
    FloorFigures now = way.counts;
    now.bytes_received = receivers.received();
    now.receiver_cpu_seconds = receivers.receiver_cpu_seconds();
    now.sender_cpu_seconds = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    now.seconds = static_cast<double>(monotonic_ns()) * 1e-9;
    return now;
}

FloorFigures difference(const FloorFigures& from, FloorFigures to) {
    to.seconds -= from.seconds;
    to.sender_cpu_seconds -= from.sender_cpu_seconds;
    to.receiver_cpu_seconds -= from.receiver_cpu_seconds;
    to.rounds -= from.rounds;
    to.sends -= from.sends;
    to.short_sends -= from.short_sends;
    to.system_calls -= from.system_calls;
    to.bytes_sent -= from.bytes_sent;
    to.bytes_received -= from.bytes_received;
    return to;
}

}  // namespace

Result<FloorFigures> run_floor(const FloorLoad& load, SendWay way_kind) {
    const auto [sender_cpu, receiver_cpu] = choose_cpus(load.cpus);
    const std::unique_ptr<Way> way = make_way(way_kind);
    Connections connections = connect_all(load.connections);
    Receivers receivers(std::move(connections.receiving), receiver_cpu);
    bind_to_cpu(sender_cpu);
    std::vector<Sending> sending;
    for (const UniqueFd& fd : connections.sending)
        sending.push_back({fd.get()});
    const std::string piece(load.batch * load.bytes, 'x');

    const auto load_for = [&](std::uint64_t time_ns) {
        return send_for(time_ns, load.ahead, *way, sending, piece, receivers);
    };
    // Without a warm-up one round all the same: the first fills caches and opens windows.
    if (const auto sent = load_for(load.warm_up_ns); !sent) return std::unexpected(sent.error());
    const FloorFigures from = snapshot(*way, receivers);
    if (const auto sent = load_for(load.duration_ns); !sent) return std::unexpected(sent.error());
    FloorFigures figures = difference(from, snapshot(*way, receivers));
    figures.messages = figures.bytes_sent / load.bytes;
    if (figures.bytes_received != figures.bytes_sent) {
        return std::unexpected(Error{EPROTO, "other bytes were received than sent"});
    }
    return figures;
}

}  // namespace ringside::bench
