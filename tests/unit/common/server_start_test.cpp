#include "common/server_start.hpp"

#include <catch2/catch.hpp>

#include "common/result.hpp"

namespace ringside {

TEST_CASE("clients leave the descriptors to the server that it needs for itself and its rooms") {
    const std::uint64_t needed = 64 + 5 * idle_open_rooms_max;
    CHECK(connections_within(1'000'000, 5, 10'000) == 10'000);
    CHECK(connections_within(needed + 10'000, 5, 10'000) == 10'000);
    CHECK(connections_within(needed + 9'999, 5, 10'000) == 9'999);
    CHECK(connections_within(needed + 1, 5, 10'000) == 1);
    CHECK_THROWS_WITH(connections_within(needed, 5, 10'000), Catch::Contains("ulimit -n"));
    CHECK_THROWS_AS(connections_within(0, 2, 1), StartError);
}

}  // namespace ringside
