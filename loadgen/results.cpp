#include "loadgen/results.hpp"

#include <fmt/format.h>

namespace ringside::loadgen {

namespace {

// Above it the load generator had no time to be on time.
constexpr double busy_share_max = 0.95;
// As much as a fast server needs at the 99th percentile under half of its load.
constexpr std::uint64_t send_lag_max_ns = 1'000'000;

}  // namespace

std::optional<SloVerdict> Results::slo() const {
    if (!options.slo) return std::nullopt;
    return judge(*options.slo, recorder, usual_latency(options.workload));
}

bool Results::generator_busy() const noexcept {
    return loadgen_cpu_seconds > busy_share_max * measured_seconds;
}

std::string Results::generator_limit() const {
    if (options.offered.per_second == 0 || measured_seconds <= 0) return {};
    if (generator_busy()) {
        return fmt::format(
            "the load generator used {:.0f} % of a CPU: offer less (--rate), or run "
            "it where it has a core of its own",
            100 * loadgen_cpu_seconds / measured_seconds);
    }
    const Histogram& lag = recorder.latency(Latency::send_lag);
    const double quantile = supports_quantile(lag.count(), 0.99) ? 0.99 : 0.9;
    const std::uint64_t late_ns = lag.at_quantile(quantile);
    if (!supports_quantile(lag.count(), quantile) || late_ns <= send_lag_max_ns) return {};
    return fmt::format(
        "the load generator was late itself, by {:.1f} ms at p{:.0f}: it needs a "
        "core of its own, or a lower --rate",
        static_cast<double>(late_ns) / 1e6, 100 * quantile);
}

}  // namespace ringside::loadgen
