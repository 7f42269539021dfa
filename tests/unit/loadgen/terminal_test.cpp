#include "loadgen/terminal.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace ringside::loadgen;

TEST_CASE("a terminal that moves its cursor shows the view, all else a line a second") {
    CHECK(progress_of(false, true, "xterm-256color") == Progress::view);
    CHECK(progress_of(false, true, "dumb") == Progress::lines);
    CHECK(progress_of(false, true, "") == Progress::lines);
    CHECK(progress_of(false, true, nullptr) == Progress::lines);
    CHECK(progress_of(false, false, "xterm") == Progress::lines);
    CHECK(progress_of(true, true, "xterm") == Progress::none);
    CHECK(progress_of(true, false, nullptr) == Progress::none);
}

TEST_CASE("colours and characters follow the environment") {
    ::setenv("NO_COLOR", "1", 1);
    ::setenv("LC_ALL", "C", 1);
    CHECK_FALSE(terminal_style().colour);
    CHECK_FALSE(terminal_style().utf8);
    ::setenv("NO_COLOR", "", 1);  // no-color.org: an empty value asks for nothing
    ::setenv("LC_ALL", "C.UTF-8", 1);
    CHECK(terminal_style().colour);
    CHECK(terminal_style().utf8);
    ::unsetenv("NO_COLOR");
    ::unsetenv("LC_ALL");
}
