#include "loadgen/start_time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdint>

namespace ringside::loadgen {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t start_ahead_max_ns = 24 * 3600 * second_ns;
constexpr std::size_t seconds_bytes = std::string_view("2026-11-26T18:30:00").size();
constexpr std::size_t decimals_max = 9;

}  // namespace

std::string utc_text(std::int64_t unix_ns) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time_t{unix_ns / second_ns}));
}

std::optional<std::int64_t> parse_utc_ns(std::string_view text) {
    if (text.size() <= seconds_bytes || text.back() != 'Z') return std::nullopt;
    const std::string seconds(text.substr(0, seconds_bytes));
    std::string_view decimals = text.substr(seconds_bytes, text.size() - seconds_bytes - 1);
    std::tm parts{};
    if (::strptime(seconds.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
    const std::int64_t whole_s = ::timegm(&parts);
    if (whole_s >= INT64_MAX / second_ns) return std::nullopt;  // the year 2262
    const std::int64_t whole_ns = whole_s < 0 ? -1 : whole_s * second_ns;
    // timegm() makes 3 March of 31 February, and strptime() lets digits be missing.
    if (whole_ns < 0 || utc_text(whole_ns) != seconds + "Z") return std::nullopt;
    if (decimals.empty()) return whole_ns;
    if (decimals.front() != '.') return std::nullopt;
    decimals.remove_prefix(1);
    if (decimals.empty() || decimals.size() > decimals_max) return std::nullopt;
    std::int64_t part_ns = 0;
    for (std::size_t i = 0; i < decimals_max; ++i) {
        const char digit = i < decimals.size() ? decimals[i] : '0';
        if (digit < '0' || digit > '9') return std::nullopt;
        part_ns = part_ns * 10 + (digit - '0');
    }
    return whole_ns + part_ns;
}

std::string start_problem(std::int64_t start_ns, std::int64_t now_ns) {
    if (start_ns <= now_ns) {
        return fmt::format("{} is over, it is {}: agree on a later time", utc_text(start_ns),
                           utc_text(now_ns));
    }
    if (start_ns - now_ns > start_ahead_max_ns) {
        return fmt::format("{} is more than a day away, it is {}", utc_text(start_ns),
                           utc_text(now_ns));
    }
    return {};
}

}  // namespace ringside::loadgen
