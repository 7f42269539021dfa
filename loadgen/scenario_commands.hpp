#pragma once

#include "loadgen/options.hpp"

namespace CLI {
class App;
}

namespace ringside::loadgen {

/// The commands `scenarios`, which lists what there is, and `check`, which looks for mistakes.
void add_scenario_commands(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
