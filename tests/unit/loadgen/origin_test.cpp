#include "loadgen/origin.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("a result's origin names the build and this machine") {
    const Origin origin = this_origin();
    CHECK(origin.version == "0.1.0");
    CHECK_FALSE(origin.commit.empty());
    REQUIRE(origin.machine.has_value());
    CHECK_FALSE(origin.machine->cpu.empty());
    CHECK(origin.machine->kernel.find('.') != std::string::npos);
    CHECK(origin.machine->cores == static_cast<std::uint64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
}
