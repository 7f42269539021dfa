#include "loadgen/report.hpp"

#include <simdjson.h>

#include <catch2/catch.hpp>
#include <sstream>

using namespace ringside::loadgen;

namespace {

struct Fixture {
    Options options;
    Recorder recorder;
    Violations violations;

    Fixture() {
        options.workload = WorkloadKind::fanout;
        options.users = 100;
        options.outstanding = 16;
        options.payload_bytes = 64;
        options.server_pid = 42;
        recorder.counts.requests = {100, 1, 100, 5000, 0};
        recorder.open(1);
        recorder.counts.messages_sent = 4000;
        recorder.counts.messages_answered = 3990;
        recorder.counts.deliveries = 399'000;
        for (std::uint64_t i = 1; i <= 999; ++i)
            recorder.record(Latency::own_copy, 1, 1 + i * 1000);
        recorder.close(2'000'000'001);
    }
    Results results() const {
        Results out{options, recorder, violations, "uring", "2026-11-21T02:03:04Z", {}};
        out.connections = 100;
        out.warm_up_seconds = 0.5;
        out.measured_seconds = 2.0;
        out.loadgen_cpu_seconds = 1.5;
        out.involuntary_switches = 12;
        out.steal_share = 0.005;
        out.server_cpu_seconds = 0.5;
        return out;
    }
};

simdjson::dom::element parse(simdjson::dom::parser& parser, const std::string& text) {
    simdjson::dom::element root;
    REQUIRE(parser.parse(text).get(root) == simdjson::SUCCESS);
    return root;
}

double number(const simdjson::dom::element& root, const char* pointer) {
    CAPTURE(pointer);
    double value = 0;
    REQUIRE(root.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return value;
}

std::string text(const simdjson::dom::element& root, const char* pointer) {
    CAPTURE(pointer);
    std::string_view value;
    REQUIRE(root.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return std::string(value);
}

bool is_null(const simdjson::dom::element& root, const char* pointer) {
    return root.at_pointer(pointer).is_null();
}

}  // namespace

TEST_CASE("the JSON report holds what was counted") {
    const Fixture fixture;
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(number(root, "/schema_version") == 1);
    CHECK(text(root, "/program") == "loadgen");
    CHECK(text(root, "/workload") == "fanout");
    CHECK(number(root, "/parameters/members") == 100);
    CHECK(number(root, "/counts/messages_sent") == 4000);
    CHECK(number(root, "/counts/deliveries") == 399'000);
    CHECK(number(root, "/counts/requests/send_message") == 5000);
    CHECK(number(root, "/rates/offered_messages_per_second") == 2000);
    CHECK(number(root, "/rates/achieved_messages_per_second") == 1995);
    CHECK(number(root, "/rates/deliveries_per_second") == 199'500);
    CHECK(number(root, "/server/deliveries_per_cpu_second") == 798'000);
    CHECK(number(root, "/loadgen/deliveries_per_cpu_second") == 266'000);
    CHECK(number(root, "/loadgen/cpu_percent") == 75);
    CHECK(number(root, "/loadgen/involuntary_context_switches") == 12);
    CHECK(number(root, "/machine/steal_percent") == 0.5);
    CHECK(bool(root.at_pointer("/valid")) == true);
    CHECK(bool(root.at_pointer("/interrupted")) == false);
    for (const char* kind :
         {"lost", "repeated", "reordered", "corrupt", "misdirected", "disagreed", "protocol"}) {
        CHECK(number(root, (std::string("/violations/") + kind).c_str()) == 0);
    }
}

TEST_CASE("percentiles without enough samples are null, latencies without any are absent") {
    const Fixture fixture;
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(number(root, "/latencies/own_copy/count") == 999);
    CHECK(number(root, "/latencies/own_copy/p50_ns") == Approx(500'000).epsilon(0.001));
    CHECK(number(root, "/latencies/own_copy/p90_ns") == Approx(900'000).epsilon(0.001));
    CHECK(is_null(root, "/latencies/own_copy/p99_ns"));
    CHECK(is_null(root, "/latencies/own_copy/p999_ns"));
    CHECK(number(root, "/latencies/own_copy/max_ns") == 999'000);
    CHECK(root.at_pointer("/latencies/set_name").error() != simdjson::SUCCESS);
}

TEST_CASE(
    "the JSON report is JSON whatever the label's bytes are, and without a server's process") {
    Fixture fixture;
    fixture.options.server_label = "a\"b\\c\n\x01\xff";
    Results results = fixture.results();
    results.server_cpu_seconds.reset();
    results.measured_seconds = 0;
    results.failure = "lost \"it\"";
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(results));
    CHECK(text(root, "/server_label") == "a\"b\\c\n\x01\xc3\xbf");
    CHECK(is_null(root, "/server"));
    CHECK(text(root, "/failure") == "lost \"it\"");
    CHECK(bool(root.at_pointer("/valid")) == false);
}

TEST_CASE("a run's exit code says what became of it") {
    Fixture fixture;
    Results results = fixture.results();
    CHECK(results.exit_code() == 0);
    results.interrupted = true;
    CHECK(results.exit_code() == 130);
    results.failure = "lost a connection";
    CHECK(results.exit_code() == 1);
    fixture.violations.add(Violation::lost);
    CHECK(results.exit_code() == 4);
    CHECK_FALSE(results.valid());
}

TEST_CASE("the table tells what the load generator used of its CPU, and the hypervisor of all") {
    const Fixture fixture;
    Results results = fixture.results();
    CHECK_THAT(table_report(results), Catch::Contains("75.0 %              12 involuntary") &&
                                          Catch::Contains("0.5 %  of all CPUs' time"));
    results.steal_share.reset();  // the kernel does not tell
    CHECK_THAT(table_report(results), !Catch::Contains("of all CPUs' time"));
    simdjson::dom::parser parser;
    CHECK(is_null(parse(parser, json_report(results)), "/machine/steal_percent"));
}

TEST_CASE("stolen time and a busy load generator are warned of, and leave a closed loop valid") {
    const Fixture fixture;
    Results results = fixture.results();
    simdjson::dom::parser parser;
    CHECK(parse(parser, json_report(results)).at_pointer("/warnings").get_array().size() == 0);
    CHECK_THAT(table_report(results), !Catch::Contains("WARNING"));
    results.loadgen_cpu_seconds = 1.95;
    results.steal_share = 0.032;
    const auto root = parse(parser, json_report(results));
    CHECK_THAT(text(root, "/warnings/0"), Catch::Contains("busy all the time"));
    CHECK_THAT(text(root, "/warnings/1"), Catch::Contains("took 3.2 % of the CPUs' time"));
    CHECK_THAT(table_report(results), Catch::Contains("WARNING: the load generator was busy") &&
                                          Catch::Contains("WARNING: the hypervisor took 3.2 %"));
    CHECK(results.valid());
    CHECK(results.exit_code() == 0);
}

TEST_CASE("the table keeps within 80 columns, also with large figures and violations") {
    Fixture fixture;
    fixture.recorder.counts = {};
    const bool limited = GENERATE(false, true);
    if (limited) {
        fixture.options.offered.per_second = 2000;
    } else {
        fixture.violations.add(Violation::disagreed, 123'456'789);
        fixture.violations.tell(Violation::disagreed, "at place 1 of a room");
    }
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        for (int n = 0; n < 20'000; ++n) {
            fixture.recorder.record_always(static_cast<Latency>(i), 60'000'000'000);
        }
    }
    Results results = fixture.results();
    results.loadgen_cpu_seconds = limited ? 1.5 : 2.0;
    results.involuntary_switches = 1'000'000'000;
    results.steal_share = 0.5;
    std::istringstream table(table_report(results));
    for (std::string line; std::getline(table, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("the table gives a verdict") {
    Fixture fixture;
    CHECK_THAT(table_report(fixture.results()), Catch::Contains("VALID: all 399,000 messages"));
    fixture.violations.add(Violation::repeated, 3);
    CHECK_THAT(table_report(fixture.results()), Catch::Contains("INVALID: 3 repeated"));
}

TEST_CASE("an objective is of the last member in fanout, of the own copy in thesis") {
    Fixture fixture;
    fixture.options.slo = Slo{{}, 50, 1'000'000};
    CHECK_FALSE(fixture.results().slo()->met.has_value());  // of the last member there is none
    CHECK(fixture.results().exit_code() == 3);
    fixture.options.workload = WorkloadKind::thesis;
    CHECK(fixture.results().slo()->met == true);
    CHECK(fixture.results().exit_code() == 0);
    CHECK_THAT(table_report(fixture.results()), Catch::Contains("SLO met: own_copy p50 is 0.5"));
}

TEST_CASE("an open-loop run in which the load generator was late or busy is invalid and says why") {
    Fixture fixture;
    fixture.options.offered.per_second = 2000;
    fixture.recorder.messages_due = 4000;
    for (int i = 0; i < 1000; ++i)
        fixture.recorder.record_always(Latency::last_member, 500'000);
    for (int i = 0; i < 989; ++i)
        fixture.recorder.record_always(Latency::send_lag, 1000);
    for (int i = 0; i < 11; ++i)
        fixture.recorder.record_always(Latency::send_lag, 900'000);
    CHECK(fixture.results().valid());
    CHECK(fixture.results().exit_code() == 0);
    Results busy = fixture.results();
    busy.loadgen_cpu_seconds = 1.95;
    CHECK(busy.exit_code() == 4);
    CHECK_THAT(table_report(busy), Catch::Contains("INVALID: the load generator used 98 % of a"));
    for (int i = 0; i < 11; ++i)
        fixture.recorder.record_always(Latency::send_lag, 3'000'000);
    CHECK(fixture.results().exit_code() == 4);
    CHECK_THAT(table_report(fixture.results()), Catch::Contains("late itself, by 3.0 ms at p99"));
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(bool(root.at_pointer("/valid")) == false);
    CHECK_THAT(text(root, "/generator_limit"), Catch::Contains("3.0 ms"));
    CHECK(number(root, "/rates/offered_messages_per_second") == 2000);
    CHECK(number(root, "/parameters/open_loop/messages_per_second") == 2000);
    CHECK(text(root, "/parameters/open_loop/arrivals") == "constant");
    CHECK_THAT(text(root, "/generator_limit"), Catch::Contains("send_lag"));
    // A closed loop asks for no time, so nobody is late.
    fixture.options.offered.per_second = 0;
    CHECK(fixture.results().valid());
}

TEST_CASE("an idle run reports the server's memory, and no rates") {
    Fixture fixture;
    fixture.options.workload = WorkloadKind::idle;
    fixture.options.protocol = Protocol::redis;
    Results results = fixture.results();
    results.resident_bytes_before = 1'048'576;
    results.resident_bytes_idle = 1'305'600;  // 2,570 bytes for each of 100
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(results));
    CHECK(text(root, "/protocol") == "redis");
    CHECK(number(root, "/server/resident_bytes_before") == 1'048'576);
    CHECK(number(root, "/server/resident_bytes_idle") == 1'305'600);
    CHECK(number(root, "/server/resident_bytes_per_connection") == Approx(2570.24));
    CHECK_THAT(table_report(results), Catch::Contains("2.51 KiB a connection") &&
                                          !Catch::Contains("deliveries") &&
                                          Catch::Contains("VALID: all 100 connections stayed"));
    results.resident_bytes_idle = 1'000'000;  // less than before
    CHECK(number(parse(parser, json_report(results)), "/server/resident_bytes_per_connection") < 0);
}

TEST_CASE("without figures of the server's memory there are none in the report") {
    Fixture fixture;
    fixture.options.workload = WorkloadKind::idle;
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(root.at_pointer("/server/resident_bytes_idle").error() != simdjson::SUCCESS);
    CHECK_THAT(table_report(fixture.results()), !Catch::Contains("KiB"));
}
