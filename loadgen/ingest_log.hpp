#pragma once

#include "loadgen/options.hpp"

namespace CLI {
class App;
}

namespace ringside::loadgen {

/// Adds the subcommand ingest-log, which sets `command` where it is asked for.
void add_ingest_log(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
