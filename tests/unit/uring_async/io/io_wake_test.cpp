// Time and other threads: deadlines and wake().

#include <pthread.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "common/clock.hpp"
#include "io_fixture.hpp"

namespace ringside::uring {

TEST_CASE("a turn ends at its deadline with no event") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    const std::unique_ptr<Io> io = make_io(kind);
    const std::uint64_t end_ns = monotonic_ns() + 3'000'000;
    CHECK(io->turn(end_ns).empty());
    CHECK(io->now_ns() >= end_ns);
    CHECK(io->now_ns() <= monotonic_ns());
    // A deadline that has passed does not wait, and 0 does not either.
    CHECK(io->turn(end_ns).empty());
    CHECK(io->turn(0).empty());
    CHECK(io->counters().enters >= 3);
}

TEST_CASE("signals do not end a turn before its deadline") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    const std::unique_ptr<Io> io = make_io(kind);
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction before {};
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    std::atomic<bool> done{false};
    const pthread_t loop = ::pthread_self();
    std::thread other([&] {
        while (!done.load())
            ::pthread_kill(loop, SIGUSR1);
    });
    const std::uint64_t end_ns = monotonic_ns() + 20'000'000;
    CHECK(io->turn(end_ns).empty());
    CHECK(io->now_ns() >= end_ns);
    done.store(true);
    other.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a wake before the turn is not lost and costs no system call") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    const std::unique_ptr<Io> io = make_io(kind);
    io->wake();
    io->wake();
    CHECK(io->turn(0).empty());  // a turn that does not wait leaves it for the one that does
    CHECK(io->turn(wait_forever).empty());
    CHECK(io->counters().wakes == 0);
}

TEST_CASE("every wake from another thread arrives, whether the loop is asleep or awake") {
    // A hundred thousand handshakes; fewer where the machine is so busy that each takes its turn.
    constexpr std::uint64_t rounds_max = 100'000;
    constexpr std::uint64_t time_max_ns = 10'000'000'000;
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    const std::unique_ptr<Io> io = make_io(kind);
    // Plain on purpose: wake() is what makes it visible, and ThreadSanitizer checks that it does.
    std::uint64_t handed_over = 0;
    std::atomic<std::uint64_t> seen{0};  // the round whose value the loop has read
    std::atomic<bool> last{false};       // true before `seen` shows the last round
    std::thread other([&] {
        for (std::uint64_t round = 1; !last.load(); ++round) {
            handed_over = round;
            io->wake();
            for (std::uint64_t now = round - 1; now != round; now = seen.load())
                seen.wait(now);
            // Gives the loop the time to fall asleep, in some rounds.
            const std::uint64_t pause_end_ns = monotonic_ns() + round % 4 * 2000;
            while (monotonic_ns() < pause_end_ns)
                continue;
        }
    });
    const std::uint64_t end_ns = monotonic_ns() + time_max_ns;
    std::uint64_t wrong = 0;
    std::uint64_t round = 0;
    while (!last.load()) {
        ++round;
        for (std::uint64_t i = 0; i < round % 3; ++i)
            (void)io->turn(0);
        (void)io->turn(wait_forever);
        // Nothing else ends a waiting turn here, so the value is there.
        if (handed_over != round) ++wrong;
        last.store(round == rounds_max || monotonic_ns() > end_ns);
        seen.store(round);
        seen.notify_one();
    }
    other.join();
    CAPTURE(round);
    CHECK(wrong == 0);
    CHECK(io->counters().wakes <= round);
}

TEST_CASE("a wake ends a turn that waits for connections too") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    for (int round = 0; round < 100; ++round) {
        std::thread other([&] { loop.io().wake(); });
        CHECK(loop.io().turn(wait_forever).empty());
        other.join();
    }
    write_all(pair.far.get(), "still here");
    loop.run_until([&] { return loop[id].received == "still here"; });
    loop.finish(id);
}

}  // namespace ringside::uring
