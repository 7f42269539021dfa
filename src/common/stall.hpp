#pragma once

#include <cstdint>

namespace ringside {

/// With --inject-stall the loops of a server stand still at the beginning of every such period of
/// the monotonic clock, all at the same time.
inline constexpr std::uint64_t stall_period_ns = 1'000'000'000;

/// How long a loop that is at `now_ns` has to stand still; 0 where `stall_ns` is 0.
[[nodiscard]] constexpr std::uint64_t stall_left_ns(std::uint64_t now_ns,
                                                    std::uint64_t stall_ns) noexcept {
    const std::uint64_t phase_ns = now_ns % stall_period_ns;
    return phase_ns < stall_ns ? stall_ns - phase_ns : 0;
}

/// Called by every loop once a turn.
void stall(std::uint64_t now_ns, std::uint64_t stall_ns) noexcept;

}  // namespace ringside
