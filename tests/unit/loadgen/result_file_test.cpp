#include "loadgen/result_file.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/result.hpp"
#include "loadgen/scenario_file.hpp"
#include "support/temp_folder.hpp"
#include "unit/loadgen/canned_results.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

// What the reader says of a file in which `what` was replaced; empty where it reads it.
std::string complaint(const std::string& what, const std::string& by) {
    const auto results = test::canned_results();
    try {
        static_cast<void>(
            parse_results("a.json", replaced(json_report(results->results), what, by)));
    } catch (const StartError& problem) {
        return problem.what();
    }
    return {};
}

}  // namespace

TEST_CASE("results that were read report what they did before, to the byte") {
    const auto results = test::canned_results();
    SECTION("of an open loop") {}
    SECTION("of some shards") {
        results->options.shards = {5, {1, 4}};
    }
    SECTION("with an objective") {
        results->options.slo = parse_slo("send_lag:p99.9<=2.5ms");
    }
    SECTION("with bytes in texts that are no ASCII") {
        results->options.server_label = "\xc3\xa9\xff\"";
    }
    SECTION("of a failed run without a window, a server, a machine") {
        results->results.failure = "lost a connection";
        results->results.window_started_ns.reset();
        results->results.measured_seconds = 0;
        results->results.server_cpu_seconds.reset();
        results->results.origin.machine.reset();
    }
    SECTION("with messages that nobody received") {
        results->recorder.messages_unanswered = 7;
        CHECK_THAT(json_report(results->results), Catch::Contains("\"messages_unanswered\": 7"));
    }
    SECTION("with violations, interrupted") {
        results->violations.add(Violation::lost, 3);
        results->results.interrupted = true;
    }
    SECTION("of a load generator that was too slow") {
        results->results.loadgen_cpu_seconds = 9.99;
        CHECK_FALSE(results->results.valid());
    }
    SECTION("of an idle run") {
        results->options.workload = WorkloadKind::idle;
        results->options.offered = {};
        results->options.protocol = Protocol::nats;
        results->results.resident_bytes_before = 1000;
        results->results.resident_bytes_idle = 500;
    }
    SECTION("of a scenario") {
        results->options.workload = WorkloadKind::scenario;
        results->options.scenario =
            parse_scenario(
                R"({"name": "n", "description": "d", "rooms": [{"name": "r", "history": 5}], "users": [
{"name": "a", "does": "member", "rooms": "r", "send": {"rate": 50, "payload": 99}},
{"name": "b", "does": "visitor", "rooms": "r", "stay": "1500ms"}]})",
                "f")
                .value();
        results->options.offered = {};
        results->options.offered.per_second = 50;
    }
    SECTION("of the thesis") {
        results->options.workload = WorkloadKind::thesis;
        results->options.offered = {};
    }
    const std::string json = json_report(results->results);
    const auto read = parse_results("a.json", json);
    CHECK(json_report(read->results) == json);
    CHECK(read->results.exit_code() == results->results.exit_code());
}

TEST_CASE("a file that is not as documented is refused in one line that names the place") {
    CHECK_THAT(complaint("{\"schema", "[\"schema"), Catch::StartsWith("a.json: this is no JSON"));
    CHECK_THAT(complaint("\"loadgen\"", "\"floor\""), Catch::Contains("results of floor, not of"));
    CHECK_THAT(complaint("\"schema_version\": 2", "\"schema_version\": 1"),
               Catch::Contains("schema_version is 1, and this loadgen reads 2 only"));
    CHECK_THAT(complaint("\"deliveries\": 99800, ", ""),
               Catch::Equals("a.json: /counts/deliveries is not there"));
    CHECK_THAT(complaint("\"deliveries\": 99800", "\"deliveries\": -1"),
               Catch::StartsWith("a.json: /counts/deliveries: a whole number up to "));
    CHECK_THAT(complaint("\"fanout\"", "\"chat\""),
               Catch::Equals("a.json: /workload: thesis or fanout or idle or run is wanted"));
    CHECK_THAT(complaint("\"own_copy\"", "\"third_copy\""), Catch::Contains("not third_copy"));
    CHECK_THAT(complaint("[11169, ", "[\"11169\", "),
               Catch::Equals("a.json: /latencies/own_copy/buckets/0/0: a whole number is wanted"));
    CHECK_THAT(complaint("\"shards\": null", "\"shards\": {\"of\": 2, \"parts\": [2, 1]}"),
               Catch::Contains("/parameters/shards/parts/1: a number above 0 and above the one"));
    CHECK_THAT(complaint("\"valid\": true", "\"valid\": false"), Catch::Contains("/valid"));
    CHECK_THAT(complaint("\"min_ns\": 1000000", "\"min_ns\": 9000000"),
               Catch::Contains("/latencies/own_copy: a histogram whose"));
    CHECK_THAT(complaint("\"count\": 2000", "\"count\": 2001"),
               Catch::Contains("/latencies/own_copy: a histogram whose"));
    CHECK_THAT(complaint("\"messages_per_second\": 1000", "\"messages_per_second\": 0"),
               Catch::Contains("/parameters/open_loop/messages_per_second: at least 1"));
}

// A file that somebody sends must not move the cursor of whoever compares it, or set colours.
TEST_CASE("control characters in a result file are refused") {
    const std::string bad = R"("a\n\u001b[31m")";
    CHECK_THAT(complaint("\"fanout\"", bad),
               Catch::Equals("a.json: /workload: a text without control characters is wanted"));
    CHECK_THAT(complaint("\"interrupted\": false", "\"interrupted\": false, \"failure\": " + bad),
               Catch::Contains("/failure: "));
    CHECK_THAT(complaint("\"server_label\": \"", R"("server_label": "\u0007)"),
               Catch::Contains("/server_label: "));
}

TEST_CASE("what is no file that can be read is told by its name") {
    const test::TempFolder folder;
    CHECK_THROWS_WITH(read_results(folder.path()), Catch::Contains("is a folder"));
    CHECK_THROWS_WITH(read_results(folder / "none.json"),
                      Catch::Contains("none.json (open: No such file"));
    test::write_file(folder / "a.json", json_report(test::canned_results()->results));
    CHECK(read_results(folder / "a.json")->results.connections == 40);
}
