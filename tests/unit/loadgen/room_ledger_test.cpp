#include "loadgen/room_ledger.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("a ledger keeps every entry at its place across its chunks") {
    RoomLedger ledger(0, "room", true);
    for (std::uint64_t i = 0; i < 20'000; ++i)
        ledger.append({i * 3, i});
    REQUIRE(ledger.size() == 20'000);
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        REQUIRE(ledger.at(i).digest == i * 3);
        REQUIRE(ledger.at(i).key == i);
    }
}

TEST_CASE("what everybody has got may be forgotten, and what is above it stays") {
    RoomLedger ledger(0, "room", true);
    for (std::uint64_t i = 0; i < 20'000; ++i)
        ledger.append({i, i});
    ledger.forget_below(10'000);
    CHECK(ledger.begin() <= 10'000);
    CHECK(ledger.begin() > 0);
    CHECK(ledger.at(ledger.begin()).digest == ledger.begin());
    CHECK(ledger.at(19'999).digest == 19'999);
    CHECK(ledger.size() == 20'000);
}

TEST_CASE("a guessed place is unseen until somebody has got its message") {
    RoomLedger ledger(0, "room", true);
    ledger.append({5, 1});
    ledger.append_guess(2);
    CHECK_FALSE(ledger.is_guess(0));
    CHECK(ledger.is_guess(1));
    CHECK(ledger.at(1).digest == LedgerEntry::unseen);
    ledger.see(1, 77);
    CHECK(ledger.at(1).digest == 77);
    CHECK(ledger.is_guess(1));
}
