#include "loadgen/control_characters.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("what a terminal would act on becomes visible, all else stays") {
    CHECK(controls_escaped("plain, \xc3\xa9, \xff, \"\\") == "plain, \xc3\xa9, \xff, \"\\");
    CHECK(controls_escaped("a\n\x1b[31m\x7f") == "a\\u000a\\u001b[31m\\u007f");
    CHECK(controls_escaped("\xc2\x9b"
                           "31m \xc2\xa0") == "\\u009b31m \xc2\xa0");
    CHECK(controls_escaped("").empty());
}
