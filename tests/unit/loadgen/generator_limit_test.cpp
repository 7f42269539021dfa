#include "loadgen/generator_limit.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {

constexpr std::uint64_t us = 1000;
constexpr std::uint64_t ms = 1000 * us;

// Latencies of which 98 % are `most_ns` and the rest `slow_ns`: that is what the p99 is then.
void record(Recorder& recorder, Latency kind, std::uint64_t most_ns, std::uint64_t slow_ns) {
    for (int i = 0; i < 10'000; ++i)
        recorder.record_always(kind, i % 50 == 0 ? slow_ns : most_ns);
}

}  // namespace

TEST_CASE("a load generator that is late by a tenth of what it reports is the limit, else not") {
    const Latency kind = GENERATE(Latency::send_lag, Latency::hiccup);
    CAPTURE(latency_name(kind));
    Recorder recorder({.open_loop = true});
    record(recorder, kind, 60 * us, 5 * ms);
    record(recorder, Latency::last_member, 300 * us, 100 * ms);
    CHECK(judge_generator(recorder, true, 0.5) == GeneratorLimit::none);
    Recorder faster({.open_loop = true});
    record(faster, kind, 60 * us, 5 * ms);
    record(faster, Latency::last_member, 300 * us, 40 * ms);
    CHECK(judge_generator(faster, true, 0.5) ==
          (kind == Latency::hiccup ? GeneratorLimit::hiccup : GeneratorLimit::send_lag));
    CHECK_THAT(worst_lateness(faster).text(),
               Catch::Contains("by 5.0 ms at p99 (") && Catch::Contains("last_member is 40.0 ms"));
}

TEST_CASE("a server that stalls does not make the load generator the limit") {
    Recorder recorder({.open_loop = true});
    record(recorder, Latency::hiccup, 60 * us, 3 * ms);
    record(recorder, Latency::send_lag, 60 * us, 3 * ms);
    record(recorder, Latency::last_member, 300 * us, 195 * ms);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
}

TEST_CASE("a load generator that stands still is the limit, also where its bound hides the lag") {
    Recorder recorder({.open_loop = true});
    record(recorder, Latency::send_lag, 60 * us, 70 * us);
    record(recorder, Latency::hiccup, 60 * us, 190 * ms);
    record(recorder, Latency::last_member, 300 * us, 195 * ms);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::hiccup);
}

TEST_CASE("lateness below the floor is no limit, however fast the server") {
    Recorder recorder({.open_loop = true});
    record(recorder, Latency::hiccup, 60 * us, 900 * us);
    record(recorder, Latency::last_member, 300 * us, 1000 * us);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
    CHECK(worst_lateness(recorder).matters());
}

TEST_CASE("a load generator that had no time left is the limit, whatever was recorded") {
    CHECK(judge_generator(Recorder({.open_loop = true}), true, 0.96) == GeneratorLimit::busy);
    CHECK(judge_generator(Recorder({.open_loop = true}), true, 0.94) == GeneratorLimit::none);
}

TEST_CASE("few samples are judged by the percentile that both have, and too few by none") {
    Recorder recorder({.open_loop = true});
    const auto record_both = [&recorder](int times) {
        for (int i = 0; i < times; ++i) {
            recorder.record_always(Latency::hiccup, 50 * ms);
            recorder.record_always(Latency::last_member, 60 * ms);
        }
    };
    record_both(19);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
    record_both(1);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::hiccup);
    CHECK_THAT(worst_lateness(recorder).text(), Catch::Contains("at p50 (hiccup)"));
    record_both(80);
    CHECK_THAT(worst_lateness(recorder).text(), Catch::Contains("at p90 (hiccup)"));
}

