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

/// Values of all sizes, some beyond the limit.
std::vector<std::uint64_t> some_latencies(unsigned seed, int amount) {
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> distribution(14.0, 3.0);
    std::vector<std::uint64_t> values;
    for (int i = 0; i < amount; ++i)
        values.push_back(static_cast<std::uint64_t>(distribution(random)));
    values.push_back(Histogram::value_limit + seed);
    return values;
}

Histogram histogram_of(const std::vector<std::uint64_t>& values) {
    Histogram histogram;
    for (const std::uint64_t value : values)
        histogram.record(value);
    return histogram;
}

/// All that can be asked of a histogram.
void check_equal(const Histogram& a, const Histogram& b) {
    CHECK(a.count() == b.count());
    CHECK(a.sum_ns() == b.sum_ns());
    CHECK(a.min_ns() == b.min_ns());
    CHECK(a.max_ns() == b.max_ns());
    CHECK(a.overflow() == b.overflow());
    CHECK(a.buckets() == b.buckets());
    for (const double quantile : {0.0, 0.5, 0.9, 0.99, 0.999, 1.0})
        CHECK(a.at_quantile(quantile) == b.at_quantile(quantile));
}

Histogram::Extremes extremes_of(const Histogram& histogram) {
    return {histogram.sum_ns(), histogram.min_ns(), histogram.max_ns(), histogram.overflow()};
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

TEST_CASE("the buckets are those that hold a value, by index") {
    Histogram histogram;
    CHECK(histogram.buckets().empty());
    for (const std::uint64_t value : {5'000'000ULL, 7ULL, 0ULL, 7ULL, 5'000'001ULL})
        histogram.record(value);
    histogram.record(Histogram::value_limit);
    const std::vector<Histogram::Bucket> expected{
        {0, 1}, {7, 2}, {Histogram::index_of(5'000'000), 2}};
    CHECK(histogram.buckets() == expected);
}

TEST_CASE("merged histograms are the one in which everything was recorded") {
    const auto seed = GENERATE(1U, 2U, 3U);
    CAPTURE(seed);
    const std::vector<std::uint64_t> a = some_latencies(seed, 5000);
    const std::vector<std::uint64_t> b = some_latencies(seed + 10, 300);
    std::vector<std::uint64_t> both = a;
    both.insert(both.end(), b.begin(), b.end());
    Histogram merged = histogram_of(a);
    merged.merge(histogram_of(b));
    check_equal(merged, histogram_of(both));
    Histogram from_nothing;
    from_nothing.merge(merged);
    from_nothing.merge(Histogram());
    check_equal(from_nothing, merged);
    CHECK(Histogram().min_ns() == 0);
}

TEST_CASE("a histogram is rebuilt from its buckets and extremes as it was") {
    const auto histogram =
        GENERATE(histogram_of(some_latencies(7, 2000)), histogram_of({5}), Histogram(),
                 histogram_of({0, 0, 3}), histogram_of({Histogram::value_limit}));
    const auto rebuilt = Histogram::rebuild(histogram.buckets(), extremes_of(histogram));
    REQUIRE(rebuilt.has_value());
    check_equal(*rebuilt, histogram);
    Histogram more = *rebuilt;
    more.record(1);
    CHECK(more.min_ns() <= 1);
}

TEST_CASE("buckets and extremes that no histogram can have are not rebuilt") {
    using Buckets = std::vector<Histogram::Bucket>;
    const Histogram::Extremes fits{12, 5, 7, 0};
    CHECK(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, fits));
    CHECK_FALSE(Histogram::rebuild(Buckets{{7, 1}, {5, 1}}, fits));          // order
    CHECK_FALSE(Histogram::rebuild(Buckets{}, {5, 3, 9, 0}));                // of nothing
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {5, 1}, {7, 1}}, fits));  // twice
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {6, 0}, {7, 1}}, fits));  // empty
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}, {100'000, 1}}, {12, 5, 7, 0}));
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, UINT64_MAX}, {7, 1}}, fits));  // count
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, {12, 6, 7, 0}));  // minimum
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, {12, 5, 8, 0}));  // maximum
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, {12, 5, 7, 1}));  // overflow
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, {9, 5, 7, 0}));   // sum
    CHECK_FALSE(Histogram::rebuild(Buckets{{5, 1}, {7, 1}}, {15, 5, 7, 0}));
    CHECK_FALSE(Histogram::rebuild(Buckets{}, {5, 5, 5, 1}));
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
    // Of a coarse value only the bucket is known.
    const Histogram before = histogram;
    histogram.record(5'000'001);
    const Histogram coarse = histogram.since(before);
    CHECK(Histogram::index_of(coarse.min_ns()) == Histogram::index_of(5'000'001));
    CHECK(Histogram::index_of(coarse.max_ns()) == Histogram::index_of(5'000'001));
    CHECK(coarse.min_ns() < coarse.max_ns());
    histogram.record(2 * Histogram::value_limit);
    CHECK(histogram.since(earlier).overflow() == 1);
    CHECK(histogram.since(earlier).max_ns() == 2 * Histogram::value_limit);
}

}  // namespace ringside
