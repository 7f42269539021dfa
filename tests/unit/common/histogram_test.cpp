#include "common/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

namespace ringside {

namespace {

/// HdrHistogram's counts_index_for() with 3 digits and a lowest value of 1, step by step as its C
/// version computes it: bucket and sub-bucket of 2,048 halves.
std::size_t hdr_index(std::uint64_t value) {
    constexpr std::uint64_t sub_bucket_count = 2048;
    constexpr std::uint64_t sub_bucket_mask = sub_bucket_count - 1;
    constexpr int half_count_magnitude = 10;
    const int ceiling = 64 - __builtin_clzll(value | sub_bucket_mask);
    const int bucket = ceiling - (half_count_magnitude + 1);
    const auto sub_bucket = static_cast<int>(value >> static_cast<unsigned>(bucket));
    const int base = (bucket + 1) << half_count_magnitude;
    return static_cast<std::size_t>(base + sub_bucket - static_cast<int>(sub_bucket_count / 2));
}

/// Values around every power of two below the limit, where layouts go wrong.
std::vector<std::uint64_t> octave_edges() {
    std::vector<std::uint64_t> values = {0, 1, 2};
    for (unsigned octave = 2; octave < 36; ++octave) {
        const std::uint64_t power = std::uint64_t{1} << octave;
        const std::uint64_t width = octave < 11 ? 1 : power >> 10U;  // of the octave's buckets
        for (const std::uint64_t value : {power - width - 1, power - width, power - 1, power,
                                          power + 1, power + width - 1, power + width}) {
            values.push_back(value);
        }
    }
    values.push_back(Histogram::value_limit - 1);
    return values;
}

}  // namespace

TEST_CASE("the bucket of a value is HdrHistogram's, at the edges of every octave") {
    for (const std::uint64_t value : octave_edges()) {
        CAPTURE(value);
        CHECK(Histogram::index_of(value) == hdr_index(value));
    }
}

TEST_CASE("a bucket ends where the next one begins and is at most 0.1 % wide") {
    for (const std::uint64_t value : octave_edges()) {
        CAPTURE(value);
        const std::size_t index = Histogram::index_of(value);
        const std::uint64_t highest = Histogram::highest_of(index);
        CHECK(highest >= value);
        CHECK(Histogram::index_of(highest) == index);
        CHECK(Histogram::index_of(highest + 1) == index + 1);
        CHECK(static_cast<double>(highest - value) <= 0.001 * static_cast<double>(value));
    }
}

TEST_CASE("an empty histogram answers zero to everything") {
    const Histogram empty;
    CHECK(empty.count() == 0);
    CHECK(empty.min_ns() == 0);
    CHECK(empty.max_ns() == 0);
    CHECK(empty.at_quantile(0.5) == 0);
    CHECK(empty.at_quantile(1.0) == 0);
    CHECK(empty.count_at_or_below(UINT64_MAX) == 0);
}

TEST_CASE("count, sum, minimum and maximum are exact") {
    Histogram histogram;
    for (const std::uint64_t value : {1'234'567ULL, 89ULL, 33'000'000'001ULL}) {
        histogram.record(value);
    }
    CHECK(histogram.count() == 3);
    CHECK(histogram.sum_ns() == 33'001'234'657ULL);
    CHECK(histogram.min_ns() == 89);
    CHECK(histogram.max_ns() == 33'000'000'001ULL);
}

TEST_CASE("quantiles are the ranks of the sorted values, to 0.1 %") {
    const auto seed = GENERATE(1U, 2U, 3U);
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> latencies(12.0, 2.0);
    Histogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 10'000; ++i) {
        values.push_back(static_cast<std::uint64_t>(latencies(random)));
        histogram.record(values.back());
    }
    std::ranges::sort(values);
    for (const double quantile : {0.0, 0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        CAPTURE(quantile);
        const double rank = std::ceil(quantile * 10'000 - 1e-6);
        const std::uint64_t exact = values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
        const std::uint64_t found = histogram.at_quantile(quantile);
        CHECK(found >= exact);
        CHECK(static_cast<double>(found - exact) <= 0.001 * static_cast<double>(exact));
    }
    CHECK(histogram.at_quantile(1.0) == values.back());
}

TEST_CASE("a quantile whose rank is whole in decimals does not slip to the next value") {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value)
        histogram.record(value);
    // 0.07 * 100 is above 7 in binary.
    CHECK(histogram.at_quantile(0.07) == 7);
    CHECK(histogram.at_quantile(0.29) == 29);
    CHECK(histogram.at_quantile(0.5) == 50);
    CHECK(histogram.at_quantile(0.999) == 100);
}

TEST_CASE("a value at the limit counts as overflow and in max, never as a smaller value") {
    Histogram histogram;
    histogram.record(Histogram::value_limit - 1);
    CHECK(histogram.overflow() == 0);
    histogram.record(Histogram::value_limit);
    histogram.record(Histogram::value_limit * 2);
    CHECK(histogram.overflow() == 2);
    CHECK(histogram.count() == 3);
    CHECK(histogram.max_ns() == Histogram::value_limit * 2);
    CHECK(histogram.count_at_or_below(Histogram::value_limit) == 1);
    CHECK(histogram.count_at_or_below(UINT64_MAX) == 3);
    CHECK(histogram.at_quantile(0.5) == Histogram::value_limit * 2);
}

TEST_CASE("the exported bounds are 10 microseconds to 10 seconds in steps of 1, 2, 5") {
    const auto bounds = export_bounds_ns();
    REQUIRE(bounds.size() == 19);
    std::uint64_t expected = 10'000;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        CHECK(bounds[i] == expected);
        expected = i % 3 == 1 ? expected / 2 * 5 : expected * 2;
    }
    CHECK(bounds.back() == 10'000'000'000);
}

TEST_CASE("counting up to a bound is exact to one fine bucket") {
    Histogram histogram;
    for (std::uint64_t value = 0; value < 100'000; value += 10)
        histogram.record(value);
    for (const std::uint64_t bound : {10'000ULL, 20'000ULL, 50'000ULL}) {
        CAPTURE(bound);
        const std::uint64_t exact = bound / 10 + 1;
        const std::uint64_t counted = histogram.count_at_or_below(bound);
        CHECK(counted >= exact);
        CHECK(counted <= exact + bound / 1000 / 10 + 1);
    }
}

TEST_CASE("what came since a copy was taken has its own count, percentiles and extremes") {
    Histogram histogram;
    for (std::uint64_t i = 0; i < 1000; ++i)
        histogram.record(5'000'000);
    histogram.record(Histogram::value_limit);
    const Histogram earlier = histogram;
    CHECK(histogram.since(earlier).count() == 0);
    CHECK(histogram.since(earlier).at_quantile(0.5) == 0);
    CHECK(histogram.since(earlier).min_ns() == 0);
    for (std::uint64_t value = 1; value <= 100; ++value)
        histogram.record(value);
    const Histogram latest = histogram.since(earlier);
    CHECK(latest.count() == 100);
    CHECK(latest.sum_ns() == 5050);
    CHECK(latest.overflow() == 0);
    CHECK(latest.min_ns() == 1);
    CHECK(latest.max_ns() == 100);
    CHECK(latest.at_quantile(0.5) == 50);
    CHECK(latest.at_quantile(0.99) == 99);
    histogram.record(2 * Histogram::value_limit);
    CHECK(histogram.since(earlier).overflow() == 1);
    CHECK(histogram.since(earlier).max_ns() == 2 * Histogram::value_limit);
}

}  // namespace ringside
