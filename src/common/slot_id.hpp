#pragma once

#include <cstdint>

namespace ringside {

/// Identity of a connection: a slot of a table and how often that slot has been handed out. A
/// descriptor number is no identity, since the kernel reuses it at once; a stale `generation`
/// tells that the connection meant is gone. `generation` stays below 2^24 (it travels in the
/// user_data of a completion) and starts at 1, so a default SlotId names nothing.
struct SlotId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(const SlotId&, const SlotId&) = default;
};

inline constexpr std::uint32_t generation_limit = 1U << 24U;

}  // namespace ringside
