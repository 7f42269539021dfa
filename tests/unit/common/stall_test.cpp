#include "common/stall.hpp"

#include <catch2/catch.hpp>

namespace ringside {

TEST_CASE("all loops stand still until the same time, whenever in the stall they ask") {
    constexpr std::uint64_t ms = 1'000'000;
    constexpr std::uint64_t begin = 7'000 * ms;
    CHECK(stall_left_ns(begin, 200 * ms) == 200 * ms);
    CHECK(stall_left_ns(begin + 50 * ms, 200 * ms) == 150 * ms);
    CHECK(stall_left_ns(begin + 200 * ms - 1, 200 * ms) == 1);
    CHECK(stall_left_ns(begin + 200 * ms, 200 * ms) == 0);
    CHECK(stall_left_ns(begin - 1, 200 * ms) == 0);
    CHECK(stall_left_ns(begin, 0) == 0);
}

}  // namespace ringside
