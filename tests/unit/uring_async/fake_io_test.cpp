// What the fake network does beyond the contract of Io: determinism, errors by chance, sleep, and
// the checks on its caller.

#include "support/fake_io.hpp"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace ringside::uring {

namespace {

constexpr std::uint16_t port = 5000;
constexpr std::uint32_t clients = 8;

// A server that sends everything back and clients that send some bytes and close when they have
// them again or have lost their connection.
class Echo {
 public:
    explicit Echo(const FakeNetworkOptions& options)
        : network_(options),
          listener_(network_.make_listener(port)),
          server_(network_),
          client_(network_) {
        server_.listen(listener_.get());
        const SocketAddress to = FakeNetwork::address(port);
        for (std::uint32_t i = 0; i < clients; ++i) {
            const SlotId id = client_.connect(UniqueFd(::dup(0)), to.get(), to.bytes).value();
            talks_[&client_][id.slot].due = std::string(1000 + i * 700, static_cast<char>('a' + i));
        }
    }

    /// Until every client has closed.
    void run() {
        for (int steps = 0; closed_ < clients; ++steps) {
            REQUIRE(steps < 1'000'000);
            FakeIo* const io = network_.pick();
            if (io == nullptr) {
                REQUIRE(network_.advance());
                continue;
            }
            for (const IoEvent& event : io->turn(wait_forever))
                handle(*io, event);
        }
    }

    [[nodiscard]] FakeNetwork& network() noexcept { return network_; }
    [[nodiscard]] FakeIo& server() noexcept { return server_; }
    [[nodiscard]] std::uint32_t lost() const noexcept { return lost_; }

 private:
    struct Talk {
        std::string due;
        std::string sending;
        bool in_flight = false;
        bool full = false;
        bool closing = false;
        std::size_t received = 0;
        std::size_t expected = 0;
    };

    void handle(FakeIo& io, const IoEvent& event) {
        if (event.kind == IoEvent::Kind::accepted) {
            const SlotId id = io.adopt(UniqueFd(event.result)).value();
            talks_[&io][id.slot] = Talk{};
            return io.receive(id);
        }
        Talk& talk = talks_[&io][event.id.slot];
        if (event.kind == IoEvent::Kind::closed) {
            if (&io == &client_) ++closed_;
            return;
        }
        if (event.kind == IoEvent::Kind::sent) talk.in_flight = false;
        if (talk.closing) return;
        if (event.result < 0 || (event.kind == IoEvent::Kind::received && event.result == 0)) {
            return close(io, event.id, talk);
        }
        switch (event.kind) {
            case IoEvent::Kind::connected:
                io.receive(event.id);
                talk.expected = talk.due.size();
                break;
            case IoEvent::Kind::received:
                talk.received += static_cast<std::size_t>(event.result);
                if (&io == &server_) {
                    talk.due.append(event.data, static_cast<std::size_t>(event.result));
                } else if (talk.received == talk.expected) {
                    return close(io, event.id, talk);
                }
                break;
            case IoEvent::Kind::sent:
                talk.full = static_cast<std::size_t>(event.result) < talk.sending.size();
                talk.due.erase(0, static_cast<std::size_t>(event.result));
                break;
            case IoEvent::Kind::writable:
                talk.full = false;
                break;
            case IoEvent::Kind::accepted:
            case IoEvent::Kind::closed:
                break;
        }
        if (talk.due.empty() || talk.in_flight || talk.full) return;
        talk.sending = talk.due;
        talk.in_flight = true;
        io.send(event.id, talk.sending);
    }

    void close(FakeIo& io, SlotId id, Talk& talk) {
        talk.closing = true;
        if (talk.received < talk.expected) ++lost_;
        io.close(id);
    }

    FakeNetwork network_;
    UniqueFd listener_;
    FakeIo server_;
    FakeIo client_;
    std::map<FakeIo*, std::map<std::uint32_t, Talk>> talks_;
    std::uint32_t closed_ = 0;
    std::uint32_t lost_ = 0;
};

FakeNetworkOptions rough(std::uint64_t seed) {
    FakeNetworkOptions options;
    options.seed = seed;
    options.pipe_bytes_max = 500;
    options.resets = 20;
    options.accept_errors = 200;
    return options;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
    while (::readdir(folder.get()) != nullptr)
        ++count;
    return count;
}

/// Whether `work` ends in an assertion.
bool asserts(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::close(STDERR_FILENO);
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("the same seed gives the same trace, another seed another") {
    std::set<std::uint64_t> hashes;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        Echo first(rough(seed));
        first.run();
        Echo second(rough(seed));
        second.run();
        CHECK(first.network().trace_hash() == second.network().trace_hash());
        CHECK(first.network().trace_events() == second.network().trace_events());
        CHECK(first.network().trace_events() > 100);
        hashes.insert(first.network().trace_hash());
    }
    CHECK(hashes.size() == 50);
}

TEST_CASE("connections are lost by chance and nobody waits for them for ever") {
    std::uint32_t lost = 0;
    std::uint32_t kept = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        Echo echo(rough(seed));
        echo.run();
        lost += echo.lost();
        kept += clients - echo.lost();
    }
    CHECK(lost > 50);
    CHECK(kept > 50);
}

TEST_CASE("a calm network loses nothing") {
    FakeNetworkOptions options = rough(1);
    Echo echo(options);
    echo.network().calm_down();
    echo.run();
    CHECK(echo.lost() == 0);
    CHECK(echo.server().counters().accept_errors == 0);
}

