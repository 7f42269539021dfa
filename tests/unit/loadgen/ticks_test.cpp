#include "loadgen/ticks.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace ringside::loadgen;

namespace {

constexpr std::uint64_t ms = 1'000'000;

// How late each tick is that this waking takes.
std::vector<std::uint64_t> lateness(Ticks& ticks, std::uint64_t now_ns) {
    std::vector<std::uint64_t> late;
    ticks.take(now_ns, [&](std::uint64_t due_ns) { late.push_back(now_ns - due_ns); });
    return late;
}

}  // namespace

TEST_CASE("who wakes a little late at each tick is told of that tick alone") {
    Ticks ticks(5 * ms, ms);
    CHECK(ticks.next_ns() == 6 * ms);
    CHECK(lateness(ticks, 6 * ms) == std::vector<std::uint64_t>{0});
    CHECK(lateness(ticks, 7 * ms + 70) == std::vector<std::uint64_t>{70});
    CHECK(ticks.next_ns() == 8 * ms);  // fixed times: being late does not move them
}

TEST_CASE("waking before a tick is due takes none") {
    Ticks ticks(0, ms);
    CHECK(lateness(ticks, ms - 1).empty());
    CHECK(ticks.next_ns() == ms);
}

TEST_CASE("standing still shows as every tick that was missed, each with its own lateness") {
    Ticks ticks(0, ms);
    const std::vector<std::uint64_t> late = lateness(ticks, 200 * ms + 7);
    REQUIRE(late.size() == 200);
    for (std::size_t i = 0; i < late.size(); ++i)
        CHECK(late[i] == (199 - i) * ms + 7);
    CHECK(ticks.next_ns() == 201 * ms);
}

TEST_CASE("standing still for an hour is told in bounded work, by what was due longest") {
    Ticks ticks(0, ms);
    const std::vector<std::uint64_t> late = lateness(ticks, 3'600'000 * ms);
    REQUIRE(late.size() == Ticks::told_max);
    CHECK(late.front() == 3'599'999 * ms);
    CHECK(ticks.next_ns() == 3'600'001 * ms);
    CHECK(lateness(ticks, 3'600'001 * ms) == std::vector<std::uint64_t>{0});
}
