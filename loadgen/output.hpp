#pragma once

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// Before a run, not after it: throws StartError where the files of the options cannot be written.
/// Makes the folder of --hgrm.
void check_outputs(const Options& options);

/// The table and the files that the options ask for; false where a file could not be written,
/// which is told on standard error.
[[nodiscard]] bool write_outputs(const Options& options, const Results& results);

}  // namespace ringside::loadgen
