#include "loadgen/recorder.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("latencies are taken in the measured window alone, set-up's always") {
    Recorder recorder;
    recorder.record(Latency::own_copy, 900, 901);
    recorder.record_always(Latency::set_name, 2);
    recorder.open(1000);
    recorder.record(Latency::own_copy, 999, 1004);  // sent in warm-up
    recorder.record(Latency::own_copy, 1000, 1003);
    recorder.close(5000);
    recorder.record(Latency::own_copy, 5000, 5004);
    CHECK(recorder.latency(Latency::own_copy).count() == 1);
    CHECK(recorder.latency(Latency::own_copy).max_ns() == 3);
    CHECK(recorder.latency(Latency::set_name).count() == 1);
}

// The tail was cut off: what took longest was on its way when the window closed.
TEST_CASE("a latency that began in the window counts also if it ends after it") {
    Recorder recorder;
    recorder.open(1000);
    recorder.close(5000);
    recorder.record(Latency::last_member, 4999, 9999);
    CHECK(recorder.latency(Latency::last_member).count() == 1);
    CHECK(recorder.latency(Latency::last_member).max_ns() == 5000);
}

TEST_CASE("an open loop's latency begins when the message was due, beside the uncorrected one") {
    Recorder recorder({.open_loop = true});
    recorder.open(1000);
    const auto record = [&recorder](const SendTime& begin, std::uint64_t end_ns) {
        recorder.record(Latency::own_copy, Latency::own_copy_uncorrected, begin, end_ns);
    };
    record({.due_ns = 999, .sent_ns = 1500}, 1700);  // due in warm-up
    record({.due_ns = 1000, .sent_ns = 1500}, 1600);
    CHECK(recorder.latency(Latency::own_copy).count() == 1);
    CHECK(recorder.latency(Latency::own_copy).max_ns() == 600);
    CHECK(recorder.latency(Latency::own_copy_uncorrected).count() == 1);
    CHECK(recorder.latency(Latency::own_copy_uncorrected).max_ns() == 100);
}

TEST_CASE("what was due in the window and never sent counts with the time that it waited") {
    Recorder recorder({.open_loop = true});
    recorder.open(1000);
    recorder.close(5000);
    CHECK(recorder.record_unsent(900));  // due in warm-up
    CHECK(recorder.messages_due == 0);
    CHECK(recorder.record_unsent(1500));
    CHECK_FALSE(recorder.record_unsent(5000));
    CHECK(recorder.messages_due == 1);
    CHECK(recorder.messages_unsent == 1);
    for (const Latency kind :
         {Latency::own_copy, Latency::first_member, Latency::median_member, Latency::last_member}) {
        CHECK(recorder.latency(kind).count() == 1);
        CHECK(recorder.latency(kind).max_ns() == 3500);
    }
    CHECK(recorder.latency(Latency::own_copy_uncorrected).count() == 0);
}

TEST_CASE("what nobody had got at the end of the run counts with the time that it waited") {
    const bool audience = GENERATE(true, false);
    Recorder recorder({.open_loop = true, .audience = audience});
    recorder.open(1000);
    recorder.close(5000);
    recorder.record_unanswered({.due_ns = 999, .sent_ns = 2000}, 9000);  // due in warm-up
    CHECK(recorder.messages_unanswered == 0);
    recorder.record_unanswered({.due_ns = 1500, .sent_ns = 2000}, 9000);
    CHECK(recorder.messages_unanswered == 1);
    CHECK(recorder.latency(Latency::own_copy).max_ns() == 7500);
    CHECK(recorder.latency(Latency::own_copy_uncorrected).max_ns() == 7000);
    for (const Latency kind :
         {Latency::first_member, Latency::median_member, Latency::last_member}) {
        CHECK(recorder.latency(kind).max_ns() == (audience ? 7500 : 0));
    }
    CHECK(recorder.latency(Latency::last_member_uncorrected).max_ns() == (audience ? 7000 : 0));
}

TEST_CASE("a closed loop has no uncorrected latency") {
    Recorder recorder;
    recorder.open(1000);
    recorder.record(Latency::last_member, Latency::last_member_uncorrected, {1000, 1000}, 1007);
    CHECK(recorder.latency(Latency::last_member).max_ns() == 7);
    CHECK(recorder.latency(Latency::last_member_uncorrected).count() == 0);
}

TEST_CASE("the window's counts are those between open and close") {
    Recorder recorder;
    recorder.counts.deliveries = 100;
    recorder.counts.requests[3] = 7;
    CHECK(recorder.window_counts().deliveries == 0);
    recorder.open(1000);
    recorder.counts.deliveries += 20;
    CHECK(recorder.window_counts().deliveries == 20);
    CHECK(recorder.window_ns(1500) == 500);
    recorder.counts.requests[3] += 2;
    recorder.close(3000);
    recorder.counts.deliveries += 50;
    CHECK(recorder.window_counts().deliveries == 20);
    CHECK(recorder.window_counts().requests[3] == 2);
    CHECK(recorder.window_ns(9000) == 2000);
}

TEST_CASE("a percentile needs ten samples above it") {
    CHECK(supports_quantile(20, 0.5));
    CHECK_FALSE(supports_quantile(19, 0.5));
    CHECK(supports_quantile(100, 0.9));
    CHECK_FALSE(supports_quantile(99, 0.9));
    CHECK(supports_quantile(1000, 0.99));
    CHECK_FALSE(supports_quantile(999, 0.99));
    CHECK(supports_quantile(10'000, 0.999));
    CHECK_FALSE(supports_quantile(9'999, 0.999));
}
