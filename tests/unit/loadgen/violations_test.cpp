#include "loadgen/violations.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("violations are all counted, and the first few told in words") {
    Violations violations;
    for (std::size_t i = 0; i < 100; ++i) {
        violations.add(Violation::lost, 2);
        violations.tell(Violation::lost, "it");
    }
    CHECK(violations.count(Violation::lost) == 200);
    CHECK(violations.total() == 200);
    CHECK(violations.details().size() == Violations::details_max);
    CHECK_FALSE(violations.wants_details());
}

TEST_CASE("bytes that a terminal would obey are told as escapes") {
    Violations violations;
    violations.tell(Violation::corrupt, "a\x1b[2Jb\n");
    CHECK(violations.details().front() == "corrupt: a\\x1b[2Jb\\x0a");
    CHECK(printable("\x7f \xc3") == "\\x7f \\xc3");
}
