#include "loadgen/audience.hpp"

#include <catch2/catch.hpp>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

struct Hearing {
    RoomLedger room{0, "room", true};
    Recorder recorder;

    Hearing() { recorder.open(0); }
    const Histogram& latency(Latency kind) const { return recorder.latency(kind); }
};

}  // namespace

TEST_CASE("the first, the median and the last receipt of a message are measured") {
    Hearing fixture;
    Audience audience(fixture.room, 5, fixture.recorder, Audience::Ledger::forgets);
    fixture.room.append({1, 1});
    audience.published({1000, 1000});
    for (const std::uint64_t now : {1010U, 1020U, 1030U, 1040U, 1050U})
        audience.received(0, now);
    CHECK(fixture.latency(Latency::first_member).count() == 1);
    CHECK(fixture.latency(Latency::first_member).max_ns() == 10);
    CHECK(fixture.latency(Latency::median_member).max_ns() == 30);
    CHECK(fixture.latency(Latency::last_member).max_ns() == 50);
}

TEST_CASE("receipts are measured from when a message was due, the last from its sending as well") {
    RoomLedger room{0, "room", true};
    Recorder recorder({.open_loop = true});
    recorder.open(0);
    Audience audience(room, 3, recorder, Audience::Ledger::forgets);
    room.append({1, 1});
    audience.published({.due_ns = 900, .sent_ns = 1000});
    for (const std::uint64_t now : {1010U, 1020U, 1030U})
        audience.received(0, now);
    CHECK(recorder.latency(Latency::first_member).max_ns() == 110);
    CHECK(recorder.latency(Latency::median_member).max_ns() == 120);
    CHECK(recorder.latency(Latency::last_member).max_ns() == 130);
    CHECK(recorder.latency(Latency::last_member_uncorrected).max_ns() == 30);
}

TEST_CASE("in a room of one member the first is the median and the last") {
    Hearing fixture;
    Audience audience(fixture.room, 1, fixture.recorder, Audience::Ledger::forgets);
    audience.published({100, 100});
    audience.received(0, 107);
    for (const Latency kind :
         {Latency::first_member, Latency::median_member, Latency::last_member}) {
        CHECK(fixture.latency(kind).count() == 1);
        CHECK(fixture.latency(kind).max_ns() == 7);
    }
}

TEST_CASE("a member far behind the others keeps every message's own time") {
    Hearing fixture;
    Audience audience(fixture.room, 2, fixture.recorder, Audience::Ledger::forgets);
    constexpr std::uint64_t messages = 10'000;
    for (std::uint64_t i = 0; i < messages; ++i) {
        fixture.room.append({i, i});
        audience.published({i * 10, i * 10});
        audience.received(i, i * 10 + 1);
    }
    CHECK(fixture.room.begin() == 0);
    for (std::uint64_t i = 0; i < messages; ++i)
        audience.received(i, i * 10 + 5);
    CHECK(fixture.latency(Latency::first_member).max_ns() == 1);
    CHECK(fixture.latency(Latency::last_member).count() == messages);
    CHECK(fixture.latency(Latency::last_member).min_ns() == 5);
    CHECK(fixture.latency(Latency::last_member).max_ns() == 5);
    CHECK(fixture.room.begin() > 0);
}
