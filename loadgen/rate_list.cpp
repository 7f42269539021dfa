#include "loadgen/rate_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "loadgen/load_limits.hpp"
#include "loadgen/random.hpp"

namespace ringside::loadgen {

namespace {

using Rates = std::expected<std::vector<std::uint64_t>, std::string>;

constexpr std::string_view range_mark = "..";

std::optional<std::uint64_t> read_rate(std::string_view text) {
    std::uint64_t rate = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, rate);
    if (problem != std::errc{} || stop != end || rate < 1 || rate > per_second_max) {
        return std::nullopt;
    }
    return rate;
}

std::unexpected<std::string> refused(std::string_view text) {
    return std::unexpected(
        fmt::format("must be whole numbers from 1 to {}, as 1000,2000,5000 or, from the lowest to "
                    "the highest, 1000..100000, not '{}'",
                    per_second_max, text));
}

Rates read_list(std::string_view text) {
    std::vector<std::uint64_t> rates;
    for (std::string_view rest = text;;) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const auto rate = read_rate(rest.substr(0, comma));
        if (!rate) return refused(text);
        rates.push_back(*rate);
        if (comma == rest.size()) break;
        rest.remove_prefix(comma + 1);
    }
    if (rates.size() > rates_max) {
        return std::unexpected(fmt::format("names {} rates, {} at most", rates.size(), rates_max));
    }
    std::ranges::sort(rates);
    return rates;
}

Rates read_range(std::string_view text, std::size_t mark, std::size_t steps) {
    const auto from = read_rate(text.substr(0, mark));
    const auto to = read_rate(text.substr(mark + range_mark.size()));
    if (!from || !to || *from >= *to) return refused(text);
    std::vector<std::uint64_t> rates;
    const double factor = static_cast<double>(*to) / static_cast<double>(*from);
    for (std::size_t i = 0; i < steps; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(steps - 1);
        const double rate = static_cast<double>(*from) * std::pow(factor, share);
        rates.push_back(static_cast<std::uint64_t>(std::llround(rate)));
    }
    if (std::ranges::adjacent_find(rates) != rates.end()) {
        return std::unexpected(fmt::format(
            "{} leaves no room for {} different rates: take fewer --steps", text, steps));
    }
    return rates;
}

}  // namespace

Rates read_rates(std::string_view text, std::optional<std::size_t> steps) {
    const std::size_t mark = text.find(range_mark);
    if (mark != std::string_view::npos) {
        return read_range(text, mark, steps.value_or(steps_by_default));
    }
    if (steps) return std::unexpected("is a list, and --steps is for a range, as 1000..100000");
    return read_list(text);
}

void shuffle_rates(std::vector<std::uint64_t>& rates, std::uint64_t seed) {
    // Fisher and Yates; std::shuffle may differ from library to library.
    Random random(seed);
    for (std::size_t left = rates.size(); left > 1; --left) {
        std::swap(rates[left - 1], rates[random.below(static_cast<std::uint32_t>(left))]);
    }
}

}  // namespace ringside::loadgen
