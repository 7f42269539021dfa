// Scenarios against a small server that is right in everything: what each part of a description
// makes the users do.

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "load/fake_chat_server.hpp"
#include "loadgen/run.hpp"
#include "loadgen/scenario_file.hpp"
#include "unit/uring_async/io/io_fixture.hpp"

using namespace ringside;
using namespace ringside::loadgen;
using ringside::test::FakeChatServer;
using ringside::test::Fault;

namespace {

struct ScenarioOutcome {
    Counts counts;
    Counts window;
    std::uint64_t violations = 0;
    std::string failure;
    std::uint64_t connections = 0;
    std::uint64_t last_members = 0;  // measured, as the next two
    std::uint64_t replays = 0;
    std::uint64_t own_copies = 0;
    std::uint64_t wall_ns = 0;

    [[nodiscard]] std::uint64_t requests(Request request) const {
        return counts.requests[static_cast<std::size_t>(request)];
    }
};

// `parts`: rooms and users of a scenario that is short otherwise.
ScenarioOutcome run_scenario(const std::string& parts, const std::string& phases = {},
                             Fault fault = Fault::none) {
    const FakeChatServer server(fault);
    const auto scenario = parse_scenario(
        R"({"name": "n", "description": "d", "phases": {"warm_up": "0s", "measure": "400ms")" +
            phases + "}, " + parts + "}",
        "test");
    if (!scenario) FAIL(scenario.error().front());
    Options options;
    options.workload = WorkloadKind::scenario;
    options.scenario = *scenario;
    options.users = scenario->users();
    options.offered.per_second = static_cast<std::uint64_t>(scenario->offered_per_second());
    options.connect = server.address();
    options.quiet = true;
    auto interruption = Interruption::make();
    REQUIRE(interruption);
    const std::uint64_t begin_ns = monotonic_ns();
    Run run(options,
            uring::make_io(uring::io_kinds().front(),
                           {.connections_max = 2 * static_cast<std::uint32_t>(options.users)}),
            "test", *interruption);
    const Results results = run.execute();
    for (const std::string& detail : results.violations.details())
        UNSCOPED_INFO(detail);
    const Recorder& recorder = results.recorder;
    return {recorder.counts,
            recorder.window_counts(),
            results.violations.total(),
            results.failure,
            results.connections,
            recorder.latency(Latency::last_member).count(),
            recorder.latency(Latency::replay).count(),
            recorder.latency(Latency::own_copy).count(),
            monotonic_ns() - begin_ns};
}

void check_right(const ScenarioOutcome& outcome) {
    CHECK(outcome.failure.empty());
    CHECK(outcome.violations == 0);
    CHECK(outcome.window.messages_sent > 0);
    CHECK(outcome.counts.messages_answered == outcome.counts.messages_sent);
}

}  // namespace

TEST_CASE("a group is spread over rooms as far as it goes, and each message has all receivers") {
    const ScenarioOutcome outcome = run_scenario(R"("rooms": [{"name": "r", "count": 2}], "users": [
{"name": "a", "count": 3, "does": "member", "rooms": "r", "send": {"outstanding": 2}},
{"name": "b", "count": 1, "does": "member", "rooms": "r"}])");
    check_right(outcome);
    // Three members in the first room, one in the second: a message of either is complete.
    CHECK(outcome.last_members == outcome.own_copies);
    CHECK(outcome.last_members == outcome.window.messages_sent);
}

TEST_CASE("visitors come, read what is there, and go, while members talk") {
    const bool reconnects = GENERATE(false, true);
    CAPTURE(reconnects);
    const ScenarioOutcome outcome = run_scenario(
        R"("rooms": [{"name": "r", "history": 50}], "users": [
{"name": "a", "count": 2, "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "2ms"}},
{"name": "v", "count": 2, "does": "visitor", "rooms": "r", "stay": "5ms", "pause": "2ms",
 "send": {"outstanding": 1}, "reconnects": )" +
        std::string(reconnects ? "true" : "false") + "}]");
    check_right(outcome);
    CHECK(outcome.replays > 0);
    CHECK(outcome.window.replayed >= 50 * outcome.replays);
    // The members' two joins, and that of the one who made the history.
    CHECK(outcome.requests(Request::connect_chat) >= 3 + outcome.replays);
    // Without it each of the four signs in once.
    CHECK((outcome.connections > 4) == reconnects);
    CHECK(outcome.requests(Request::set_name) == outcome.connections);
    // Those who come and go are among nobody's receivers, and yet each message is complete.
    CHECK(outcome.last_members > 0);
    CHECK(outcome.last_members == outcome.window.messages_sent);
}

TEST_CASE("a message is complete when its members have it, whoever else does") {
    const ScenarioOutcome outcome = run_scenario(
        R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "2ms"}},
{"name": "b", "does": "member", "rooms": "r"},
{"name": "v", "count": 3, "does": "visitor", "rooms": "r", "stay": "1h"}])",
        {}, Fault::drop);
    // One message did not come to the second member, and so is never complete.
    CHECK(outcome.violations == 1);
    CHECK(outcome.own_copies == outcome.window.messages_sent);
    CHECK(outcome.last_members == outcome.own_copies - 1);
}

