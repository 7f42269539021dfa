#pragma once

#include <memory>
#include <string>

#include "loadgen/interruption.hpp"
#include "loadgen/options.hpp"

namespace ringside::loadgen {

class Run;

/// Throws StartError where the server's process, a file or the number of descriptors is no good:
/// before the run, not after it.
void check_before_run(const Options& options);

/// With the I/O that the options ask for. Throws StartError where that is impossible here.
[[nodiscard]] std::unique_ptr<Run> make_run(const Options& options, Interruption& interruption);

}  // namespace ringside::loadgen
