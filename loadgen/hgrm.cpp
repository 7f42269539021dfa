// The percentile distribution of HdrHistogram (outputPercentileDistribution() with five steps for
// each halving of the distance to 100 %), as its plotter at hdrhistogram.github.io reads it. Values
// are in milliseconds with six decimals, where HdrHistogram has as many as it has significant
// digits: with three, a latency of 20 us would be known to 5 %, and the buckets know it to 0.1 %.

#include <fmt/format.h>

#include <cmath>

#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

constexpr double steps_per_half = 5;
constexpr std::uint64_t sub_buckets = std::uint64_t{2} << Histogram::grouping_power;

double to_ms(double ns) noexcept {
    return ns * 1e-6;
}

// The next level to show: the nearer to 1, the closer together.
double after(double quantile) noexcept {
    const double halvings = std::floor(std::log2(1 / (1 - quantile))) + 1;
    return quantile + 1 / (steps_per_half * std::exp2(halvings));
}

}  // namespace

std::string hgrm_report(const Histogram& latency) {
    std::string out;
    out += fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount",
                       "1/(1-Percentile)");
    std::uint64_t shown = 0;
    for (double level = 0; shown < latency.count(); level = after(level)) {
        const std::uint64_t value_ns = latency.at_quantile(level);
        shown = latency.count_at_or_below(value_ns);
        out += fmt::format("{:12.6f} {:14.12f} {:10} {:14.2f}\n",
                           to_ms(static_cast<double>(value_ns)), level, shown, 1 / (1 - level));
    }
    const auto max_ms = to_ms(static_cast<double>(latency.max_ns()));
    if (latency.count() > 0) {
        out += fmt::format("{:12.6f} {:14.12f} {:10}\n", max_ms, 1.0, latency.count());
    }
    const double mean_ns = latency.count() == 0 ? 0
                                                : static_cast<double>(latency.sum_ns()) /
                                                      static_cast<double>(latency.count());
    out += fmt::format("#[Mean    = {:12.6f}, StdDeviation   = {:12.6f}]\n", to_ms(mean_ns),
                       to_ms(latency.standard_deviation_ns()));
    out += fmt::format("#[Max     = {:12.6f}, Total count    = {:12}]\n", max_ms, latency.count());
    out += fmt::format("#[Buckets = {:12}, SubBuckets     = {:12}]\n",
                       static_cast<unsigned>(std::log2(Histogram::value_limit / sub_buckets)) + 1,
                       sub_buckets);
    return out;
}

}  // namespace ringside::loadgen
