#include "loadgen/slo.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("an objective names a percentile, a time, and a latency where it is not the usual one") {
    const auto usual = parse_slo("p99<=1ms");
    REQUIRE(usual);
    CHECK_FALSE(usual->kind);
    CHECK(usual->percentile == 99);
    CHECK(usual->limit_ns == 1'000'000);
    const auto other = parse_slo("own_copy:p99.9<=2.5us");
    REQUIRE(other);
    CHECK(other->kind == Latency::own_copy);
    CHECK(other->percentile == 99.9);
    CHECK(other->limit_ns == 2'500);
    CHECK(parse_slo("p50<=3s")->limit_ns == 3'000'000'000);
}

TEST_CASE("what is no objective is refused") {
    const char* const text =
        GENERATE(as<const char*>{}, "", "p99", "99<=1ms", "p99<1ms", "p99<=1", "p99<=ms",
                 "p99<=-1ms", "p100<=1ms", "p0<=1ms", "p99<=1ms,", "pnan<=1ms", "p99<=infs",
                 "p99<=1h", "p99<=69s", "p99<=1e3ms", "p99<=0.4ns", "copy:p99<=1ms", ":p99<=1ms",
                 "own_copy:p99<=1ms:", " p99<=1ms");
    CAPTURE(text);
    CHECK_FALSE(parse_slo(text));
}

TEST_CASE("an objective is met up to its limit, and never without the samples to tell") {
    Recorder recorder;
    for (std::uint64_t i = 1; i <= 1000; ++i)
        recorder.record_always(Latency::own_copy, i < 990 ? 500 : 1000);
    const auto judged = [&recorder](const char* text) {
        return judge(*parse_slo(text), recorder, Latency::own_copy);
    };
    CHECK(judged("p99<=1us").met == true);
    CHECK(judged("p99<=999ns").met == false);
    CHECK(judged("p90<=501ns").met == true);
    CHECK_THAT(judged("p99<=1us").text, Catch::Contains("own_copy p99 is 0.001 ms, at most 0.001"));
    CHECK_FALSE(judged("p99.9<=1s").met.has_value());
    CHECK_THAT(judged("p99.9<=1s").text, Catch::Contains("needs 10000 samples, there are 1000"));
    CHECK_FALSE(
        judge(*parse_slo("last_member:p50<=1s"), recorder, Latency::own_copy).met.has_value());
}

TEST_CASE("an objective is met by values of the same bucket as its limit, to 0.1 %") {
    Recorder recorder;
    for (int i = 0; i < 990; ++i)
        recorder.record_always(Latency::own_copy, 1'000'000);
    for (int i = 0; i < 10; ++i)
        recorder.record_always(Latency::own_copy, 9'000'000);
    const SloVerdict verdict = judge(*parse_slo("p90<=1ms"), recorder, Latency::own_copy);
    CHECK(verdict.met == true);
    CHECK(judge(*parse_slo("p90<=0.99ms"), recorder, Latency::own_copy).met == false);
}

TEST_CASE("an objective is not met by latencies that had no end yet") {
    Recorder recorder({.open_loop = true});
    recorder.open(1);
    for (int i = 0; i < 1000; ++i)
        recorder.record_always(Latency::own_copy, 500);
    recorder.close(100'000);
    const auto judged = [&recorder](const char* text) {
        return judge(*parse_slo(text), recorder, Latency::own_copy);
    };
    for (int i = 0; i < 10; ++i)
        REQUIRE(recorder.record_unsent(99'000));
    CHECK(judged("p99<=1ms").met == true);  // fewer than lie above it
    recorder.record_unanswered({.due_ns = 99'000, .sent_ns = 99'000}, 200'000);
    CHECK_FALSE(judged("p99<=1ms").met.has_value());
    CHECK_THAT(judged("p99<=1ms").text,
               Catch::Contains("or more, since 11 of 1011 messages were not sent or not answered"));
    CHECK(judged("p99<=900ns").met == false);  // they are longer already
    CHECK(judged("p90<=1us").met == true);
}

TEST_CASE("latencies without an end count as long ones, however short they were by then") {
    Recorder recorder({.open_loop = true});
    recorder.open(1);
    for (int i = 0; i < 990; ++i)
        recorder.record_always(Latency::own_copy, i < 980 ? 500'000 : 50'000'000);
    recorder.close(100'000'000);
    for (int i = 0; i < 10; ++i)
        REQUIRE(recorder.record_unsent(99'900'000));
    const auto judged = [&recorder](const char* text) {
        return judge(*parse_slo(text), recorder, Latency::own_copy);
    };
    CHECK_FALSE(judged("p99<=5ms").met.has_value());
    CHECK(judged("p99<=60ms").met == true);
    CHECK(judged("p90<=5ms").met == true);
}