TEST_CASE("accepting without descriptors pauses longer and longer and goes on") {
    FakeNetworkOptions options;
    options.accept_errors = 1000;
    FakeNetwork network(options);
    const UniqueFd listener = network.make_listener(port);
    FakeIo server(network);
    FakeIo client(network);
    server.listen(listener.get());
    const SocketAddress to = FakeNetwork::address(port);
    (void)client.connect(UniqueFd(::dup(0)), to.get(), to.bytes).value();
    const std::uint64_t start = network.now_ns();
    int accepted = 0;
    while (accepted == 0) {
        FakeIo* const io = network.pick();
        if (io == nullptr) {
            REQUIRE(network.advance());
            continue;
        }
        for (const IoEvent& event : io->turn(wait_forever)) {
            if (event.kind != IoEvent::Kind::accepted) continue;
            const UniqueFd fd(event.result);
            ++accepted;
        }
        if (server.counters().accept_errors == 5) network.calm_down();
    }
    CHECK(server.counters().accept_errors == 5);
    CHECK(network.now_ns() - start >= accept_pause_ns_min * (1 + 2 + 4 + 8 + 16));
    CHECK(server.counters().enters < 20);
}

TEST_CASE("a loop that sleeps is picked at its time, after a wake, or when something is due") {
    FakeNetworkOptions options;
    options.seed = GENERATE(range(1U, 20U));
    FakeNetwork network(options);
    FakeIo one(network);
    FakeIo other(network);
    const auto sleep = [&network](FakeIo& io, std::uint64_t until_ns) {
        while (!io.turn(until_ns).empty() || io.runnable()) {
            if (!io.runnable()) network.advance();
        }
    };
    sleep(one, wait_forever);
    sleep(other, network.now_ns() + 1000);
    CHECK(network.pick() == nullptr);
    REQUIRE(network.advance());
    CHECK(network.pick() == &other);
    sleep(other, wait_forever);
    CHECK(network.pick() == nullptr);
    CHECK_FALSE(network.advance());

    one.wake();
    if (network.pick() == nullptr) REQUIRE(network.advance());
    CHECK(network.pick() == &one);
    CHECK(one.turn(wait_forever).empty());
    // Woken, the loop runs once more before it may sleep.
    CHECK(one.runnable());
    CHECK(one.turn(wait_forever).empty());
    CHECK(network.pick() == nullptr);

    auto [near, far] = network.make_pair();
    const SlotId id = one.adopt(std::move(near)).value();
    one.receive(id);
    sleep(one, wait_forever);
    const SlotId peer = other.adopt(std::move(far)).value();
    sleep(other, wait_forever);
    CHECK(network.pick() == nullptr);
    other.send(peer, "x");
    CHECK(other.runnable());
    bool received = false;
    while (!received) {
        FakeIo* const io = network.pick();
        if (io == nullptr) {
            REQUIRE(network.advance());
            continue;
        }
        for (const IoEvent& event : io->turn(wait_forever)) {
            received = received || event.kind == IoEvent::Kind::received;
        }
    }
}

TEST_CASE("nothing is left open by tokens, adopted, refused or never accepted") {
    const std::size_t before = open_descriptors();
    {
        FakeNetworkOptions options;
        options.seed = GENERATE(range(1U, 20U));
        Echo echo(options);
        const SocketAddress to = FakeNetwork::address(port);
        FakeIo more(echo.network());
        (void)more.connect(UniqueFd(::dup(0)), to.get(), to.bytes).value();
        echo.run();
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("the fake Io stops a caller that breaks the contract") {
    FakeNetwork network(FakeNetworkOptions{});
    FakeIo io(network);
    auto [near, far] = network.make_pair();
    const SlotId id = io.adopt(std::move(near)).value();
    std::string bytes = "some bytes";
    const auto until_sent = [&] {
        for (;;) {
            for (const IoEvent& event : io.turn(wait_forever)) {
                if (event.kind == IoEvent::Kind::sent) return;
            }
            network.advance();
        }
    };
    SECTION("changed bytes before the sent event") {
        CHECK(asserts([&] {
            io.send(id, bytes);
            bytes[3] = 'X';
            until_sent();
        }));
    }
    SECTION("unchanged ones are fine") {
        CHECK_FALSE(asserts([&] {
            io.send(id, bytes);
            until_sent();
            bytes[3] = 'X';
        }));
    }
    SECTION("a second send in flight") {
        CHECK(asserts([&] {
            io.send(id, bytes);
            io.send(id, bytes);
        }));
    }
    SECTION("an empty send") {
        CHECK(asserts([&] { io.send(id, ""); }));
    }
    SECTION("a call after close") {
        CHECK(asserts([&] {
            io.close(id);
            io.receive(id);
        }));
    }
    SECTION("an identity that is gone") {
        CHECK(asserts([&] { io.receive(SlotId{id.slot, id.generation + 1}); }));
    }
    SECTION("a descriptor that is no token") {
        CHECK(asserts([&] { (void)io.adopt(UniqueFd(0)); }));
    }
    SECTION("a second listener") {
        const UniqueFd listener = network.make_listener(port);
        CHECK(asserts([&] {
            io.listen(listener.get());
            io.listen(listener.get());
        }));
    }
}

}  // namespace ringside::uring
