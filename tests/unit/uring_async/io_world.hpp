#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/socket_ops.hpp"
#include "support/fake_io.hpp"
#include "support/fake_network.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::uring {

/// Which Io a test runs on: one of the kernel's, or the fake one with a seed.
struct WorldKind {
    enum class Io : std::uint8_t { fake, uring, epoll };
    Io io = Io::fake;
    std::uint64_t seed = 0;
};
std::ostream& operator<<(std::ostream& out, const WorldKind& kind);

/// For GENERATE(from_range(world_kinds())). IO_KIND=fake|uring|epoll in the environment picks one.
[[nodiscard]] std::vector<WorldKind> world_kinds();

/// Which loop: the server accepts, the client connects.
enum class Side : std::uint8_t { server = 0, client = 1 };

// Two loops in one thread, a listener between them and a record of everything that they reported.
// The tests see nothing but Io, so they hold for the kernel's and for the fake one alike. What
// io.hpp promises about the order of events is checked for every event on its way into the record.
class IoWorld {
 public:
    /// What one connection reported.
    struct Record {
        std::string received;
        int ends = 0;           // `received` with result 0
        std::int32_t lost = 0;  // `received` or `sent` with -errno
        std::vector<std::int32_t> sent;
        int writable = 0;
        std::vector<std::int32_t> connected;
        int closed = 0;
        bool close_called = false;

        // What is to be sent, and what the last send was given: freed at its `sent` event.
        std::string outbox;
        std::unique_ptr<std::string> offered;  // not null exactly while a send is in flight
        bool full = false;                     // between a short send and `writable`
    };

    explicit IoWorld(const WorldKind& kind, std::uint32_t connections_max = 64);
    ~IoWorld();
    IoWorld(const IoWorld&) = delete;
    IoWorld& operator=(const IoWorld&) = delete;

    [[nodiscard]] Io& io(Side side) noexcept { return *ios_[static_cast<std::size_t>(side)]; }
    [[nodiscard]] Record& at(Side side, SlotId id);
    [[nodiscard]] int listener() const noexcept { return listener_.get(); }
    [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }
    std::deque<UniqueFd> accepted;

    /// Turns of both loops until `done`; fails the test where that does not come.
    void run_until(const std::function<bool()>& done);
    /// Turns until nothing is under way any more.
    void settle();
    /// One loop has a turn that does not wait.
    void turn(Side side);

    /// A connection from the client's loop to the server's.
    struct Pair {
        SlotId server{};
        SlotId client{};
    };
    [[nodiscard]] Pair make_pair();
    [[nodiscard]] SlotId connect(Side side);
    [[nodiscard]] UniqueFd next_accepted();
    /// Sends all of `bytes` after what is being sent, in as many sends as it takes.
    void send(Side side, SlotId id, std::string_view bytes);
    void close(Side side, SlotId id);
    /// The loop goes away with all that it has.
    void drop(Side side);
    /// More bytes than a connection holds that nobody reads.
    [[nodiscard]] std::size_t more_than_fits() const noexcept;
    [[nodiscard]] const WorldKind& kind() const noexcept { return kind_; }

 private:
    [[nodiscard]] std::unique_ptr<Io> make_io(std::uint32_t connections_max);
    void step();
    void record(Side side, std::span<const IoEvent> events);
    void check(Record& record, const IoEvent& event);
    void on_sent(Record& record, std::int32_t result);
    void push(Side side, SlotId id, Record& record);

    WorldKind kind_;
    std::unique_ptr<FakeNetwork> network_;  // of the fake kind
    std::unique_ptr<Io> ios_[2];
    std::map<std::pair<std::uint32_t, std::uint32_t>, Record> records_[2];
    UniqueFd listener_;
    SocketAddress address_;
};

}  // namespace ringside::uring
