#include "loadgen/start_time.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {
constexpr std::int64_t one_second_ns = 1'000'000'000;
constexpr std::int64_t noon_ns = 1'795'780'800 * one_second_ns;  // 2026-11-27T12:00:00Z
}  // namespace

TEST_CASE("a time to start is UTC, and to the nanosecond where it says so") {
    CHECK(parse_utc_ns("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_utc_ns("2026-11-27T12:00:00Z") == noon_ns);
    CHECK(parse_utc_ns("2026-11-27T12:00:00.25Z") == noon_ns + one_second_ns / 4);
    CHECK(parse_utc_ns("2026-11-27T12:00:00.000000001Z") == noon_ns + 1);
    CHECK(parse_utc_ns("2028-02-29T00:00:00Z").has_value());
    CHECK(utc_text(noon_ns + 7) == "2026-11-27T12:00:00Z");
}

TEST_CASE("what might mean another time elsewhere is no time to start") {
    for (const char* text :
         {"", "now", "+10s", "1795780800", "2026-11-27T12:00:00", "2026-11-27T12:00:00+01:00",
          "2026-11-27 12:00:00Z", "2026-11-27T12:00Z", "2026-1-2T3:4:5Z000000000",
          "2026-02-31T12:00:00Z", "9999-12-31T23:59:59Z", "2263-01-01T00:00:00Z",
          "2026-11-27T25:00:00Z", "2026-11-27T12:00:00.Z", "2026-11-27T12:00:00.1234567890Z",
          "2026-11-27T12:00:00.1xZ", "2026-11-27T12:00:00,5Z", "1969-12-31T23:59:59Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_utc_ns(text));
    }
}

TEST_CASE("nobody can start in the past, nor after more than a day") {
    CHECK(start_problem(noon_ns, noon_ns - 1).empty());
    CHECK(start_problem(noon_ns, noon_ns - 86'400 * one_second_ns).empty());
    CHECK_THAT(start_problem(noon_ns, noon_ns + 5 * one_second_ns),
               Catch::Equals("2026-11-27T12:00:00Z is over, it is 2026-11-27T12:00:05Z: agree on "
                             "a later time"));
    CHECK_FALSE(start_problem(noon_ns, noon_ns).empty());
    CHECK_THAT(start_problem(noon_ns, noon_ns - 86'401 * one_second_ns), Catch::Contains("a day"));
}
