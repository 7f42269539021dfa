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
        out.origin = {"0.1.0", "abc1234", "gcc 12.2.0", "release", Machine{"6.1.0", "A CPU", 2}};
        return out;
    }
};

Scenario small_scenario() {
    Scenario scenario;
    scenario.name = "talk";
    scenario.rooms.push_back({"hall", 3, 50});
    UserGroup group;
    group.name = "talkers";
    group.count = 7;
    group.sending.outstanding = 2;
    group.sending.payload = {PayloadBytes::Spread::uniform, 40, 90, 0};
    scenario.groups.push_back(group);
    return scenario;
}

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
    CHECK(number(root, "/schema_version") == 2);
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
    CHECK(number(root, "/steal_percent") == 0.5);
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

TEST_CASE("a latency's sum, overflow and buckets are exact in the JSON report") {
    Fixture fixture;
    fixture.recorder.record_always(Latency::set_name, 7);
    fixture.recorder.record_always(Latency::set_name, 7);
    fixture.recorder.record_always(Latency::set_name, 5'000'000);
    fixture.recorder.record_always(Latency::set_name, 70'000'000'000);
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(number(root, "/latencies/set_name/sum_ns") == 70'005'000'014);
    CHECK(number(root, "/latencies/set_name/overflow") == 1);
    CHECK(number(root, "/latencies/set_name/buckets/0/0") == 7);
    CHECK(number(root, "/latencies/set_name/buckets/0/1") == 2);
    // 5,000,000 is 1,220 times 2^12, so the 1,220 - 1,024th bucket of the octave 22, the twelfth
    // above the 2,048 exact values.
    CHECK(number(root, "/latencies/set_name/buckets/1/0") == 2048 + 11 * 1024 + 196);
    CHECK(number(root, "/latencies/set_name/buckets/1/1") == 1);
    CHECK(root.at_pointer("/latencies/set_name/buckets/2").error() != simdjson::SUCCESS);
}

TEST_CASE("the JSON report names the machine and the build, and when the window opened") {
    const Fixture fixture;
    Results results = fixture.results();
    simdjson::dom::parser parser;
    auto root = parse(parser, json_report(results));
    CHECK(text(root, "/commit") == "abc1234");
    CHECK(text(root, "/build_type") == "release");
    CHECK(text(root, "/machine/cpu") == "A CPU");
    CHECK(number(root, "/machine/cores") == 2);
    CHECK(is_null(root, "/window_started_unix_seconds"));
    results.origin.machine.reset();
    results.window_started_ns = 1'800'000'000'250'000'000;
    root = parse(parser, json_report(results));
    CHECK(is_null(root, "/machine"));
    CHECK(number(root, "/window_started_unix_seconds") == 1'800'000'000.25);
}

TEST_CASE("the CSV report has a line for each latency, below one that names the columns") {
    Fixture fixture;
    fixture.recorder.record_always(Latency::set_name, 7000);
    fixture.options.server_label = "a \"b\", c";
    const std::string csv = csv_report(fixture.results());
    CHECK(
        csv ==
        "server_label,workload,protocol,started,valid,latency,count,min_ns,mean_ns,p50_ns,p90_ns,"
        "p99_ns,p999_ns,max_ns,overflow,sum_ns\r\n"
        "\"a \"\"b\"\", c\",fanout,chat,2026-11-21T02:03:04Z,true,set_name,1,7000,7000,,,,,7000,0,"
        "7000\r\n"
        "\"a \"\"b\"\", c\",fanout,chat,2026-11-21T02:03:04Z,true,own_copy,999,1000,500000,500223,"
        "900095,,,999000,0,499500000\r\n");
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
    CHECK(is_null(parse(parser, json_report(results)), "/steal_percent"));
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
    CHECK_THAT(table_report(results),
               Catch::Contains(" 60.00 s"));  // microseconds take nine columns
    std::istringstream table(table_report(results));
    for (std::string line; std::getline(table, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE(
    "a closed loop whose load generator was late is valid and warned of, a stopped one is not") {
    Fixture fixture;
    for (int i = 0; i < 2000; ++i)
        fixture.recorder.record_always(Latency::hiccup, i < 300 ? 14'000'000 : 60'000);
    CHECK(fixture.results().valid());
    CHECK_THAT(table_report(fixture.results()),
               Catch::Contains("WARNING: the load generator was late itself, by 14.0 ms at p90"));
    for (int i = 0; i < 2500; ++i)
        fixture.recorder.record_always(Latency::hiccup, 500'000'000);
    CHECK(fixture.results().exit_code() == 4);
    CHECK_THAT(table_report(fixture.results()), Catch::Contains("INVALID: the load generator"));
}

TEST_CASE("a rate that was not achieved is warned of") {
    Fixture fixture;
    fixture.options.offered.per_second = 2000;
    Counts window;
    window.messages_sent = window.messages_scheduled = 4000;
    window.messages_answered = 3990;
    fixture.recorder = Recorder({.open_loop = true});
    fixture.recorder.add(window, window);
    fixture.recorder.messages_due = 4000;
    CHECK(fixture.results().warnings().empty());
    fixture.recorder.messages_due = 8000;
    REQUIRE(fixture.results().warnings().size() == 1);
    CHECK_THAT(fixture.results().warnings()[0], Catch::StartsWith("49.9 % of the rate was achi"));
}

TEST_CASE("a run that measured nothing says so") {
    Fixture fixture;
    Results results = fixture.results();
    results.measured_seconds = 0;
    results.interrupted = true;
    REQUIRE(results.warnings().size() == 1);
    CHECK_THAT(results.warnings()[0], Catch::Contains("nothing was measured"));
    Recorder empty;
    empty.open(1);
    empty.close(2'000'000'001);
    Results quiet{fixture.options, empty, fixture.violations, "uring", "", {}};
    quiet.measured_seconds = 2;
    REQUIRE(quiet.warnings().size() == 1);
    CHECK_THAT(quiet.warnings()[0], Catch::Contains("no message was sent"));
}

TEST_CASE("an objective missed by no more than the load generator's lateness is not the server's") {
    Fixture fixture;
    fixture.options.offered.per_second = 2000;
    fixture.recorder.messages_due = 4000;
    fixture.options.slo = Slo{{}, 99.9, 5'000'000};
    const auto record = [&fixture](Latency kind, std::uint64_t tail_ns) {
        for (int i = 0; i < 20'000; ++i)
            fixture.recorder.record_always(kind, i < 40 ? tail_ns : 500'000);
    };
    record(Latency::last_member, 20'000'000);
    record(Latency::hiccup, 7'000'000);
    CHECK(fixture.results().slo()->met == false);
    CHECK(fixture.results().exit_code() == 3);  // 20 ms is 6 ms more than twice 7 ms and 5 ms away
    for (int i = 0; i < 100; ++i)
        fixture.recorder.record_always(Latency::hiccup, 8'000'000);
    CHECK(fixture.results().exit_code() == 4);
    CHECK_THAT(fixture.results().generator_limit(),
               Catch::Contains("by 8.0 ms at p99.9 (hiccup)") && Catch::Contains("--slo is not"));
    fixture.options.slo->limit_ns = 30'000'000;
    CHECK(fixture.results().exit_code() == 0);  // met all the same
}

TEST_CASE("the table gives a verdict") {
    Fixture fixture;
    Results broken = fixture.results();
    broken.failure = "lost the connection of user 1";
    CHECK_THAT(table_report(broken), Catch::Contains("INVALID: lost the connection of user 1"));
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
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(text(root, "/slo/latency") == "own_copy");
    CHECK(number(root, "/slo/percentile") == 50);
    CHECK(number(root, "/slo/limit_ns") == 1'000'000);
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
    // In 2 s 4,000 that were due, and 4,000 that were sent without a schedule.
    CHECK(number(root, "/rates/offered_messages_per_second") == 4000);
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

TEST_CASE("of one shard it is not told what a connection or a delivery costs the server") {
    Fixture fixture;
    fixture.options.workload = GENERATE(WorkloadKind::idle, WorkloadKind::fanout);
    fixture.options.shards = {2, {1}};
    fixture.options.rooms = 2;
    Results results = fixture.results();
    results.resident_bytes_before = 1'048'576;
    results.resident_bytes_idle = 1'305'600;
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(results));
    CHECK(number(root, "/server/cpu_seconds") == 0.5);
    CHECK(is_null(root, "/server/deliveries_per_cpu_second"));
    CHECK(is_null(root, "/server/resident_bytes_per_connection"));
    CHECK_THAT(table_report(results), !Catch::Contains("KiB a connection"));
}

TEST_CASE("without figures of the server's memory there are none in the report") {
    Fixture fixture;
    fixture.options.workload = WorkloadKind::idle;
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(root.at_pointer("/server/resident_bytes_idle").error() != simdjson::SUCCESS);
    CHECK_THAT(table_report(fixture.results()), !Catch::Contains("KiB"));
}

TEST_CASE("a run of a scenario says what the scenario was") {
    Fixture fixture;
    fixture.options.workload = WorkloadKind::scenario;
    fixture.options.scenario = small_scenario();
    simdjson::dom::parser parser;
    const auto root = parse(parser, json_report(fixture.results()));
    CHECK(text(root, "/parameters/scenario/name") == "talk");
    CHECK(number(root, "/parameters/scenario/rooms/0/history") == 50);
    CHECK(text(root, "/parameters/scenario/users/0/does") == "member");
    CHECK(number(root, "/parameters/scenario/users/0/count") == 7);
    CHECK(number(root, "/parameters/scenario/users/0/send/payload/uniform/max") == 90);
    const std::string table = table_report(fixture.results());
    CHECK_THAT(table, Catch::Contains("talk against") &&
                          Catch::Contains("7 talkers: member, hall (rooms: 3), outstanding 2"));
}
