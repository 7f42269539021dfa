#include "bench/floor_run.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "support/refuse_calls.hpp"
#include "uring_async/io/probe.hpp"

using namespace ringside;
using namespace ringside::bench;

namespace {

FloorLoad short_load(std::size_t connections, std::size_t batch, std::size_t bytes) {
    return {.connections = connections,
            .batch = batch,
            .bytes = bytes,
            .warm_up_ns = 0,
            .duration_ns = 50'000'000};
}

bool possible(SendWay way) {
    const bool yes = way == SendWay::send || uring::probe_io_uring().usable;
    if (!yes) WARN("skipped: io_uring is refused here");
    return yes;
}

}  // namespace

TEST_CASE("all that the floor sends is received, a send for each connection and round") {
    const auto way = GENERATE(SendWay::uring, SendWay::send);
    CAPTURE(static_cast<int>(way));
    if (!possible(way)) return;
    const Result<FloorFigures> figures = run_floor(short_load(7, 3, 112), way);
    REQUIRE(figures);
    CHECK(figures->rounds > 0);
    CHECK(figures->sends == figures->rounds * 7);
    CHECK(figures->messages == figures->sends * 3);
    CHECK(figures->bytes_sent == figures->messages * 112);
    CHECK(figures->bytes_received == figures->bytes_sent);
    CHECK(figures->short_sends == 0);
    CHECK(figures->seconds >= 0.05);
    CHECK(figures->sender_cpu_seconds > 0);
    CHECK(figures->receiver_cpu_seconds > 0);
}

TEST_CASE("a sender that runs ahead sleeps less often, and all it sent is received in the end") {
    FloorLoad load = short_load(20, 1, 100);
    const Result<FloorFigures> lock_step = run_floor(load, SendWay::send);
    load.ahead = 1000;
    const Result<FloorFigures> ahead = run_floor(load, SendWay::send);
    REQUIRE(lock_step);
    REQUIRE(ahead);
    CHECK(ahead->bytes_received == ahead->bytes_sent);
    CHECK(ahead->messages == ahead->rounds * 20);
    const auto sleeps = [](const FloorFigures& figures) {
        return figures.system_calls - figures.sends;
    };
    CHECK(sleeps(*ahead) * lock_step->rounds < sleeps(*lock_step) * ahead->rounds);
}

TEST_CASE("a ring hands a round over in one system call, send(2) in one for each connection") {
    const Result<FloorFigures> plain = run_floor(short_load(50, 1, 100), SendWay::send);
    REQUIRE(plain);
    CHECK(plain->system_calls >= plain->rounds * 50);
    if (!possible(SendWay::uring)) return;
    const Result<FloorFigures> ring = run_floor(short_load(50, 1, 100), SendWay::uring);
    REQUIRE(ring);
    // One to send; the receivers are waited for with two at most, more where a signal comes.
    CHECK(ring->system_calls >= ring->rounds);
    CHECK(ring->system_calls <= ring->rounds * 4);
}

TEST_CASE("a piece larger than a socket is sent in parts, and the short sends are counted") {
    const auto way = GENERATE(SendWay::uring, SendWay::send);
    CAPTURE(static_cast<int>(way));
    if (!possible(way)) return;
    const Result<FloorFigures> figures = run_floor(short_load(2, 65'536, 1024), way);
    REQUIRE(figures);
    CHECK(figures->short_sends > 0);
    CHECK(figures->sends == figures->rounds * 2 + figures->short_sends);
    CHECK(figures->messages == figures->rounds * 2 * 65'536);
    CHECK(figures->bytes_received == figures->bytes_sent);
}

TEST_CASE("a floor whose bytes do not arrive has no figures") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        test::refuse_calls(SYS_recvfrom, SYS_recvfrom, ECONNRESET);
        ::_exit(run_floor(short_load(2, 1, 100), SendWay::send) ? 1 : 42);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 42);
}
