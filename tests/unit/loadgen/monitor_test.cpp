#include "loadgen/monitor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "loadgen/null_io.hpp"
#include "support/captured_stream.hpp"
#include "support/temp_folder.hpp"

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
        constexpr std::uint64_t begin_ns = 5;
        Monitor monitor(options, state, begin_ns);
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

// A cool-down was told as the warm-up in the progress and as the drain in the metrics: whoever
// watched a run saw it begin anew.
TEST_CASE("each phase of a run has its name in the progress and in the metrics") {
    constexpr std::uint64_t second_ns = 1'000'000'000;
    const test::TempFolder folder;
    Options options;
    options.users = 1;
    options.metrics_textfile = folder.path() / "load.prom";
    RunState state(options, scenario_of(options), {}, 1,
                   std::make_unique<NullIo>(uring::IoOptions{.connections_max = 1}));
    const auto check_told = [&](std::string_view label, std::string_view text) {
        CAPTURE(label);
        test::CapturedStream error(stderr);
        Monitor monitor(options, state, 5);
        monitor.tick(5 + second_ns);
        CHECK(error.take().contains(text));
        std::ifstream file(options.metrics_textfile);
        const std::string metrics(std::istreambuf_iterator<char>(file), {});
        for (const std::string_view one : {"set_up", "warm_up", "measure", "cool_down", "drain"}) {
            const std::string series = "phase=\"" + std::string(one) + "\"} ";
            CHECK(metrics.contains(series + (one == label ? "1\n" : "0\n")));
        }
    };
    check_told("set_up", " setting up ");
    state.phase = Phase::rounds;
    check_told("warm_up", " warming up ");
    state.recorder.open(1);
    check_told("measure", " measuring ");
    state.recorder.close(2);
    check_told("cool_down", " cooling down ");
    state.phase = Phase::quiet;
    check_told("drain", " draining ");
    state.phase = Phase::leave;
    check_told("drain", " leaving ");
}
