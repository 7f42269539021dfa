#include "common/history_format.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "common/limits.hpp"
#include "common/wire.hpp"
#include "support/history_fixture.hpp"

namespace ringside {

using namespace test;

TEST_CASE("a header comes back as it was written, and any flipped bit is noticed") {
    const HistoryHeader header{std::string(room_name_bytes_ceiling, 'n'), 0x0123456789ABCDEF, 99};
    HeaderBytes bytes = encode_header(header);
    const auto back = decode_header({bytes.data(), bytes.size()});
    REQUIRE(back);
    CHECK(back->room == header.room);
    CHECK(back->epoch == header.epoch);
    CHECK(back->number == header.number);

    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        const auto flipped = decode_header({bytes.data(), bytes.size()});
        REQUIRE_FALSE(flipped);
        REQUIRE(flipped.error().code == EBADMSG);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    CHECK_FALSE(decode_header({bytes.data(), bytes.size() - 1}));
}

TEST_CASE("an index entry comes back as it was written, and any flipped bit is noticed") {
    char bytes[index_entry_bytes];
    encode_entry({.end = 1'000, .wall_ns = -5, .synced = 900, .crc = 0xDEADBEEF}, bytes);
    const auto back = decode_entry(bytes);
    REQUIRE(back);
    CHECK(back->end == 1'000);
    CHECK(back->wall_ns == -5);
    CHECK(back->synced == 900);
    CHECK(back->crc == 0xDEADBEEF);
    for (std::size_t bit = 0; bit < sizeof bytes * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        REQUIRE_FALSE(decode_entry(bytes));
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
}

TEST_CASE("a message frame is recognised whole, and a shorter one says how much it needs") {
    const std::string frame = message_frame("ann", "hello");
    CHECK(probe_message_frame(frame + "more") == frame.size());
    for (std::size_t size = 0; size < frame.size(); ++size) {
        REQUIRE(probe_message_frame(std::string_view(frame).substr(0, size)) > size);
    }
}

TEST_CASE("what is no message frame is told at once") {
    std::string frame = message_frame("ann", "hello");
    SECTION("zeros") {
        frame.assign(frame.size(), '\0');
    }
    SECTION("another request") {
        frame[0] = 3;
    }
    SECTION("a failure") {
        frame[4] = 1;
    }
    SECTION("no user") {
        frame[server_header_bytes] = '\t';
    }
    SECTION("no tab") {
        frame[server_header_bytes + 3] = ' ';
    }
    SECTION("no line feed") {
        frame[server_header_bytes + 4 + 17] = ' ';
    }
    SECTION("no text") {
        store_u64(frame.data() + 8, 4 + 17 + 1);
        frame.resize(server_header_bytes + 4 + 17 + 1);
    }
    SECTION("a text above the ceiling") {
        store_u64(frame.data() + 8, message_frame_bytes_ceiling - server_header_bytes + 1);
    }
    CHECK(probe_message_frame(frame) == 0);
}

TEST_CASE("a frame may be as large as the ceiling") {
    std::string frame = message_frame("ann", "hello");
    store_u64(frame.data() + 8, message_frame_bytes_ceiling - server_header_bytes);
    CHECK(probe_message_frame(frame) == message_frame_bytes_ceiling);
}

}  // namespace ringside
