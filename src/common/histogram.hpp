#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ringside {

/// Bounds of every exported histogram, in nanoseconds: 10 µs to 10 s in 1-2-5 steps
/// (docs/metrics.md). Never change them: heatmaps and comparisons between runs rest on equal
/// bounds.
[[nodiscard]] std::span<const std::uint64_t> export_bounds_ns() noexcept;

// Latencies in nanoseconds, log-linear in the layout of HdrHistogram at three significant digits
// (1,024 sub-buckets an octave, at most 0.1 % wide), up to 2^36 ns (68.7 s); beyond that a value
// counts in the overflow counter and in max. One writer.
class Histogram {
 public:
    static constexpr unsigned grouping_power = 10;
    static constexpr std::uint64_t value_limit = std::uint64_t{1} << 36U;

    Histogram();

    void record(std::uint64_t value_ns) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] std::uint64_t sum_ns() const noexcept;
    [[nodiscard]] std::uint64_t min_ns() const noexcept;  // 0 where empty
    [[nodiscard]] std::uint64_t max_ns() const noexcept;
    [[nodiscard]] std::uint64_t overflow() const noexcept;
    /// Of the values below value_limit, each taken as the middle of its bucket; 0 where empty.
    [[nodiscard]] double standard_deviation_ns() const noexcept;
    /// Highest value equivalent to the one at `quantile` (0..1); 0 where empty, max_ns() at 1.
    [[nodiscard]] std::uint64_t at_quantile(double quantile) const noexcept;
    /// Values at or below `bound_ns`; exact to one fine bucket.
    [[nodiscard]] std::uint64_t count_at_or_below(std::uint64_t bound_ns) const noexcept;

    /// A bucket that is not empty.
    struct Bucket {
        std::size_t index = 0;    // as index_of()
        std::uint64_t count = 0;  // of its values, at least 1

        friend bool operator==(const Bucket&, const Bucket&) = default;
    };
    /// All that are not empty, by index; what overflowed is in none.
    [[nodiscard]] std::vector<Bucket> buckets() const;
    /// What the buckets do not say.
    struct Extremes {
        std::uint64_t sum_ns = 0;
        std::uint64_t min_ns = 0;
        std::uint64_t max_ns = 0;
        std::uint64_t overflow = 0;
    };
    /// The very histogram that gave these; nothing where no histogram can have given them.
    [[nodiscard]] static std::optional<Histogram> rebuild(std::span<const Bucket> buckets,
                                                          const Extremes& extremes);
    /// As if all values of `other` had been recorded here. The sums together must fit 64 bits.
    void merge(const Histogram& other) noexcept;
    /// What was recorded after `earlier`, a copy of this histogram, was taken. Its least and its
    /// greatest value are the bounds of their buckets, within its own extremes.
    [[nodiscard]] Histogram since(const Histogram& earlier) const;

    /// The bucket of a value, as HdrHistogram's counts_index_for at 3 digits, lowest value 1.
    [[nodiscard]] static std::size_t index_of(std::uint64_t value_ns) noexcept;
    /// The highest value that falls into this bucket.
    [[nodiscard]] static std::uint64_t highest_of(std::size_t index) noexcept;

 private:
    /// Whether count and sum could be those of values between the extremes.
    [[nodiscard]] bool plausible() const noexcept;

    std::vector<std::uint64_t> counts_;  // by index_of(); every value below value_limit has a place
    std::uint64_t count_ = 0;            // of all values, those in overflow_ included
    std::uint64_t sum_ns_ = 0;
    std::uint64_t min_ns_ = UINT64_MAX;  // UINT64_MAX while empty
    std::uint64_t max_ns_ = 0;
    std::uint64_t overflow_ = 0;
};

}  // namespace ringside