TEST_CASE("a lobby's users sign in again and again, no faster than they may") {
    const ScenarioOutcome outcome = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "2ms"}},
{"name": "l", "count": 10, "does": "lobby", "connects_per_second": 100}])");
    check_right(outcome);
    CHECK(outcome.connections > 1 + 10);
    CHECK(outcome.connections <= 1 + 1 + outcome.wall_ns / 10'000'000);
}

TEST_CASE("a slow reader gets little while the load lasts, and everything at its end") {
    const ScenarioOutcome outcome = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "does": "member", "rooms": "r", "send": {"outstanding": 16, "payload": 1000}},
{"name": "s", "count": 2, "does": "member", "rooms": "r", "read_bytes_per_second": 1000}])");
    check_right(outcome);
    CHECK(outcome.counts.deliveries == 3 * outcome.counts.messages_sent);
    // One of three receivers reads on.
    CHECK(outcome.window.deliveries < 2 * outcome.window.messages_sent);
    CHECK(outcome.last_members == outcome.window.messages_sent);
}

TEST_CASE("messages are as long as the group's payload says, and as rare as its think time") {
    const std::string loop = GENERATE(R"("outstanding": 1)", R"("rate": 500)");
    CAPTURE(loop);
    const ScenarioOutcome sized = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "does": "member", "rooms": "r",
 "send": {"payload": {"uniform": {"min": 1000, "max": 1200}}, )" +
                                               loop + "}}]");
    check_right(sized);
    const double bytes = static_cast<double>(sized.window.bytes_received) /
                         static_cast<double>(sized.window.deliveries);
    CHECK(bytes > 1000);
    CHECK(bytes < 1250);
    const ScenarioOutcome rare = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "count": 20, "does": "member", "rooms": "r",
 "send": {"outstanding": 1, "think": "2s"}}])");
    CHECK(rare.violations == 0);
    // Ten a second on average; without a pause they would be thousands.
    CHECK(rare.counts.messages_sent <= 5 + 3 * rare.wall_ns / 100'000'000);
}

TEST_CASE("a group with a rate sends what is due, the others as they like") {
    const ScenarioOutcome outcome = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "count": 2, "does": "member", "rooms": "r", "send": {"rate": 200}},
{"name": "b", "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "1ms"}}])");
    check_right(outcome);
    // 200 a second from the beginning of the load to its end.
    CHECK(outcome.counts.messages_scheduled >= 80);
    CHECK(outcome.counts.messages_scheduled <= 2 + outcome.wall_ns / 5'000'000);
    CHECK(outcome.counts.messages_sent > outcome.counts.messages_scheduled);
}

TEST_CASE("users arrive over the ramp, and the load goes on behind the window") {
    const ScenarioOutcome outcome = run_scenario(R"("rooms": [{"name": "r"}], "users": [
{"name": "a", "count": 5, "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "1ms"}}])",
                                                 R"(, "ramp": "300ms", "cool_down": "200ms")");
    check_right(outcome);
    // Four fifths of the ramp until the last arrives; then window and cool-down.
    CHECK(outcome.wall_ns > 240'000'000 + 600'000'000);
    CHECK(outcome.own_copies == outcome.window.messages_sent);
    CHECK(outcome.counts.messages_sent > outcome.window.messages_sent + 20);
}

TEST_CASE("users who misbehave open connections of their own, and the others lose nothing") {
    const std::string does = GENERATE("half_frame", "long_length", "flood", "cut_replay");
    CAPTURE(does);
    const std::string rooms = does == "cut_replay" ? R"(, "rooms": "r")" : "";
    const ScenarioOutcome outcome =
        run_scenario(R"("rooms": [{"name": "r", "history": 100}], "users": [
{"name": "a", "does": "member", "rooms": "r", "send": {"outstanding": 1, "think": "1ms"}},
{"name": "h", "count": 2, "stay": "20ms", "pause": "5ms", "does": ")" +
                     does + "\"" + rooms + "}]");
    check_right(outcome);
    CHECK(outcome.window.hostile_sessions > 2);
    CHECK(outcome.connections == 1);
    CHECK(outcome.last_members == outcome.window.messages_sent);
}
