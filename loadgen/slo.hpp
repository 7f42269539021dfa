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
/// both numbers with decimals: "p99<=1ms", "own_copy:p99.9<=2.5ms". Nothing where it is not that,
/// or not from 1 ns to 68 s.
[[nodiscard]] std::optional<Slo> parse_slo(std::string_view text);

/// "p99 of last_member <= 1 ms".
[[nodiscard]] std::string slo_text(const Slo& slo, Latency by_default);
/// So many samples are needed to judge it.
[[nodiscard]] std::uint64_t samples_needed(const Slo& slo);

struct SloVerdict {
    std::optional<bool> met;  // empty: too few samples to tell
    std::string text;         // what was measured against what, for a person
};

/// Of what the run has measured (docs/benchmarking.md).
[[nodiscard]] SloVerdict judge(const Slo& slo, const Recorder& recorder, Latency by_default);

}  // namespace ringside::loadgen
