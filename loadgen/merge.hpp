#pragma once

#include <memory>
#include <vector>

#include "loadgen/options.hpp"
#include "loadgen/result_file.hpp"

namespace CLI {
class App;
}

namespace ringside::loadgen {

/// The results of one load of which `parts`, at least one, have a shard each, or several. Exact:
/// counts, violations, histograms and the load generators' CPU time are added; the window is the
/// longest, so no rate is told too high; the server's CPU time is that of the first part that has
/// it, its memory the least before and the most at the end. Valid only if every part is. Throws
/// StartError where the parts do not belong together, and, unless `partial`, where shards are
/// missing.
[[nodiscard]] std::unique_ptr<StoredResults> merge(
    const std::vector<std::unique_ptr<StoredResults>>& parts, bool partial);

/// `loadgen merge OUT.json IN.json...`
void add_merge(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
