#include "loadgen/rate_step.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {

// A run of two seconds at 1,000 messages a second that a server serves well.
struct StepFixture {
    Options options;
    Recorder recorder{{.open_loop = true}};
    Violations violations;
    bool interrupted = false;
    std::string failure;

    StepFixture() {
        options.workload = WorkloadKind::fanout;
        options.offered.per_second = 1000;
        options.slo = Slo{{}, 99, 5'000'000};
        recorder.open(1);
        recorder.messages_due = 2000;
        recorder.counts.messages_sent = 2000;
        recorder.counts.messages_scheduled = 2000;
        recorder.counts.messages_answered = 1990;
        for (int i = 0; i < 2000; ++i) {
            recorder.record_always(Latency::last_member, 1'000'000);
            recorder.record_always(Latency::send_lag, 1000);
        }
        recorder.close(2'000'000'001);
    }
    RateStep step() const {
        Results results{options, recorder, violations, "uring", "2026-11-21T02:03:04Z", failure};
        results.interrupted = interrupted;
        results.measured_seconds = 2;
        results.server_cpu_seconds = 1;
        return digest(results);
    }
    void make_slow() {
        for (int i = 0; i < 100; ++i)
            recorder.record_always(Latency::last_member, 9'000'000);
    }
    void make_generator_late() {
        for (int i = 0; i < 100; ++i)
            recorder.record_always(Latency::send_lag, 3'000'000);
    }
};

}  // namespace

TEST_CASE("a rate that is served passes, with its figures") {
    const RateStep step = StepFixture().step();
    CHECK(step.finding == Finding::passed);
    CHECK(step.word == "ok");
    CHECK(step.why.empty());
    CHECK(step.exit_code == 0);
    CHECK(step.rate == 1000);
    CHECK(step.offered == 1000);
    CHECK(step.achieved == 995);
    CHECK(step.p50_ns == 1'000'000U);
    CHECK(step.p99_ns == 1'000'000U);
    CHECK(step.max_ns == 1'000'000U);
    CHECK_FALSE(step.p999_ns);  // of 2,000 samples only two lie above it
    CHECK(step.server_cores == 0.5);
    CHECK(step.loaded);
    CHECK(step.json.front() == '{');
    CHECK(step.json.back() == '}');
}

TEST_CASE("a rate above the objective fails") {
    StepFixture fixture;
    fixture.make_slow();
    const RateStep step = fixture.step();
    CHECK(step.finding == Finding::failed);
    CHECK(step.word == "SLO missed");
    CHECK_THAT(step.why, Catch::Contains("last_member p99 is 9 ms") && Catch::Contains("5 ms"));
    CHECK(step.exit_code == 3);
    fixture.options.slo.reset();
    CHECK(fixture.step().finding == Finding::passed);
}

TEST_CASE("a rate whose objective cannot be judged does not pass") {
    StepFixture fixture;
    fixture.options.slo->percentile = 99.9;
    CHECK(fixture.step().finding == Finding::failed);
    CHECK(fixture.step().word == "SLO unknown");
}

TEST_CASE("a rate that the server falls behind fails, whatever the latencies say") {
    StepFixture fixture;
    fixture.recorder.messages_due = 2011;  // 1,990 of them are 98.96 %
    const RateStep step = fixture.step();
    CHECK(step.finding == Finding::failed);
    CHECK(step.word == "behind");
    CHECK_THAT(step.why, Catch::Contains("achieved 99.0 % of what"));
    fixture.recorder.messages_due = 2010;
    CHECK(fixture.step().finding == Finding::passed);
}

TEST_CASE(
    "a lateness of the load generator is no verdict on the server, unless messages are lost") {
    StepFixture fixture;
    fixture.make_slow();
    fixture.make_generator_late();
    CHECK(fixture.step().finding == Finding::generator_limited);
    CHECK(fixture.step().word == "loadgen");
    CHECK(fixture.step().exit_code == 4);
    fixture.violations.add(Violation::lost, 2);
    fixture.violations.add(Violation::repeated);
    CHECK(fixture.step().finding == Finding::failed);
    CHECK(fixture.step().word == "INVALID");
    CHECK(fixture.step().why == "2 lost, 1 repeated");
}

TEST_CASE("a run in which no message was due is a run all the same") {
    StepFixture fixture;
    fixture.recorder = Recorder({.open_loop = true});
    fixture.recorder.open(1);
    fixture.recorder.close(2'000'000'001);
    fixture.options.slo.reset();
    const RateStep step = fixture.step();
    CHECK(step.loaded);
    CHECK(step.finding == Finding::passed);
    CHECK(step.offered == 0);
    CHECK_FALSE(step.max_ns);
}

TEST_CASE("a rate whose run could not be made says why, and has no report") {
    const RateStep step = not_started(500, "no descriptor is left");
    CHECK(step.rate == 500);
    CHECK_FALSE(step.loaded);
    CHECK(step.finding == Finding::failed);
    CHECK(step.word.size() <= 12);
    CHECK(step.why == "no descriptor is left");
    CHECK(step.exit_code == 1);
    CHECK(step.json == "null");
}

TEST_CASE("a run that broke off or was interrupted passes nothing") {
    StepFixture fixture;
    fixture.failure = "lost the connection";
    CHECK(fixture.step().finding == Finding::failed);
    CHECK(fixture.step().why == "lost the connection");
    fixture.failure.clear();
    fixture.interrupted = true;
    CHECK(fixture.step().finding == Finding::failed);
    CHECK(fixture.step().interrupted);
}
