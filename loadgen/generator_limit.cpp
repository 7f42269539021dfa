#include "loadgen/generator_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {

std::uint64_t at_quantile(const Histogram& histogram, double quantile) {
    return supports_quantile(histogram.count(), quantile) ? histogram.at_quantile(quantile) : 0;
}

Latency reported_by(const Recorder& recorder) {
    const bool audience = recorder.latency(Latency::last_member).count() > 0;
    return audience ? Latency::last_member : Latency::own_copy;
}

Lateness lateness_at(const Recorder& recorder, Latency kind, double quantile) {
    const Latency reported = reported_by(recorder);
    return {kind, quantile, at_quantile(recorder.latency(kind), quantile), reported,
            at_quantile(recorder.latency(reported), quantile)};
}

// At the highest percentile that both the lateness and what is reported have.
Lateness lateness_of(const Recorder& recorder, Latency kind) {
    const std::uint64_t samples =
        std::min(recorder.latency(kind).count(), recorder.latency(reported_by(recorder)).count());
    for (const double quantile : {0.99, 0.9}) {
        if (supports_quantile(samples, quantile)) return lateness_at(recorder, kind, quantile);
    }
    return lateness_at(recorder, kind, 0.5);
}

// They may be of different percentiles, so the later one need not be the one that counts.
Lateness worse(const Lateness& a, const Lateness& b) {
    const auto rank = [](const Lateness& one) {
        return std::tuple(one.limits(), one.matters(), one.late_ns);
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
    const std::string against =
        reported_ns == 0
            ? ""
            : fmt::format(", where {} is {}", latency_name(reported), ms_text(reported_ns));
    return fmt::format("by {} at p{:.4g} ({}){}", ms_text(late_ns), 100 * quantile,
                       latency_name(kind), against);
}

Lateness worst_lateness(const Recorder& recorder) {
    return worse(lateness_of(recorder, Latency::send_lag), lateness_of(recorder, Latency::hiccup));
}

Lateness judged_lateness(const Recorder& recorder, bool open_loop) {
    if (open_loop) return worst_lateness(recorder);
    const bool enough = recorder.latency(Latency::hiccup).count() >= stand_still_ticks_min;
    return enough ? worst_lateness_at(recorder, stand_still_quantile) : Lateness{};
}

Lateness worst_lateness_at(const Recorder& recorder, double quantile) {
    return worse(lateness_at(recorder, Latency::send_lag, quantile),
                 lateness_at(recorder, Latency::hiccup, quantile));
}

GeneratorLimit judge_generator(const Recorder& recorder, bool open_loop, double busy_share) {
    if (open_loop && busy_share > busy_share_max) return GeneratorLimit::busy;
    const Lateness worst = judged_lateness(recorder, open_loop);
    if (!(open_loop ? worst.limits() : worst.stood_still())) return GeneratorLimit::none;
    return worst.kind == Latency::hiccup ? GeneratorLimit::hiccup : GeneratorLimit::send_lag;
}

}  // namespace ringside::loadgen
