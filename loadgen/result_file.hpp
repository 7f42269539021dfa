#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// Results without a run: read from a file, or made of several. json_report() of what was read is
/// the file again.
struct StoredResults {
    StoredResults() = default;
    StoredResults(const StoredResults&) = delete;
    StoredResults& operator=(const StoredResults&) = delete;

    std::string file;  // where they were read, for messages
    Options options;   // as far as they are in results: the load, the objective, the server's names
    Recorder recorder;
    Violations violations;
    Results results{options, recorder, violations, {}, {}, {}};
};

/// The JSON object of docs/results_json.md. Throws StartError with one line where it is anything
/// else; `file` is what that calls it.
[[nodiscard]] std::unique_ptr<StoredResults> parse_results(std::string_view file,
                                                           const std::string& json);

/// The same of a file, at most `result_bytes_max` long.
inline constexpr std::size_t result_bytes_max = std::size_t{64} << 20U;
[[nodiscard]] std::unique_ptr<StoredResults> read_results(const std::string& path);

}  // namespace ringside::loadgen
