#include "loadgen/merge.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "common/result.hpp"
#include "loadgen/report.hpp"
#include "support/temp_folder.hpp"
#include "unit/loadgen/canned_results.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

using Parts = std::vector<std::unique_ptr<StoredResults>>;

// Both shards of a load, the second with half as many latencies.
Parts two_shards() {
    Parts parts;
    for (const std::uint32_t part : {1U, 2U}) {
        parts.push_back(test::canned_results(2000 / part));
        parts.back()->options.shards = {2, {part}};
        parts.back()->file = part == 1 ? "1.json" : "2.json";
    }
    return parts;
}

// Why two shards, the second changed, are not merged; empty where they are.
std::string refusal(const std::function<void(StoredResults&)>& change, bool partial = false) {
    const Parts parts = two_shards();
    change(*parts[1]);
    try {
        static_cast<void>(merge(parts, partial));
    } catch (const StartError& problem) {
        return problem.what();
    }
    return {};
}

}  // namespace

TEST_CASE("merged results are the sums of the parts, and rates are recomputed") {
    const Parts parts = two_shards();
    parts[1]->results.measured_seconds = 10.1;
    parts[1]->recorder.record_always(Latency::own_copy, 70'000'000'000);
    const auto sum = merge(parts, false);
    const Counts window = sum->recorder.window_counts();
    CHECK(window.messages_sent == 2 * 9990);
    CHECK(window.deliveries == 2 * 99'800);
    CHECK(sum->recorder.counts.requests[3] == 24'000);
    CHECK(sum->recorder.messages_due == 20'000);
    CHECK(sum->results.connections == 80);
    CHECK(sum->results.loadgen_cpu_seconds == 7.0);
    CHECK(sum->results.measured_seconds == 10.1);
    CHECK(sum->results.offered_per_second() == Approx((20'000 + 2 * 9990) / 10.1));
    CHECK(sum->results.server_cpu_seconds == 5.25);  // of one server, which both measured
    CHECK(sum->options.shards.complete());
    CHECK(sum->results.valid());
    Histogram both = parts[0]->recorder.latency(Latency::own_copy);
    both.merge(parts[1]->recorder.latency(Latency::own_copy));
    const Histogram& merged = sum->recorder.latency(Latency::own_copy);
    CHECK(merged.count() == 3001);
    CHECK(merged.overflow() == 1);
    CHECK(merged.sum_ns() == both.sum_ns());
    CHECK(merged.at_quantile(0.99) == both.at_quantile(0.99));
    CHECK(merged.max_ns() == 70'000'000'000);
    CHECK_THAT(table_report(sum->results), Catch::Contains("2 of 2 shards merged: 40 of 40 users"));
}

TEST_CASE("merged results can be merged further, and it does not matter in which order") {
    Parts parts;
    for (std::uint32_t part = 1; part <= 3; ++part) {
        parts.push_back(test::canned_results(1000 * part));
        parts.back()->options.shards = {3, {part}};
    }
    const std::string at_once = json_report(merge(parts, false)->results);
    Parts some;
    some.push_back(std::move(parts[2]));
    some.push_back(std::move(parts[0]));
    Parts rest;
    rest.push_back(parse_results("some", json_report(merge(some, true)->results)));
    CHECK(rest[0]->options.shards == Shards{3, {1, 3}});
    rest.push_back(std::move(parts[1]));
    CHECK(json_report(merge(rest, false)->results) == at_once);
}

TEST_CASE("merged results are valid only if every part is, and say which was not") {
    Parts parts = two_shards();
    parts[1]->violations.add(Violation::lost, 2);
    parts[1]->recorder.messages_unanswered = 2;
    CHECK(merge(parts, false)->recorder.messages_unanswered == 2);
    CHECK(merge(parts, false)->violations.count(Violation::lost) == 2);
    CHECK(merge(parts, false)->results.exit_code() == 4);
    parts = two_shards();
    parts[1]->results.generator = {true, "late by 3 ms"};
    CHECK(merge(parts, false)->results.generator_limit() == "shard 2 of 2: late by 3 ms");
    CHECK(merge(parts, false)->results.generator_busy());
    parts = two_shards();
    parts[0]->results.failure = "lost a connection";
    CHECK(merge(parts, false)->results.failure == "shard 1 of 2: lost a connection");
    parts = two_shards();
    parts[0]->results.interrupted = true;
    CHECK(merge(parts, false)->results.exit_code() == 130);
}

TEST_CASE("lateness is judged anew of what was merged, where one part had too few samples") {
    const Parts parts = two_shards();
    for (const auto& part : parts) {
        part->recorder = Recorder({.open_loop = true});
        part->recorder.add(Counts{}, Counts{});
        for (int i = 0; i < 600; ++i) {
            part->recorder.record_always(Latency::last_member, i < 18 ? 22'000'000 : 300'000);
            part->recorder.record_always(Latency::send_lag, i < 18 ? 20'000'000 : 1000);
        }
        CHECK(part->results.generator_limit().empty());
    }
    CHECK_THAT(merge(parts, false)->results.generator_limit(),
               Catch::Contains("late itself, by 20.0 ms at p99 (send_lag)"));
}

TEST_CASE("an objective is judged anew of what was merged") {
    const Parts parts = two_shards();
    for (const auto& part : parts)
        part->options.slo = parse_slo("own_copy:p99.9<=1500ms");
    parts[1]->recorder.add(Latency::own_copy, [] {
        Histogram quick;
        for (int i = 0; i < 2'000'000; ++i)
            quick.record(1000);
        return quick;
    }());
    CHECK(parts[0]->results.slo()->met == std::nullopt);  // too few samples
    CHECK(merge(parts, false)->results.slo()->met == true);
}

TEST_CASE("what does not belong together is not merged, and the reason names both files") {
    CHECK(refusal([](StoredResults&) {}).empty());
    CHECK_THAT(refusal([](StoredResults& part) {
                   part.options.outstanding = 8;
                   part.options.seed = 2;
               }),
               Catch::Equals("merge: 1.json and 2.json are not of one load: outstanding: 1024 and "
                             "8; seed: 1 and 2"));
    CHECK_THAT(refusal([](StoredResults& part) { part.options.workload = WorkloadKind::thesis; }),
               Catch::Contains("workload: fanout and thesis"));
    CHECK_THAT(refusal([](StoredResults& part) { part.options.protocol = Protocol::nats; }),
               Catch::Contains("protocol: chat and nats"));
    CHECK_THAT(refusal([](StoredResults& part) { part.results.origin.commit = "fff"; }),
               Catch::Contains("commit fff"));
    CHECK_THAT(refusal([](StoredResults& part) {
                   part.options.shards = {3, {2}};
               }),
               Catch::Contains("number of shards: 2 and 3"));
    CHECK_THAT(refusal([](StoredResults& part) {
                   part.options.shards = {2, {1}};
               }),
               Catch::Equals("merge: shard 1 of 2 is in 1.json and in 2.json"));
    CHECK_THAT(refusal([](StoredResults& part) { part.results.measured_seconds = 10.3; }),
               Catch::Contains("window of 1.json is 10.001 s long, that of 2.json 10.300 s"));
    CHECK_THAT(refusal([](StoredResults& part) { *part.results.window_started_ns += 300'000'000; }),
               Catch::Contains("opened 0.300 s apart"));
    CHECK_THAT(refusal([](StoredResults& part) { part.results.window_started_ns.reset(); }),
               Catch::Contains("2.json: nothing was measured"));
    CHECK_THAT(refusal([](StoredResults& part) { part.options.server_pid = 43; }),
               Catch::Contains("--server-pid to one shard only"));
}

TEST_CASE("whole loads are not merged with each other, nor shards while some are missing") {
    Parts whole;
    whole.push_back(test::canned_results());
    whole.push_back(test::canned_results());
    CHECK_THROWS_WITH(merge(whole, false), Catch::Contains("whole loads, not shards of one"));
    Parts parts = two_shards();
    parts.pop_back();
    CHECK_THROWS_WITH(merge(parts, false), Catch::Contains("shard 2 of 2 is missing (--partial"));
    CHECK(merge(parts, true)->options.shards == Shards{2, {1}});
}

TEST_CASE("results of two machines can be merged, but are then of none") {
    const Parts parts = two_shards();
    parts[1]->results.origin.machine->cores = 64;
    parts[1]->options.connect = "10.0.0.1:5000";
    CHECK_FALSE(merge(parts, false)->results.origin.machine.has_value());
    CHECK(merge(parts, false)->options.connect == "several addresses");
}
