#pragma once

#include "loadgen/options.hpp"

namespace ringside::loadgen {

/// `loadgen sweep`: fanout at each of several rates, in shuffled order; docs/benchmarking.md.
void add_sweep(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
