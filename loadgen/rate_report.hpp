#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loadgen/json_object.hpp"
#include "loadgen/options.hpp"
#include "loadgen/rate_step.hpp"

namespace ringside::loadgen {

// What sweep and search print: texts of at most 80 columns, which end in a newline.

/// What is tried, and what the columns mean.
[[nodiscard]] std::string rate_head(const Options& options, std::string_view command);
/// `first`: the heading of the column that is the caller's.
[[nodiscard]] std::string rate_columns(std::string_view first);
/// `first` in that column, 8 wide.
[[nodiscard]] std::string rate_row(std::string_view first, const RateStep& step);
/// Why a rate is not ok, in full; empty where it is.
[[nodiscard]] std::string rate_note(const RateStep& step);

/// What the JSON of sweep and of search begins with.
void add_rate_head(JsonObject& out, const Options& options, std::string_view command,
                   bool interrupted, const std::string& failure);
/// What became of one rate, and the run's own report as `run`.
void add_rate_step(JsonObject& out, const RateStep& step);
/// An array, one value a line.
[[nodiscard]] std::string json_array(std::span<const std::string> values);
[[nodiscard]] std::string json_rate(std::optional<std::uint64_t> rate);  // or null

}  // namespace ringside::loadgen
