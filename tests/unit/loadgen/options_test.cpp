#include "loadgen/options.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <vector>

#include "support/captured_stream.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

struct Outcome {
    std::optional<int> exit_code;
    Options options;
    Command command;
    std::string output;
    std::string error;
};

Outcome read(std::vector<const char*> arguments) {
    Outcome outcome;
    arguments.insert(arguments.begin(), "loadgen");
    test::CapturedStream output(stdout);
    test::CapturedStream error(stderr);
    outcome.exit_code = read_options(static_cast<int>(arguments.size()), arguments.data(),
                                     outcome.options, outcome.command);
    outcome.output = output.take();
    outcome.error = error.take();
    return outcome;
}

}  // namespace

TEST_CASE("each workload has defaults of its own") {
    const Outcome thesis = read({"thesis"});
    CHECK_FALSE(thesis.exit_code);
    CHECK(thesis.options.workload == WorkloadKind::thesis);
    CHECK(thesis.options.users == 10);
    CHECK(thesis.options.outstanding == 1);
    CHECK(thesis.options.payload_bytes == 32);
    const Outcome fanout = read({"fanout"});
    CHECK_FALSE(fanout.exit_code);
    CHECK(fanout.options.workload == WorkloadKind::fanout);
    CHECK(fanout.options.users == 100);
    CHECK(fanout.options.outstanding == 16);
    CHECK(fanout.options.payload_bytes == 64);
    CHECK(fanout.options.duration_ns == 10'000'000'000);
    CHECK(fanout.options.warm_up_ns == 2'000'000'000);
    CHECK(fanout.options.protocol == Protocol::chat);
    const Outcome idle = read({"idle"});
    CHECK_FALSE(idle.exit_code);
    CHECK(idle.options.workload == WorkloadKind::idle);
    CHECK(idle.options.users == 1000);
    CHECK(idle.options.rooms == 1);
    CHECK(idle.options.members == 1000);
    CHECK(idle.options.publishers == 0);
    CHECK(idle.options.warm_up_ns == 0);
}

TEST_CASE("idle users are spread over the rooms, the last of which may be smaller") {
    const Outcome outcome = read({"idle", "--users", "10", "--rooms", "4"});
    REQUIRE_FALSE(outcome.exit_code);
    CHECK(outcome.options.users == 10);
    CHECK(outcome.options.members == 3);
}

TEST_CASE("fanout and idle speak other protocols on request") {
    const char* const workload = GENERATE("fanout", "idle");
    CAPTURE(workload);
    CHECK(read({workload, "--protocol", "redis"}).options.protocol == Protocol::redis);
    CHECK(read({workload, "--protocol=nats"}).options.protocol == Protocol::nats);
    CHECK(read({workload, "--protocol", "chat"}).options.protocol == Protocol::chat);
}

TEST_CASE("options are taken as they are given") {
    const Outcome outcome = read({"fanout",       "--rooms", "1000",           "--members=2",
                                  "--publishers", "2",       "--outstanding",  "8",
                                  "--payload",    "100",     "--duration",     "250ms",
                                  "--warm-up",    "0",       "--seed",         "77",
                                  "--io",         "epoll",   "--connect",      "localhost:7",
                                  "--json",       "a.json",  "--server-label", "x y",
                                  "--server-pid", "1"});
    REQUIRE_FALSE(outcome.exit_code);
    CHECK(outcome.options.users == 2000);
    CHECK(outcome.options.publishers == 2);
    CHECK(outcome.options.outstanding == 8);
    CHECK(outcome.options.payload_bytes == 100);
    CHECK(outcome.options.duration_ns == 250'000'000);
    CHECK(outcome.options.warm_up_ns == 0);
    CHECK(outcome.options.seed == 77);
    CHECK(outcome.options.io == uring::IoChoice::epoll);
    CHECK(outcome.options.connect == "localhost:7");
    CHECK(outcome.options.json == "a.json");
    CHECK(outcome.options.server_label == "x y");
    CHECK(outcome.options.server_pid == 1);
}

TEST_CASE("a rate opens the loop, and --outstanding is then a bound with another default") {
    const Outcome closed = read({"fanout"});
    CHECK(closed.options.offered.per_second == 0);
    const Outcome open = read({"fanout", "--rate=500", "--arrivals=poisson", "--burst=3"});
    CHECK_FALSE(open.exit_code);
    CHECK(open.options.offered.per_second == 500);
    CHECK(open.options.offered.arrivals == Arrivals::poisson);
    CHECK(open.options.offered.burst == 3);
    CHECK(open.options.outstanding == 1024);
    CHECK(read({"fanout", "--rate=500", "--outstanding=16"}).options.outstanding == 16);
}

TEST_CASE("an objective may be of any latency that the run measures") {
    CHECK(read({"fanout", "--slo=p99<=1ms"}).options.slo.has_value());
    CHECK(read({"fanout", "--rate=5", "--slo=send_lag:p99<=1ms"}).options.slo.has_value());
    CHECK(read({"thesis", "--slo=leave_chat:p99<=1ms"}).options.slo.has_value());
}

TEST_CASE("what makes no sense is refused in one line") {
    const auto arguments =
        GENERATE(std::vector<const char*>{}, std::vector<const char*>{"chat"},
                 std::vector<const char*>{"thesis", "--members", "3"},
                 std::vector<const char*>{"fanout", "--users", "3"},
                 std::vector<const char*>{"fanout", "--payload", "31"},
                 std::vector<const char*>{"fanout", "--members", "0"},
                 std::vector<const char*>{"fanout", "--members", "2", "--publishers", "3"},
                 std::vector<const char*>{"fanout", "--members", "1000", "--rooms", "1000"},
                 std::vector<const char*>{"thesis", "--duration", "10"},
                 std::vector<const char*>{"thesis", "--io", "kqueue"},
                 std::vector<const char*>{"thesis", "--connect", "5000"},
                 std::vector<const char*>{"thesis", "--outstanding", "-1"},
                 std::vector<const char*>{"thesis", "--protocol", "redis"},
                 std::vector<const char*>{"fanout", "--protocol", "kafka"},
                 std::vector<const char*>{"fanout", "--protocol=nats", "--publishers=2"},
                 std::vector<const char*>{"fanout", "--rate", "10000001"},
                 std::vector<const char*>{"fanout", "--arrivals", "poisson"},
                 std::vector<const char*>{"fanout", "--rate", "0", "--burst", "2"},
                 std::vector<const char*>{"fanout", "--rate", "5", "--arrivals", "uniform"},
                 std::vector<const char*>{"thesis", "--rate", "5"},
                 std::vector<const char*>{"fanout", "--slo", "p99"},
                 std::vector<const char*>{"fanout", "--slo", "leave_chat:p99<=1ms"},
                 std::vector<const char*>{"fanout", "--slo", "send_lag:p99<=1ms"},
                 std::vector<const char*>{"thesis", "--slo", "last_member:p99<=1ms"},
                 std::vector<const char*>{"idle", "--slo", "p99<=1ms"},
                 std::vector<const char*>{"idle", "--users", "3", "--rooms", "4"},
                 std::vector<const char*>{"idle", "--outstanding", "1"},
                 std::vector<const char*>{"idle", "--warm-up", "1s"},
                 std::vector<const char*>{"thesis", "fanout"});
    const Outcome outcome = read(arguments);
    CAPTURE(outcome.error, arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.empty());
    CHECK(outcome.error.starts_with("loadgen: "));
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
}

TEST_CASE("help fits into 80 columns and shows examples, exit codes and defaults") {
    const auto arguments = GENERATE(
        std::vector<const char*>{"--help"}, std::vector<const char*>{"thesis", "--help"},
        std::vector<const char*>{"fanout", "-h"}, std::vector<const char*>{"idle", "--help"},
        std::vector<const char*>{"sweep", "--help"}, std::vector<const char*>{"search", "--help"});
    const Outcome outcome = read(arguments);
    CHECK(outcome.exit_code == 0);
    const bool teaches = arguments.size() == 1 || arguments.front()[0] == 's';
    CHECK_THAT(outcome.output, Catch::Contains("Exit codes: ") &&
                                   Catch::Contains(teaches ? "Examples:" : "Default: 10s."));
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("the version names the commit and what io_uring can do here") {
    const Outcome outcome = read({"--version"});
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.output,
               Catch::Contains("loadgen 0.1.0 (commit ") && Catch::Contains("io_uring"));
}
