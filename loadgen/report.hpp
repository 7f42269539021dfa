#pragma once

#include <string>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// The JSON object of docs/benchmarking.md, schema_version 1, ending in a newline.
[[nodiscard]] std::string json_report(const Results& results);

/// For people: at most 80 columns.
[[nodiscard]] std::string table_report(const Results& results);

}  // namespace ringside::loadgen
