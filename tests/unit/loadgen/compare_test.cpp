#include "loadgen/compare.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <sstream>

#include "support/captured_stream.hpp"
#include "support/temp_folder.hpp"
#include "unit/loadgen/canned_results.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

// Why two results, the second changed, cannot be compared.
std::vector<std::string> reasons_after(const std::function<void(StoredResults&)>& change) {
    const auto a = test::canned_results();
    const auto b = test::canned_results();
    b->file = "b.json";
    change(*b);
    return incomparable(*a, *b);
}

std::string only_reason(const std::function<void(StoredResults&)>& change) {
    const std::vector<std::string> reasons = reasons_after(change);
    CAPTURE(reasons);
    REQUIRE(reasons.size() == 1);
    return reasons.front();
}

struct Comparison {
    int exit_code = 0;
    std::string output;
    std::string error;
};

Comparison compare_files(const std::string& a, const std::string& b, bool force) {
    std::vector<const char*> arguments{"loadgen", "compare", a.c_str(), b.c_str()};
    if (force) arguments.push_back("--force");
    Options options;
    Command command;
    REQUIRE_FALSE(
        read_options(static_cast<int>(arguments.size()), arguments.data(), options, command));
    test::CapturedStream output(stdout);
    test::CapturedStream error(stderr);
    const int code = command();
    return {code, output.take(), error.take()};
}

}  // namespace

TEST_CASE("results of other servers under the same load are comparable") {
    CHECK(reasons_after([](StoredResults& b) {
              b.options.server_label = "pipeline";
              b.options.server_pid = 77;
              b.options.seed = 9;
              b.results.started = "2026-11-22T00:00:00Z";
              b.results.measured_seconds += 0.03;
              *b.results.window_started_ns += 3'600'000'000'000;
          }).empty());
}

TEST_CASE("each difference that makes a comparison worthless is named") {
    CHECK(only_reason([](StoredResults& b) { b.options.outstanding = 16; }) ==
          "outstanding: 1024 and 16");
    CHECK(only_reason([](StoredResults& b) { b.options.offered.per_second = 2000; }) ==
          "rate: 1000 and 2000");
    CHECK(only_reason([](StoredResults& b) { b.options.offered.arrivals = Arrivals::constant; }) ==
          "arrivals: poisson and constant");
    CHECK(only_reason([](StoredResults& b) { b.options.protocol = Protocol::redis; }) ==
          "protocol: chat and redis");
    CHECK(only_reason([](StoredResults& b) { b.results.io = "epoll"; }) == "I/O: uring and epoll");
    CHECK(only_reason([](StoredResults& b) { b.results.origin.machine->kernel = "6.12"; }) ==
          "kernel: 6.1.0 and 6.12");
    CHECK(only_reason([](StoredResults& b) { b.results.origin.machine->cores = 64; }) ==
          "cores: 2 and 64");
    CHECK_THAT(only_reason([](StoredResults& b) { b.results.origin.commit = "fff"; }),
               Catch::Contains("(commit abc1234") && Catch::Contains("(commit fff"));
    CHECK(only_reason([](StoredResults& b) {
              b.options.shards = {2, {1, 2}};
          }) == "shards: - and 1, 2 of 2");
    CHECK(only_reason([](StoredResults& b) { b.results.measured_seconds = 5; }) ==
          "window: 10.001 s and 5.000 s");
    CHECK(only_reason([](StoredResults& b) { b.results.warm_up_seconds = 0; }) ==
          "warm-up: 2.000 s and 0.000 s");
    CHECK(only_reason([](StoredResults& b) { b.violations.add(Violation::lost, 3); }) ==
          "b.json is invalid: 3 violations");
    CHECK(only_reason([](StoredResults& b) {
              b.results.generator = {true, "late"};
          }) == "b.json is invalid: late");
    CHECK(only_reason([](StoredResults& b) { b.results.interrupted = true; }) ==
          "b.json was interrupted");
    CHECK(reasons_after([](StoredResults& b) {
              b.options.workload = WorkloadKind::idle;
              b.options.offered = {};
          }).size() > 3);
}

TEST_CASE("the comparison has both figures and the second by the first, within 80 columns") {
    const auto a = test::canned_results();
    const auto b = test::canned_results();
    a->file = "/a/path/that/goes/on/for/longer/than/anybody/would/want/to/read/it/a.json";
    b->file = a->file;
    b->options.server_label = "a label of more than sixteen letters";
    b->results.server_cpu_seconds = 2.625;
    for (int i = 0; i < 8000; ++i)
        b->recorder.record_always(Latency::own_copy, 60'000'000'000);
    const std::string table = comparison_table(*a, *b);
    CHECK_THAT(table, Catch::Contains("...") && Catch::Contains("/read/it/a.json, uring"));
    // 5.25 s for 99,800 deliveries.
    CHECK_THAT(table, Catch::Contains("server CPU, ns a delivery                  52,605           "
                                      "26,303     0.500"));
    CHECK_THAT(table, Catch::Contains("own_copy                p50"));
    CHECK_THAT(table, Catch::Contains("p99.9                   -       60,"));  // too few in a
    CHECK_THAT(table, Catch::Contains("bench/compare"));
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("the comparison repeats what each result warns of") {
    const auto a = test::canned_results();
    const auto b = test::canned_results();
    b->results.steal_share = 0.5;
    CHECK_THAT(comparison_table(*a, *b),
               Catch::Contains("\nWARNING, B: the hypervisor took 50.0 %") &&
                   !Catch::Contains("WARNING, A: the hypervisor"));
}

TEST_CASE("idle runs are compared by the server's memory, a missing figure is a dash") {
    const auto a = test::canned_results();
    const auto b = test::canned_results();
    for (StoredResults* const one : {a.get(), b.get()}) {
        one->options.workload = WorkloadKind::idle;
        one->options.offered = {};
        one->results.resident_bytes_before = 1'000'000;
        one->results.resident_bytes_idle = 1'040'000;
    }
    CHECK_THAT(comparison_table(*a, *b),
               Catch::Contains("1,000            1,000     1.000") && !Catch::Contains("CPU"));
    b->results.resident_bytes_before.reset();
    CHECK_THAT(comparison_table(*a, *b), Catch::Contains("1,000                -         -"));
}

TEST_CASE("what is not comparable is refused, and compared below the reasons with --force") {
    const test::TempFolder folder;
    const auto results = test::canned_results();
    test::write_file(folder / "a.json", json_report(results->results));
    results->options.outstanding = 8;
    test::write_file(folder / "b.json", json_report(results->results));
    const Comparison refused = compare_files(folder / "a.json", folder / "b.json", false);
    CHECK(refused.exit_code == 2);
    CHECK(refused.output.empty());
    CHECK(refused.error ==
          "loadgen: not comparable (--force compares them anyway):\n  outstanding: 1024 and 8\n");
    const Comparison forced = compare_files(folder / "a.json", folder / "b.json", true);
    CHECK(forced.exit_code == 0);
    CHECK(forced.error.empty());
    CHECK_THAT(forced.output, Catch::StartsWith("NOT COMPARABLE, --force given:\n  outstanding: "
                                                "1024 and 8\n\nA: ") &&
                                  Catch::Contains("own copies back /s"));
    const Comparison same = compare_files(folder / "a.json", folder / "a.json", false);
    CHECK(same.exit_code == 0);
    CHECK_THAT(same.output, Catch::StartsWith("A: ") && Catch::Contains("1.000"));
}
