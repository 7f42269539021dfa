#pragma once

#include "common/options.hpp"

namespace ringside::pipeline {

/// Serves until SIGTERM or SIGINT, drains, returns the exit code. Throws StartError where it cannot
/// start. Called once, by main(), before any other thread exists.
[[nodiscard]] int run_server(const ServerOptions& options);

}  // namespace ringside::pipeline
