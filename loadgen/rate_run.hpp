#pragma once

#include <cstdint>

#include "loadgen/interruption.hpp"
#include "loadgen/options.hpp"
#include "loadgen/rate_step.hpp"

namespace ringside::loadgen {

// What sweep and search have in common.
inline constexpr std::uint64_t step_ns_min = 100'000'000;
inline constexpr std::uint64_t step_ns_max = 3'600'000'000'000;
inline constexpr int cannot_write = 2;  // exit code

/// A run of its own at that rate, as `loadgen fanout --rate` would make, in rooms of its own.
/// Blocks until it is over. Where the run cannot be made, the `first` throws StartError as
/// make_run() does; a later one is not_started(), so that what was measured before is not lost.
[[nodiscard]] RateStep run_rate(Options options, std::uint64_t rate, std::uint64_t duration_ns,
                                Interruption& interruption, bool first);

}  // namespace ringside::loadgen
