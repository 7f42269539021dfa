#include "loadgen/schedule.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using namespace ringside::loadgen;

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

std::vector<std::uint64_t> due_times(const Offered& offered, std::uint64_t sender,
                                     std::uint64_t senders, std::size_t count) {
    Schedule schedule(offered, sender, senders, Random(1, sender));
    std::vector<std::uint64_t> times(count);
    for (std::uint64_t& time : times)
        time = schedule.next();
    return times;
}

}  // namespace

TEST_CASE("a constant schedule has even gaps, rounded down from the exact time") {
    CHECK(due_times({.per_second = 1000}, 0, 1, 4) ==
          std::vector<std::uint64_t>{0, 1'000'000, 2'000'000, 3'000'000});
    CHECK(due_times({.per_second = 3}, 0, 1, 4) ==
          std::vector<std::uint64_t>{0, 333'333'333, 666'666'666, 1'000'000'000});
}

TEST_CASE("the senders of a constant schedule take turns") {
    const Offered offered{.per_second = 1000};
    CHECK(due_times(offered, 0, 4, 2) == std::vector<std::uint64_t>{0, 4'000'000});
    CHECK(due_times(offered, 3, 4, 2) == std::vector<std::uint64_t>{3'000'000, 7'000'000});
}

TEST_CASE("a constant schedule does not drift, at any rate and after a day") {
    const std::uint64_t per_second = GENERATE(1U, 3U, 7'919U, 10'000'000U);
    CAPTURE(per_second);
    const std::uint64_t bursts = 86'400 * per_second;
    // One sender of so many that its second burst is a day later.
    const auto times = due_times({.per_second = per_second}, 0, bursts, 2);
    CHECK(times[0] == 0);
    CHECK(times[1] == 86'400 * second_ns);
}

TEST_CASE("a constant schedule does not drift over millions of messages either") {
    constexpr std::size_t count = 3'000'001;
    const auto times = due_times({.per_second = 3}, 0, 1, count);
    CHECK(times.back() == 1'000'000 * second_ns);
}

TEST_CASE("bursts are due at once and keep the rate") {
    CHECK(due_times({.per_second = 1000, .burst = 3}, 0, 1, 7) ==
          std::vector<std::uint64_t>{0, 0, 0, 3'000'000, 3'000'000, 3'000'000, 6'000'000});
    CHECK(due_times({.per_second = 1000, .burst = 3}, 1, 2, 4) ==
          std::vector<std::uint64_t>{3'000'000, 3'000'000, 3'000'000, 9'000'000});
}

TEST_CASE("a Poisson schedule keeps the rate and has the gaps of an exponential distribution") {
    constexpr std::size_t count = 200'000;
    constexpr double mean_ns = 2'000'000;  // two senders, 1,000 a second
    const auto times = due_times({.per_second = 1000, .arrivals = Arrivals::poisson}, 1, 2, count);
    CHECK(std::is_sorted(times.begin(), times.end()));
    // Five standard deviations of a mean of so many gaps.
    CHECK(static_cast<double>(times.back()) / count ==
          Approx(mean_ns).epsilon(5 / std::sqrt(static_cast<double>(count))));
    std::uint64_t before_ns = 0;
    std::size_t above_mean = 0;
    std::size_t above_three = 0;
    for (const std::uint64_t time : times) {
        const auto gap = static_cast<double>(time - before_ns);
        above_mean += gap > mean_ns ? 1 : 0;
        above_three += gap > 3 * mean_ns ? 1 : 0;
        before_ns = time;
    }
    CHECK(static_cast<double>(above_mean) / count == Approx(std::exp(-1.0)).epsilon(0.02));
    CHECK(static_cast<double>(above_three) / count == Approx(std::exp(-3.0)).epsilon(0.06));
}

TEST_CASE("a Poisson schedule of bursts keeps the rate") {
    constexpr std::size_t bursts = 50'000;
    const auto times = due_times({.per_second = 1000, .arrivals = Arrivals::poisson, .burst = 4}, 0,
                                 1, 4 * bursts);
    CHECK(times[4] == times[7]);
    CHECK(static_cast<double>(times.back()) / bursts ==
          Approx(4'000'000).epsilon(5 / std::sqrt(static_cast<double>(bursts))));
}

TEST_CASE("the same seed gives the same schedule, each sender one of its own") {
    const Offered offered{.per_second = 1000, .arrivals = Arrivals::poisson, .burst = 2};
    CHECK(due_times(offered, 0, 2, 100) == due_times(offered, 0, 2, 100));
    CHECK(due_times(offered, 0, 2, 100) != due_times(offered, 1, 2, 100));
}
