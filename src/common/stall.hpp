#pragma once

#include <cstdint>

namespace ringside {

/// With --inject-stall the loops that serve clients (uring server: the workers; pipeline: lobby and
/// rooms) stand still at the beginning of every such period of the monotonic clock, all at the same
/// time. A turn goes on with the time that it had read before.
inline constexpr std::uint64_t stall_period_ns = 1'000'000'000;

/// How long a loop that is at `now_ns` has to stand still; 0 where `stall_ns` is 0.
[[nodiscard]] constexpr std::uint64_t stall_left_ns(std::uint64_t now_ns,
                                                    std::uint64_t stall_ns) noexcept {
    const std::uint64_t phase_ns = now_ns % stall_period_ns;
    return phase_ns < stall_ns ? stall_ns - phase_ns : 0;
}

/// Called by those loops once a turn. `stall_ns` is below the period.
void stall(std::uint64_t now_ns, std::uint64_t stall_ns) noexcept;

}  // namespace ringside
