#include "loadgen/shards.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "loadgen/options.hpp"
#include "loadgen/schedule.hpp"

using namespace ringside::loadgen;

namespace {

Options shared_fanout(std::uint32_t part, std::uint32_t of) {
    Options options;
    options.workload = WorkloadKind::fanout;
    options.rooms = 7;
    options.members = 5;
    options.users = 35;
    options.publishers = 2;
    options.shards = {of, {part}};
    return options;
}

// When the first `count` messages of a publisher are due in the whole load.
std::vector<std::uint64_t> due_times_of(const Options& options, std::uint64_t place,
                                        std::size_t count) {
    Schedule schedule(options.offered, place, options.rooms * options.publishers,
                      Random(options.seed, place));
    std::vector<std::uint64_t> times(count);
    for (std::uint64_t& time : times)
        time = schedule.next();
    return times;
}

// The places of the publishers that a process has.
std::vector<std::uint64_t> publishers_of(const Options& options) {
    std::vector<std::uint64_t> places;
    for (std::size_t user = 0; user < options.own_rooms() * options.publishers; ++user)
        places.push_back(options.place_of(user));
    return places;
}

}  // namespace

TEST_CASE("shares follow each other, are alike to one thing, and leave nothing out") {
    const std::size_t total = GENERATE(3U, 4U, 10U, 65'535U, 1'000'000U);
    const std::uint32_t of = GENERATE(1U, 2U, 3U);
    CAPTURE(total, of);
    std::size_t next = 0;
    for (std::uint32_t part = 1; part <= of; ++part) {
        const Share share = share_of(total, part, of);
        CHECK(share.first == next);
        CHECK(share.size >= total / of);
        CHECK(share.size <= total / of + 1);
        next += share.size;
    }
    CHECK(next == total);
}

TEST_CASE("a shard is written I/N") {
    CHECK(parse_shard("2/3") == Shards{3, {2}});
    CHECK(parse_shard("1/1") == Shards{1, {1}});
    CHECK(parse_shard("1000/1000").has_value());
    for (const char* text : {"", "2", "/", "2/", "/3", "0/3", "4/3", "2/3/4", "-1/3", "1/1001",
                             "1/ 3", "a/3", "1/0"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_shard(text));
    }
}

TEST_CASE("the shards of a load have each of its users once, publishers and others alike") {
    const auto workload = GENERATE(WorkloadKind::thesis, WorkloadKind::fanout, WorkloadKind::idle);
    const std::uint32_t of = GENERATE(1U, 2U, 3U, 7U);
    CAPTURE(static_cast<int>(workload), of);
    std::vector<std::uint64_t> places;
    std::vector<std::uint64_t> publishers;
    for (std::uint32_t part = 1; part <= of; ++part) {
        Options options = shared_fanout(part, of);
        options.workload = workload;
        for (std::size_t user = 0; user < options.own_users(); ++user)
            places.push_back(options.place_of(user));
        if (workload != WorkloadKind::fanout) continue;
        const auto own = publishers_of(options);
        publishers.insert(publishers.end(), own.begin(), own.end());
    }
    std::ranges::sort(places);
    CHECK(places.size() == 35);
    for (std::size_t i = 0; i < places.size(); ++i)
        CHECK(places[i] == i);
    if (workload != WorkloadKind::fanout) return;
    std::ranges::sort(publishers);
    CHECK(publishers.size() == 14);  // the whole load's are those with the lowest numbers
    CHECK(publishers.back() == 13);
}

TEST_CASE("the schedules of all shards are together the one of the whole load") {
    const auto arrivals = GENERATE(Arrivals::constant, Arrivals::poisson);
    const std::uint32_t of = GENERATE(2U, 3U);
    CAPTURE(arrivals_name(arrivals), of);
    constexpr std::size_t each = 50;
    const auto add = [arrivals](Options options, std::vector<std::uint64_t>& times) {
        options.offered = {.per_second = 1001, .arrivals = arrivals};
        for (const std::uint64_t place : publishers_of(options)) {
            const auto own = due_times_of(options, place, each);
            times.insert(times.end(), own.begin(), own.end());
        }
    };
    std::vector<std::uint64_t> whole;
    add(shared_fanout(1, 1), whole);
    std::vector<std::uint64_t> shared;
    for (std::uint32_t part = 1; part <= of; ++part)
        add(shared_fanout(part, of), shared);
    std::ranges::sort(whole);
    std::ranges::sort(shared);
    CHECK(shared == whole);
    if (arrivals == Arrivals::poisson) return;
    for (std::size_t i = 0; i < whole.size(); ++i)
        CHECK(whole[i] == i * 1'000'000'000 / 1001);
}

TEST_CASE("what a process offers is its share, and the shares are the whole rate") {
    double sum = 0;
    for (std::uint32_t part = 1; part <= 3; ++part) {
        Options options = shared_fanout(part, 3);
        options.offered.per_second = 700;
        const double share = scenario_of(options).offered_per_second();
        CHECK(share == Approx(100.0 * static_cast<double>(options.own_rooms())));
        sum += share;
    }
    CHECK(sum == Approx(700));
}
