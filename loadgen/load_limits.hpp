#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::loadgen {

inline constexpr std::uint64_t ms = 1'000'000;  // in nanoseconds, as the next
inline constexpr std::uint64_t hour = 3'600'000 * ms;

// What a load may ask for at most, on the command line and in scenario files.

/// Payloads carry a sender's number in 20 bits.
inline constexpr std::size_t users_max = 1'000'000;
inline constexpr std::size_t message_bytes_max = 4096;
/// 127.0.0.1 to 127.0.0.254.
inline constexpr std::size_t sources_max = 254;
inline constexpr std::size_t outstanding_max = 65'536;
inline constexpr std::size_t per_second_max = 10'000'000;
inline constexpr std::size_t burst_max = 10'000;
/// Messages in a room before the load; each takes 16 bytes of the load generator.
inline constexpr std::uint64_t history_messages_max = 100'000'000;
/// Open loop: a bound, so that a server that stalls costs the load generator no more memory.
inline constexpr std::size_t outstanding_at_a_rate = 1024;

}  // namespace ringside::loadgen
