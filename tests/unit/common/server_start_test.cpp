#include "common/server_start.hpp"

#include <catch2/catch.hpp>

#include "common/result.hpp"

namespace ringside {

TEST_CASE("clients leave the descriptors to the server that it needs for itself and its rooms") {
    const std::uint64_t needed = 384;
    CHECK(connections_within(1'000'000, needed, 10'000) == 10'000);
    CHECK(connections_within(needed + 10'000, needed, 10'000) == 10'000);
    CHECK(connections_within(needed + 9'999, needed, 10'000) == 9'999);
    CHECK(connections_within(needed + 1, needed, 10'000) == 1);
    CHECK_THROWS_WITH(connections_within(needed, needed, 10'000), Catch::Contains("ulimit -n"));
    CHECK_THROWS_AS(connections_within(0, needed, 1), StartError);
}

TEST_CASE("a server whose host does not exist says which") {
    CHECK_THROWS_WITH(open_listener("no..such.host:0"),
                      Catch::StartsWith("--listen: cannot find host 'no..such.host' ("));
}

}  // namespace ringside
