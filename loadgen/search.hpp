#pragma once

#include "loadgen/options.hpp"

namespace ringside::loadgen {

/// `loadgen search`: the highest rate of fanout that a server serves; docs/benchmarking.md.
void add_search(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
