#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "common/socket_ops.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::uring {

// The same test cases run against every Io of the kernel: IO_KIND=uring|epoll in the environment
// picks one (meson registers the program once for each), without it they run against both.

/// What a test waits for has failed to happen after that long.
inline constexpr std::uint64_t give_up_ns = 60'000'000'000;

enum class IoKind : std::uint8_t { uring, epoll };
std::ostream& operator<<(std::ostream& out, IoKind kind);

/// For GENERATE(from_range(io_kinds())).
[[nodiscard]] std::vector<IoKind> io_kinds();
[[nodiscard]] std::unique_ptr<Io> make_io(IoKind kind, const IoOptions& options = {});

struct SocketPair {
    UniqueFd near;
    UniqueFd far;
};
/// Two ends of a TCP connection, non-blocking.
[[nodiscard]] SocketPair make_socket_pair();

struct Listener {
    UniqueFd fd;
    SocketAddress address;
};
/// On a free port of 127.0.0.1.
[[nodiscard]] Listener make_test_listener();

/// Everything that is in a socket now.
[[nodiscard]] std::string read_all(int fd);
/// Waits for `bytes` of them, or the end.
[[nodiscard]] std::string read_exactly(int fd, std::size_t bytes);
void write_all(int fd, std::string_view bytes);

// An Io and a record of all its events, by connection.
class TestLoop {
 public:
    struct Connection {
        std::string received;
        std::vector<int> sent;  // results, in order
        int received_events = 0;
        int ends = 0;           // `received` with result 0
        int receive_error = 0;  // -errno
        int writable = 0;
        std::vector<int> connected;  // results
        int closed = 0;
    };

    explicit TestLoop(IoKind kind, const IoOptions& options = {});
    explicit TestLoop(std::unique_ptr<Io> io);

    [[nodiscard]] Io& io() noexcept { return *io_; }
    [[nodiscard]] Connection& operator[](SlotId id) {
        return connections_[{id.slot, id.generation}];
    }
    [[nodiscard]] std::size_t seen() const noexcept { return connections_.size(); }
    std::deque<UniqueFd> accepted;
    /// Called for every event after it was recorded.
    std::function<void(const IoEvent&)> on_event;

    /// One turn that does not wait.
    void turn();
    /// One turn that waits for as long as it takes.
    void wait();
    /// Turns until `done`; a failed test if that takes longer than any machine should need.
    void run_until(const std::function<bool()>& done);
    /// Adopts and starts receiving.
    [[nodiscard]] SlotId start(UniqueFd fd);
    /// Closes and waits for the `closed` event.
    void finish(SlotId id);

 private:
    void record(std::span<const IoEvent> events);

    std::unique_ptr<Io> io_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Connection> connections_;
};

}  // namespace ringside::uring
