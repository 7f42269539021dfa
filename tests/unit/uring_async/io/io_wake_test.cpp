// Time and other threads: deadlines and wake().

#include <atomic>
#include <catch2/catch.hpp>
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
    CHECK(io->counters().enters == 3);
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

TEST_CASE("a hundred thousand wakes from another thread, asleep or awake, all arrive") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    constexpr std::uint64_t rounds = 100'000;
    const std::unique_ptr<Io> io = make_io(kind);
    // Plain on purpose: wake() is what makes it visible, and ThreadSanitizer checks that it does.
    std::uint64_t handed_over = 0;
    std::atomic<std::uint64_t> seen{0};  // the round whose value the loop has read
    std::thread other([&] {
        for (std::uint64_t round = 1; round <= rounds; ++round) {
            handed_over = round;
            io->wake();
            // Sleeps rather than spins: on a busy machine spinning takes the loop's time away.
            for (std::uint64_t now = round - 1; now != round; now = seen.load())
                seen.wait(now);
            // Gives the loop the time to fall asleep, in some rounds.
            for (std::uint64_t i = 0; i < round % 4; ++i)
                std::this_thread::yield();
        }
    });
    std::uint64_t wrong = 0;
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        for (std::uint64_t i = 0; i < round % 3; ++i)
            (void)io->turn(0);
        (void)io->turn(wait_forever);
        // Nothing else ends a waiting turn here, so the value is there.
        if (handed_over != round) ++wrong;
        seen.store(round);
        seen.notify_one();
    }
    other.join();
    CHECK(wrong == 0);
    CHECK(io->counters().wakes <= rounds);
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
