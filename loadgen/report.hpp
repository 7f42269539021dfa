#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// Of results_json.md: raised where a reader of the version before would misread a field.
inline constexpr std::uint64_t schema_version = 2;

/// The JSON object of docs/results_json.md, ending in a newline.
[[nodiscard]] std::string json_report(const Results& results);

/// A line for each latency that has samples, below one with the names of the columns: RFC 4180, the
/// columns of docs/results_json.md. The text of --server-label goes out as it came.
[[nodiscard]] std::string csv_report(const Results& results);

/// A latency's distribution in milliseconds, as HdrHistogram writes it.
[[nodiscard]] std::string hgrm_report(const Histogram& latency);

/// For people: at most 80 columns.
[[nodiscard]] std::string table_report(const Results& results);

// ---- of which other reports are made too ----

/// Broken at blanks into lines of at most 80 columns, the last ending in a newline; a longer word
/// stands alone.
[[nodiscard]] std::string wrapped(std::string_view text);

/// "1,234,567": figures that a person is to compare.
[[nodiscard]] std::string grouped(std::uint64_t value);

/// The lines of the table of latencies, which are not empty; microseconds.
[[nodiscard]] std::string latency_head();
[[nodiscard]] std::string latency_row(std::string_view name, const Histogram& latency);
/// A JSON object of a latency that is not empty; nanoseconds.
[[nodiscard]] std::string latency_json(const Histogram& latency);

}  // namespace ringside::loadgen
