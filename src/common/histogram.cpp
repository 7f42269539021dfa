#include "common/histogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "common/assert.hpp"

namespace ringside {

namespace {

// Values below 2^(g+1) have a bucket each; every octave above has 2^g buckets of equal width.
constexpr unsigned g = Histogram::grouping_power;
constexpr std::uint64_t exact_limit = std::uint64_t{1} << (g + 1);
constexpr std::uint64_t octave_buckets = std::uint64_t{1} << g;
constexpr unsigned limit_bits = std::bit_width(Histogram::value_limit) - 1;
constexpr std::size_t bucket_count = exact_limit + (limit_bits - g - 1) * octave_buckets;

constexpr std::array<std::uint64_t, 19> bounds_ns = {
    10'000,         20'000,        50'000,         //
    100'000,        200'000,       500'000,        //
    1'000'000,      2'000'000,     5'000'000,      //
    10'000'000,     20'000'000,    50'000'000,     //
    100'000'000,    200'000'000,   500'000'000,    //
    1'000'000'000,  2'000'000'000, 5'000'000'000,  //
    10'000'000'000,
};

}  // namespace

std::span<const std::uint64_t> export_bounds_ns() noexcept {
    return bounds_ns;
}

Histogram::Histogram() : counts_(bucket_count, 0) {}

std::size_t Histogram::index_of(std::uint64_t value_ns) noexcept {
    if (value_ns < exact_limit) return value_ns;
    const unsigned octave = static_cast<unsigned>(std::bit_width(value_ns)) - 1;
    const unsigned shift = octave - g;
    return exact_limit + (std::uint64_t{shift - 1} << g) +
           ((value_ns - (std::uint64_t{1} << octave)) >> shift);
}

std::uint64_t Histogram::highest_of(std::size_t index) noexcept {
    if (index < exact_limit) return index;
    const std::uint64_t shift = ((index - exact_limit) >> g) + 1;
    const std::uint64_t within = (index - exact_limit) & (octave_buckets - 1);
    return ((octave_buckets + within + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t value_ns) noexcept {
    if (value_ns < value_limit) {
        ++counts_[index_of(value_ns)];
    } else {
        ++overflow_;
    }
    ++count_;
    sum_ns_ += value_ns;
    min_ns_ = std::min(min_ns_, value_ns);
    max_ns_ = std::max(max_ns_, value_ns);
}

std::uint64_t Histogram::count() const noexcept {
    return count_;
}

std::uint64_t Histogram::sum_ns() const noexcept {
    return sum_ns_;
}

std::uint64_t Histogram::min_ns() const noexcept {
    return count_ == 0 ? 0 : min_ns_;
}

std::uint64_t Histogram::max_ns() const noexcept {
    return max_ns_;
}

std::uint64_t Histogram::overflow() const noexcept {
    return overflow_;
}

double Histogram::standard_deviation_ns() const noexcept {
    double count = 0;
    double mean = 0;
    double squares = 0;  // Welford's: of the distances from the mean, weighted
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] == 0) continue;
        const double lowest = i == 0 ? 0 : static_cast<double>(highest_of(i - 1)) + 1;
        const double value = (lowest + static_cast<double>(highest_of(i))) / 2;
        const auto weight = static_cast<double>(counts_[i]);
        count += weight;
        const double distance = value - mean;
        mean += distance * weight / count;
        squares += weight * distance * (value - mean);
    }
    return count == 0 ? 0 : std::sqrt(squares / count);
}

std::uint64_t Histogram::at_quantile(double quantile) const noexcept {
    RINGSIDE_ASSERT(quantile >= 0.0 && quantile <= 1.0);
    if (count_ == 0) return 0;
    // The rank of the value asked for, from 1. One step down before rounding up, as HdrHistogram
    // does: 0.07 * 100 is a little more than 7 in binary, and means the seventh.
    const double rank = std::nextafter(quantile * static_cast<double>(count_), 0.0);
    const auto wanted =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(rank)), 1, count_);
    if (wanted == count_) return max_ns_;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= wanted) return std::min(highest_of(i), max_ns_);
    }
    return max_ns_;  // among the overflown values, of which only the greatest is known
}

Histogram Histogram::since(const Histogram& earlier) const {
    RINGSIDE_ASSERT(earlier.count_ <= count_);
    Histogram difference;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        difference.counts_[i] = counts_[i] - earlier.counts_[i];
        if (difference.counts_[i] == 0) continue;
        const std::uint64_t lowest = i == 0 ? 0 : highest_of(i - 1) + 1;
        difference.min_ns_ = std::min(difference.min_ns_, std::max(lowest, min_ns_));
        difference.max_ns_ = std::min(highest_of(i), max_ns_);
    }
    difference.count_ = count_ - earlier.count_;
    difference.sum_ns_ = sum_ns_ - earlier.sum_ns_;
    difference.overflow_ = overflow_ - earlier.overflow_;
    if (difference.overflow_ > 0) {
        difference.min_ns_ = std::min(difference.min_ns_, value_limit);
        difference.max_ns_ = max_ns_;
    }
    return difference;
}

std::uint64_t Histogram::count_at_or_below(std::uint64_t bound_ns) const noexcept {
    if (bound_ns >= max_ns_) return count_;
    const std::size_t last = bound_ns < value_limit ? index_of(bound_ns) : counts_.size() - 1;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= last; ++i)
        total += counts_[i];
    return total;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
    std::vector<Bucket> found;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] != 0) found.push_back({i, counts_[i]});
    }
    return found;
}

std::optional<Histogram> Histogram::rebuild(std::span<const Bucket> buckets,
                                            const Extremes& extremes) {
    Histogram built;
    built.overflow_ = built.count_ = extremes.overflow;
    std::size_t next = 0;  // the least index that may follow
    for (const auto& [index, count] : buckets) {
        if (index < next || index >= bucket_count || count == 0) return std::nullopt;
        if (__builtin_add_overflow(built.count_, count, &built.count_)) return std::nullopt;
        built.counts_[index] = count;
        next = index + 1;
    }
    if (built.count_ == 0) {
        const bool empty = extremes.sum_ns == 0 && extremes.min_ns == 0 && extremes.max_ns == 0;
        return empty ? std::optional(std::move(built)) : std::nullopt;
    }
    built.sum_ns_ = extremes.sum_ns;
    built.min_ns_ = extremes.min_ns;
    built.max_ns_ = extremes.max_ns;
    const bool first = buckets.empty() ? built.min_ns_ >= value_limit
                                       : built.min_ns_ < value_limit &&
                                             index_of(built.min_ns_) == buckets.front().index;
    const bool last = built.overflow_ > 0 ? built.max_ns_ >= value_limit
                                          : built.max_ns_ < value_limit &&
                                                index_of(built.max_ns_) == buckets.back().index;
    return first && last && built.plausible() ? std::optional(std::move(built)) : std::nullopt;
}

bool Histogram::plausible() const noexcept {
    __extension__ using Wide = unsigned __int128;
    return Wide{min_ns_} * count_ <= sum_ns_ && sum_ns_ <= Wide{max_ns_} * count_;
}

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
        counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    min_ns_ = std::min(min_ns_, other.min_ns_);
    max_ns_ = std::max(max_ns_, other.max_ns_);
    overflow_ += other.overflow_;
}

}  // namespace ringside
