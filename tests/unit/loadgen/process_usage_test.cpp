#include "loadgen/process_usage.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

constexpr std::uint64_t mib = 1'048'576;
constexpr std::uint64_t touched_bytes = 64 * mib;

// A sanitizer's shadow is resident as well: with ASan an eighth of the memory, with TSan its
// fourfold. The rest is what else became resident meanwhile.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t resident_bytes_max = 5 * (touched_bytes + 8 * mib);
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t resident_bytes_max = touched_bytes / 8 * 9 + 8 * mib;
#else
constexpr std::uint64_t resident_bytes_max = touched_bytes + 8 * mib;
#endif

}  // namespace

TEST_CASE("memory that a process touches is resident") {
    const Result<std::uint64_t> before = resident_bytes_of(::getpid());
    REQUIRE(before);
    CHECK(*before > mib);
    const std::string touched(touched_bytes, 'x');
    const Result<std::uint64_t> after = resident_bytes_of(::getpid());
    REQUIRE(after);
    CHECK(*after - *before > 63 * mib);
    CHECK(*after - *before < resident_bytes_max);
}

TEST_CASE("stolen time is the eighth of a machine's times, and guests are in the first already") {
    const auto time =
        parse_machine_time("cpu  100 20 30 4000 50 6 7 80 9000 900\ncpu0 1 2 3 4 5\n");
    REQUIRE(time);
    CHECK(time->total == 4293);
    CHECK(time->stolen == 80);
    CHECK(machine_time());
}

TEST_CASE("what is no list of a machine's times tells none") {
    const std::string text =
        GENERATE("", "cpu", "cpu  1 2 3 4 5 6 7", "intr 1 2 3 4 5 6 7 8 9", "cpu  1 2 x 4 5 6 7 8");
    CAPTURE(text);
    CHECK_FALSE(parse_machine_time(text));
}

TEST_CASE("stolen time is told as a share of what went by, and never below none") {
    CHECK(steal_share_of({1000, 10}, {1400, 20}) == Approx(0.025));
    CHECK(steal_share_of({1000, 10}, {1400, 10}) == 0.0);
    CHECK(steal_share_of({1000, 10}, {1400, 9}) == 0.0);
    CHECK_FALSE(steal_share_of({1000, 10}, {1000, 10}));
}

TEST_CASE("the CPU time that this process uses is seen") {
    const OwnUsage before = own_usage();
    volatile std::uint64_t work = 0;
    for (int i = 0; i < 50'000'000; ++i)
        work = work + 1;
    // A few hundred million instructions, by this thread alone: milliseconds at least.
    CHECK(own_usage().cpu_seconds > before.cpu_seconds + 0.001);
    CHECK(own_usage().involuntary_switches >= before.involuntary_switches);
}

TEST_CASE("a process that is not there has neither memory nor CPU time") {
    constexpr pid_t nobody = 1 << 30;  // above what the kernel gives out
    CHECK_FALSE(resident_bytes_of(nobody));
    CHECK_FALSE(cpu_seconds_of(nobody));
}
