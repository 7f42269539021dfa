#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/scenario.hpp"

namespace ringside::loadgen {

/// What a scenario file says (docs/scenarios.md), or every mistake in it: each one line that names
/// the file, the line and the path in it, and what was expected. `file` is for these lines.
[[nodiscard]] std::expected<Scenario, std::vector<std::string>> parse_scenario(
    std::string_view text, std::string_view file);

/// The same of a file, at most scenario_bytes_max large; one that cannot be read is a mistake too.
[[nodiscard]] std::expected<Scenario, std::vector<std::string>> read_scenario(
    const std::string& file);
inline constexpr std::size_t scenario_bytes_max = std::size_t{1} << 20U;

/// The text of a file that says this scenario: parse_scenario() makes the same of it.
[[nodiscard]] std::string scenario_json(const Scenario& scenario);

}  // namespace ringside::loadgen
