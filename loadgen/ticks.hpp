#pragma once

#include <algorithm>
#include <cstdint>

#include "common/assert.hpp"

namespace ringside::loadgen {

// Fixed points in time, one every interval. Who is to wake at each of them and was away is told of
// all that it missed, so that standing still for 200 intervals shows as 200 ticks, each late by
// less than the one before. Pure arithmetic.
class Ticks {
 public:
    /// So many ticks one take() tells of, the longest due first: standing still for an hour must
    /// not be followed by as long a tale of it. The others count for nothing.
    static constexpr std::uint64_t told_max = 60'000;

    /// The first tick is one interval, above 0, after `begin_ns`.
    Ticks(std::uint64_t begin_ns, std::uint64_t interval_ns) noexcept
        : interval_ns_(interval_ns), next_ns_(begin_ns + interval_ns) {
        RINGSIDE_ASSERT(interval_ns > 0);
    }

    /// When the first tick is due that was not taken yet.
    [[nodiscard]] std::uint64_t next_ns() const noexcept { return next_ns_; }
    /// Takes all that are due by `now_ns` and calls `tell(due_ns)` for each.
    template <typename Tell>
    void take(std::uint64_t now_ns, Tell tell) {
        if (now_ns < next_ns_) return;
        const std::uint64_t due = (now_ns - next_ns_) / interval_ns_ + 1;
        for (std::uint64_t i = 0; i < std::min(due, told_max); ++i)
            tell(next_ns_ + i * interval_ns_);
        next_ns_ += due * interval_ns_;
    }

 private:
    std::uint64_t interval_ns_;
    std::uint64_t next_ns_;
};

}  // namespace ringside::loadgen
