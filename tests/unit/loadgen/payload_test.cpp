#include "loadgen/payload.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {

std::string payload(std::size_t bytes, const PayloadId& id) {
    std::string text(bytes, '?');
    store_payload(text, id);
    return text;
}

constexpr PayloadId id{0x1a2b3c4d, 0x12, 0xfff, 0x89abcdef};

}  // namespace

TEST_CASE("a payload of any size is read back as it was written") {
    const auto bytes = GENERATE(32U, 33U, 47U, 48U, 64U, 1000U, 4096U);
    CAPTURE(bytes);
    const std::string text = payload(bytes, id);
    CHECK(parse_payload(text) == id);
    CHECK(std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }));
}

TEST_CASE("the shortest payload is 32 digits: run, sender, room, counter, sum") {
    CHECK(payload(32, id).starts_with("1a2b3c4d00012fff89abcdef"));
}

TEST_CASE("a payload with any one bit changed is no payload") {
    const std::string right = payload(40, id);
    for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
        std::string wrong = right;
        wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        REQUIRE_FALSE(parse_payload(wrong));
    }
}

TEST_CASE("a payload that was cut or grew is no payload") {
    const std::string right = payload(64, id);
    for (std::size_t bytes = 0; bytes < right.size(); ++bytes) {
        REQUIRE_FALSE(parse_payload(right.substr(0, bytes)));
    }
    CHECK_FALSE(parse_payload(right + "0"));
}

TEST_CASE("two messages of one sender have different fillers") {
    PayloadId next = id;
    next.counter = id.counter + 1;
    CHECK(payload(64, id).substr(24, 32) != payload(64, next).substr(24, 32));
}

TEST_CASE("a user's name holds the first 13 digits of its payloads") {
    CHECK(user_name(id.run, id.sender) == payload(32, id).substr(0, 13));
    CHECK(user_name(id.run, id.sender).size() == user_name_bytes);
}

TEST_CASE("a message claims a run by its sender's name or by its text") {
    const std::string text = payload(32, id);
    const std::string name = user_name(id.run, id.sender);
    CHECK(claims_run(name, text, id.run));
    CHECK(claims_run(name, "hello", id.run));
    CHECK(claims_run("somebody", text, id.run));
    CHECK_FALSE(claims_run("somebody", "hello", id.run));
    CHECK_FALSE(claims_run(name, text, id.run + 1));
}

TEST_CASE("a room of a run is told by its name") {
    CHECK(is_room_of(room_name(id.run, 7), id.run));
    CHECK_FALSE(is_room_of(room_name(id.run, 7), id.run + 1));
    CHECK_FALSE(is_room_of("lounge", id.run));
    CHECK(room_name(id.run, 7) != room_name(id.run, 8));
}
