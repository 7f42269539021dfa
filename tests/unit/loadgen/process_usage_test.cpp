#include "loadgen/process_usage.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

// A sanitizer's shadow is resident as well: with ASan an eighth of the memory, with TSan its
// fourfold.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t resident_times = 5;
#else
constexpr std::uint64_t resident_times = 1;
#endif

}  // namespace

TEST_CASE("memory that a process touches is resident") {
    constexpr std::uint64_t mib = 1'048'576;
    const Result<std::uint64_t> before = resident_bytes_of(::getpid());
    REQUIRE(before);
    CHECK(*before > mib);
    const std::string touched(64 * mib, 'x');
    const Result<std::uint64_t> after = resident_bytes_of(::getpid());
    REQUIRE(after);
    CHECK(*after - *before > 63 * mib);
    CHECK(*after - *before < resident_times * 72 * mib);
}

TEST_CASE("a process that is not there has neither memory nor CPU time") {
    constexpr pid_t nobody = 1 << 30;  // above what the kernel gives out
    CHECK_FALSE(resident_bytes_of(nobody));
    CHECK_FALSE(cpu_seconds_of(nobody));
}
