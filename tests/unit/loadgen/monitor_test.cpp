#include "loadgen/monitor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>

#include "common/clock.hpp"
#include "loadgen/null_io.hpp"
#include "support/captured_stream.hpp"

using namespace ringside;
using namespace ringside::loadgen;

TEST_CASE("progress is a line a second, and no line for each second of a pause") {
    constexpr std::uint64_t second_ns = 1'000'000'000;
    Options options;
    options.users = 1;
    const RunState state(options, scenario_of(options), {}, 1,
                         std::make_unique<NullIo>(uring::IoOptions{.connections_max = 1}));
    const auto lines_of = [&](std::initializer_list<std::uint64_t> ticks_ns) {
        test::CapturedStream error(stderr);  // no terminal
        Monitor monitor(options, state);
        const std::uint64_t begin_ns = monotonic_ns();
        for (const std::uint64_t tick_ns : ticks_ns)
            monitor.tick(begin_ns + tick_ns);
        return std::ranges::count(error.take(), '\n');
    };
    CHECK(lines_of({second_ns / 2}) == 0);
    CHECK(lines_of({second_ns, second_ns + 1, 2 * second_ns, 3 * second_ns}) == 3);
    CHECK(lines_of({second_ns, 60 * second_ns, 60 * second_ns + 1, 60 * second_ns + 2}) == 2);
    CHECK(lines_of({second_ns, 60 * second_ns, 61 * second_ns}) == 3);
    options.quiet = true;
    CHECK(lines_of({second_ns, 2 * second_ns}) == 0);
}
