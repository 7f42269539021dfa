#include "loadgen/options.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <vector>

#include "support/captured_stream.hpp"
#include "support/temp_folder.hpp"

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

// It was "A subcommand is required".
TEST_CASE("a command that does not exist is named") {
    const Outcome outcome = read({"fanuot", "--members=3"});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error == "loadgen: there is no command 'fanuot' (--help lists them)\n");
    CHECK(read({"--help", "fanuot"}).exit_code == 0);
    CHECK_THAT(read({}).error, Catch::Contains("--help lists the options"));
}

TEST_CASE("a label with control characters is refused, in words that have none") {
    for (const char* const command : {"thesis", "fanout", "idle", "sweep", "search"}) {
        CAPTURE(command);
        const Outcome outcome = read({command, "--server-label", "a\n\x1b[31m"});
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.error ==
              "loadgen: --server-label: must be without control characters, not "
              "'a\\u000a\\u001b[31m' (--help lists the options)\n");
    }
    CHECK(read({"fanout", "--server-label", "\xc3\xa9 x"}).options.server_label == "\xc3\xa9 x");
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

TEST_CASE("a process takes its share of the load that the options say whole") {
    const Outcome fanout = read(
        {"fanout", "--rooms=5", "--members=4", "--shard=2/2", "--start-at=2026-11-27T12:00:00Z"});
    CHECK_FALSE(fanout.exit_code);
    CHECK(fanout.options.users == 20);
    CHECK(fanout.options.own_rooms() == 3);
    CHECK(fanout.options.own_users() == 12);
    CHECK(fanout.options.start_ns == 1'795'780'800'000'000'000);
    const Outcome idle = read({"idle", "--users=100001", "--rooms=2", "--shard", "1/2"});
    CHECK_FALSE(idle.exit_code);
    CHECK(idle.options.own_users() == 50'000);
    CHECK(idle.options.own_rooms() == 2);
    CHECK(idle.options.members == 25'000);
    CHECK(read({"thesis", "--users=5", "--shard=1/5"}).options.own_users() == 1);
}

TEST_CASE("merging takes a new file and those to merge") {
    const Outcome outcome = read({"merge", "out.json", "1.json", "2.json"});
    CHECK_FALSE(outcome.exit_code);
    CHECK(outcome.command);
}

TEST_CASE("an objective may be of any latency that the run measures") {
    CHECK(read({"fanout", "--slo=p99<=1ms"}).options.slo.has_value());
    CHECK(read({"fanout", "--rate=5", "--slo=send_lag:p99<=1ms"}).options.slo.has_value());
    CHECK(read({"thesis", "--slo=leave_chat:p99<=1ms"}).options.slo.has_value());
}

TEST_CASE("calibrate is a command and no run") {
    const Outcome outcome = read({"calibrate", "--members", "10", "--json", "a.json"});
    CHECK_FALSE(outcome.exit_code);
    CHECK(outcome.command);
    CHECK_FALSE(read({"fanout"}).command);
}

TEST_CASE("what makes no sense is refused in one line") {
    const auto arguments =
        GENERATE(std::vector<const char*>{}, std::vector<const char*>{"chat"},
                 std::vector<const char*>{"thesis", "--members", "3"},
                 std::vector<const char*>{"fanout", "--users", "3"},
                 std::vector<const char*>{"fanout", "--payload", "31"},
                 std::vector<const char*>{"fanout", "--members", "0"},
                 std::vector<const char*>{"fanout", "--members", "2", "--publishers", "3"},
                 std::vector<const char*>{"fanout", "--members", "1000", "--rooms", "1001"},
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
                 std::vector<const char*>{"idle", "--users", "1000001"},
                 std::vector<const char*>{"fanout", "--shard", "3/2"},
                 std::vector<const char*>{"fanout", "--rooms", "2", "--shard", "1/3"},
                 std::vector<const char*>{"thesis", "--users", "2", "--shard", "1/3"},
                 std::vector<const char*>{"idle", "--users=5", "--rooms=3", "--shard=1/2"},
                 std::vector<const char*>{"thesis", "--start-at", "+10s"},
                 std::vector<const char*>{"compare", "a.json"},
                 std::vector<const char*>{"merge", "out.json"}, std::vector<const char*>{"merge"},
                 std::vector<const char*>{"calibrate", "--members", "1000001"},
                 std::vector<const char*>{"calibrate", "--rate", "5"},
                 std::vector<const char*>{"calibrate", "--payload", "4097"},
                 std::vector<const char*>{"thesis", "fanout"});
    const Outcome outcome = read(arguments);
    CAPTURE(outcome.error, arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.empty());
    CHECK(outcome.error.starts_with("loadgen: "));
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
    CHECK_FALSE(outcome.command);
}

TEST_CASE("a run takes from its file what the command line does not say") {
    const test::TempFolder folder;
    const std::string file = (folder.path() / "s.json").native();
    std::ofstream(file) << R"({"name": "talk", "description": "d", "rooms": [{"name": "r"}],
"phases": {"warm_up": "3s", "measure": "7s"},
"users": [{"name": "a", "count": 5, "does": "member", "rooms": "r", "send": {"rate": 50}}]})";
    const Outcome plain = read({"run", file.c_str()});
    CHECK_FALSE(plain.exit_code);
    REQUIRE(plain.options.scenario);
    CHECK(plain.options.workload == WorkloadKind::scenario);
    CHECK(plain.options.users == 5);
    CHECK(plain.options.scenario->warm_up_ns == 3'000'000'000);
    CHECK(plain.options.scenario->measure_ns == 7'000'000'000);
    const Outcome given = read({"run", file.c_str(), "--duration", "1s", "--warm-up", "0", "--slo",
                                "last_member:p99<=1s"});
    CHECK_FALSE(given.exit_code);
    CHECK(given.options.scenario->warm_up_ns == 0);
    CHECK(given.options.scenario->measure_ns == 1'000'000'000);
    const Outcome impossible = read({"run", file.c_str(), "--slo", "replay:p99<=1s"});
    CHECK(impossible.exit_code == 2);
    CHECK_THAT(impossible.error, Catch::Contains("does not measure"));
    std::ofstream(file) << "{}";
    const Outcome wrong = read({"run", file.c_str()});
    CHECK(wrong.exit_code == 2);
    CHECK_THAT(wrong.error, Catch::Contains(file + ":1: users is missing"));
}

TEST_CASE("the scenario commands are no run") {
    CHECK(read({"scenarios"}).command);
    CHECK(read({"check", "a.json"}).command);
    CHECK_FALSE(read({"thesis"}).command);
    CHECK(read({"check"}).exit_code == 2);
}

TEST_CASE("help fits into 80 columns and shows examples, exit codes and defaults") {
    const auto arguments = GENERATE(
        std::vector<const char*>{"--help"}, std::vector<const char*>{"thesis", "--help"},
        std::vector<const char*>{"fanout", "-h"}, std::vector<const char*>{"idle", "--help"},
        std::vector<const char*>{"run", "--help"});
    const Outcome outcome = read(arguments);
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.output,
               Catch::Contains("Exit codes: 0") &&
                   Catch::Contains(arguments.size() == 1 ? "Examples:" : "Default: "));
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("help of what is no run fits into 80 columns and shows exit codes") {
    const char* const command =
        GENERATE("merge", "compare", "sweep", "search", "calibrate", "ingest-log");
    const Outcome outcome = read({command, "--help"});
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.output, Catch::Contains("Exit codes: ") && Catch::Contains("Example"));
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
