#pragma once

#include <string>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// The JSON object of docs/benchmarking.md, schema_version 1, ending in a newline.
[[nodiscard]] std::string json_report(const Results& results);

/// A latency's distribution in milliseconds, as HdrHistogram writes it.
[[nodiscard]] std::string hgrm_report(const Histogram& latency);

/// For people: at most 80 columns.
[[nodiscard]] std::string table_report(const Results& results);

}  // namespace ringside::loadgen
