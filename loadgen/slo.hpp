#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loadgen/recorder.hpp"

namespace ringside::loadgen {

/// A service level objective: that a percentile of a latency is at most so long.
struct Slo {
    std::optional<Latency> kind;  // empty: the one that the workload is about
    double percentile = 0;        // above 0, below 100
    std::uint64_t limit_ns = 0;
};

/// Reads `[LATENCY:]pNN<=TIME` with the latency's name in the JSON and the unit ns, us, ms or s,
/// both numbers with decimals: "p99<=1ms", "own_copy:p99.9<=2.5ms". Nothing where it is not that.
[[nodiscard]] std::optional<Slo> parse_slo(std::string_view text);

struct SloVerdict {
    bool met = false;
    std::string text;  // what was measured against what, for a person
};

/// Of the measured window. Too few samples for the percentile never meet an objective.
[[nodiscard]] SloVerdict judge(const Slo& slo, const Recorder& recorder, Latency by_default);

}  // namespace ringside::loadgen
