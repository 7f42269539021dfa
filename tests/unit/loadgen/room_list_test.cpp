#include "loadgen/room_list.hpp"

#include <catch2/catch.hpp>

#include "loadgen/payload.hpp"

using namespace ringside::loadgen;

TEST_CASE("lists are counted and their rooms found") {
    RoomList rooms(1);
    CHECK(rooms.update("") == 0);
    CHECK(rooms.update("one\ntwo\n") == 2);
    CHECK(rooms.update("one\ntwo\nthree and a half\n") == 3);
    CHECK(rooms.find("two") == 1);
    CHECK(rooms.at(2).name() == "three and a half");
    CHECK_FALSE(rooms.find("four"));
}

TEST_CASE("an older list that comes later still tells how many rooms it holds") {
    RoomList rooms(1);
    REQUIRE(rooms.update("one\ntwo\nthree\n") == 3);
    CHECK(rooms.update("one\n") == 1);
    CHECK(rooms.update("one\ntwo\n") == 2);
    CHECK(rooms.update("") == 0);
    CHECK(rooms.size() == 3);
}

TEST_CASE("a list that contradicts an earlier one is refused") {
    const auto* list =
        GENERATE("two\none\n", "one\n2wo\n", "two\n", "one\ntwo", "on", "one\ntwo\nthree");
    CAPTURE(list);
    RoomList rooms(1);
    REQUIRE(rooms.update("one\ntwo\n") == 2);
    CHECK_FALSE(rooms.update(list));
    CHECK(rooms.size() == 2);
}

TEST_CASE("a room of this run is its own and charted, any other is not") {
    RoomList rooms(0xbeef);
    REQUIRE(rooms.update("lounge\n" + room_name(0xbeef, 1) + "\n" + room_name(0xcafe, 1) + "\n") ==
            3);
    CHECK_FALSE(rooms.at(0).own());
    CHECK(rooms.at(1).own());
    CHECK(rooms.at(1).charted());
    CHECK_FALSE(rooms.at(2).own());
    CHECK_FALSE(rooms.at(2).charted());
}
