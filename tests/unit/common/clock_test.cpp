#include "common/clock.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

namespace ringside {

TEST_CASE("the local time of a message has the protocol's form") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    LocalTimeText text;
    CHECK(text.at(0) == "00:00:00 01/01/70");
    CHECK(text.at(1'700'000'000'999'999'999) == "22:13:20 11/14/23");
    CHECK(text.at(1'700'000'001'000'000'000) == "22:13:21 11/14/23");
}

}  // namespace ringside