TEST_CASE("a closed loop is not judged to have stood still in less than a second") {
    Recorder recorder;
    for (int i = 0; i < 999; ++i)
        recorder.record_always(Latency::hiccup, 500 * ms);
    CHECK(judge_generator(recorder, false, 0.1) == GeneratorLimit::none);
    recorder.record_always(Latency::hiccup, 500 * ms);
    CHECK(judge_generator(recorder, false, 0.1) == GeneratorLimit::hiccup);
}

TEST_CASE("where too few messages came for a 99th percentile, lateness is judged at the 90th too") {
    Recorder recorder({.open_loop = true});
    for (int i = 0; i < 5000; ++i)
        recorder.record_always(Latency::hiccup, i % 50 == 0 ? 8 * ms : 60 * us);
    for (int i = 0; i < 500; ++i)
        recorder.record_always(Latency::last_member, 400 * us);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
    for (int i = 0; i < 500; ++i)
        recorder.record_always(Latency::last_member, 400 * us);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::hiccup);
}

TEST_CASE("lateness that the 99th percentile does not show is found at the 99.9th") {
    Recorder recorder({.open_loop = true});
    for (int i = 0; i < 10'000; ++i) {
        recorder.record_always(Latency::hiccup, i < 20 ? 30 * ms : 60 * us);
        recorder.record_always(Latency::last_member, i < 20 ? 31 * ms : 400 * us);
    }
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
    CHECK(worst_lateness_at(recorder, 0.999).late_ns == Approx(30 * ms).epsilon(0.001));
    CHECK(worst_lateness_at(recorder, 0.999).matters());
}

TEST_CASE("each lateness is held against what is reported at its own percentile") {
    Recorder recorder;
    for (int i = 0; i < 5000; ++i) {
        const bool slow = i >= 4900;
        recorder.record_always(Latency::last_member, slow ? 30'000'000 : 1'600'000);
        recorder.record_always(Latency::send_lag, slow ? 2'000'000 : 1000);
    }
    for (int i = 0; i < 900; ++i)
        recorder.record_always(Latency::hiccup, i >= 700 ? 1'500'000 : 1000);
    // send_lag is later, by 2 ms at p99, where 30 ms is reported; hiccup is late by nearly all.
    CHECK(judge_generator(recorder, true, 0.5) == GeneratorLimit::hiccup);
}

TEST_CASE("where nobody stays in a room, lateness is held against the own copies") {
    Recorder recorder({.open_loop = true, .audience = false});
    record(recorder, Latency::hiccup, 60 * us, 5 * ms);
    record(recorder, Latency::own_copy, 300 * us, 100 * ms);
    CHECK(judge_generator(recorder, true, 0.1) == GeneratorLimit::none);
    CHECK_THAT(worst_lateness(recorder).text(), Catch::Contains("own_copy is 100.0 ms"));
}

TEST_CASE("a closed loop is invalid only where its load generator was stopped") {
    Recorder stopped;
    record(stopped, Latency::hiccup, 683 * ms, 683 * ms);
    record(stopped, Latency::last_member, 100 * us, 174 * us);
    CHECK(judge_generator(stopped, false, 0.5) == GeneratorLimit::hiccup);
    Recorder at_work;  // its turns are long, and so are the latencies
    record(at_work, Latency::hiccup, 110 * ms, 110 * ms);
    record(at_work, Latency::last_member, 120 * ms, 120 * ms);
    CHECK(judge_generator(at_work, false, 1.0) == GeneratorLimit::none);
    Recorder paused;  // for less than half of the window
    record(paused, Latency::hiccup, 60 * us, 683 * ms);
    record(paused, Latency::last_member, 100 * us, 174 * us);
    CHECK(judge_generator(paused, false, 0.5) == GeneratorLimit::none);
    CHECK(worst_lateness(paused).limits());
    Recorder starved;
    record(starved, Latency::hiccup, 2 * ms, 14 * ms);
    record(starved, Latency::last_member, 100 * us, 200 * us);
    CHECK(judge_generator(starved, false, 0.03) == GeneratorLimit::none);
    CHECK(worst_lateness(starved).limits());
}
