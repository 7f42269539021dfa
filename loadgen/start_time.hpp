#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::loadgen {

/// Reads a time as RFC 3339 writes it in UTC, "2026-11-26T18:30:00Z", with decimals of the second
/// where there are some; nanoseconds since 1970-01-01 UTC. Nothing where it is not that: an hour
/// without its zone would mean another time on another machine.
[[nodiscard]] std::optional<std::int64_t> parse_utc_ns(std::string_view text);

/// The other way round, to the second.
[[nodiscard]] std::string utc_text(std::int64_t unix_ns);

/// Why nobody can agree to start then, when it is `now_ns`; empty where they can.
[[nodiscard]] std::string start_problem(std::int64_t start_ns, std::int64_t now_ns);

}  // namespace ringside::loadgen
