#pragma once

#include <cstdint>
#include <string>

#include "common/textfile.hpp"
#include "loadgen/log_tally.hpp"

namespace ringside::loadgen {

/// What loadgen ingest-log ends with; its reports are made of nothing else.
struct LogResults {
    const LogTally& tally;
    std::string file;  // "-": standard input
    std::string server_label;
    std::uint64_t bytes = 0;  // read
    double seconds = 0;       // of reading, waiting included
    double cpu_seconds = 0;   // of this process
    std::string failure{};    // why it could not be read to its end; empty where it could
    bool interrupted = false;
};

/// For people: at most 80 columns, if no response time is above 10 s; what texts of the log hold
/// cannot steer a terminal.
[[nodiscard]] std::string log_table(const LogResults& results);

/// The JSON object of docs/benchmarking.md, schema_version 1, ending in a newline.
[[nodiscard]] std::string log_json(const LogResults& results);

/// The samples of docs/metrics.md "Of the log reader".
[[nodiscard]] MetricsSnapshot log_snapshot(const LogResults& results);

}  // namespace ringside::loadgen
