#include "loadgen/generator_limit.hpp"

#include <fmt/format.h>

#include <tuple>

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {

std::uint64_t at_quantile(const Histogram& histogram, double quantile) {
    return supports_quantile(histogram.count(), quantile) ? histogram.at_quantile(quantile) : 0;
}

Lateness lateness_at(const Recorder& recorder, Latency kind, double quantile) {
    return {kind, quantile, at_quantile(recorder.latency(kind), quantile),
            at_quantile(recorder.latency(Latency::last_member), quantile)};
}

Lateness judged_lateness(const Recorder& recorder, Latency kind) {
    const bool enough = supports_quantile(recorder.latency(kind).count(), 0.99) &&
                        supports_quantile(recorder.latency(Latency::last_member).count(), 0.99);
    return lateness_at(recorder, kind, enough ? 0.99 : 0.9);
}

// They may be of different percentiles, so the later one need not be the one that counts.
Lateness worse(const Lateness& a, const Lateness& b) {
    const auto rank = [](const Lateness& one) {
        return std::tuple(one.matters() && one.above_floor(), one.matters(), one.late_ns);
    };
    return rank(a) > rank(b) ? a : b;
}

std::string ms_text(std::uint64_t ns) {
    return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
}

}  // namespace

std::string_view generator_limit_name(GeneratorLimit limit) noexcept {
    switch (limit) {
        case GeneratorLimit::none:
            return "none";
        case GeneratorLimit::busy:
            return "busy";
        case GeneratorLimit::send_lag:
            return "send_lag";
        case GeneratorLimit::hiccup:
            return "hiccup";
        case GeneratorLimit::count_:
            break;
    }
    RINGSIDE_ASSERT(!"no such limit");
}

std::string Lateness::text() const {
    const std::string reported =
        reported_ns == 0 ? "" : fmt::format(", where last_member is {}", ms_text(reported_ns));
    return fmt::format("by {} at p{:.4g} ({}){}", ms_text(late_ns), 100 * quantile,
                       latency_name(kind), reported);
}

Lateness worst_lateness(const Recorder& recorder) {
    return worse(judged_lateness(recorder, Latency::send_lag),
                 judged_lateness(recorder, Latency::hiccup));
}

Lateness worst_tail_lateness(const Recorder& recorder) {
    return worse(lateness_at(recorder, Latency::send_lag, 0.999),
                 lateness_at(recorder, Latency::hiccup, 0.999));
}

GeneratorLimit judge_generator(const Recorder& recorder, double busy_share) {
    if (busy_share > busy_share_max) return GeneratorLimit::busy;
    const Lateness worst = worst_lateness(recorder);
    if (!worst.above_floor() || !worst.matters()) return GeneratorLimit::none;
    return worst.kind == Latency::hiccup ? GeneratorLimit::hiccup : GeneratorLimit::send_lag;
}

}  // namespace ringside::loadgen
