#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::loadgen {

inline constexpr std::size_t rates_max = 1000;

/// The rates that `--rates` names, in messages a second, ascending: a list as "1000,2000,5000", or
/// a range as "1000..100000" that `steps` rates fill, both ends among them, each the same factor
/// above the one before. What is wrong otherwise, as the end of a sentence about --rates. `steps`
/// is for a range only, and then steps_by_default where it is empty.
[[nodiscard]] std::expected<std::vector<std::uint64_t>, std::string> read_rates(
    std::string_view text, std::optional<std::size_t> steps);
inline constexpr std::size_t steps_by_default = 8;

/// In an order that depends on the seed alone: what drifts during a sweep (a warming machine, a
/// growing history) must not look like an effect of the rate.
void shuffle_rates(std::vector<std::uint64_t>& rates, std::uint64_t seed);

}  // namespace ringside::loadgen
