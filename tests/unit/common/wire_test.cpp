#include "common/wire.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringside {

using namespace std::string_view_literals;

TEST_CASE("integers are little-endian on the wire") {
    char bytes[8] = {};
    store_u32(bytes, 0x04030201U);
    CHECK(std::string_view(bytes, 4) == "\x01\x02\x03\x04"sv);
    CHECK(load_u32(bytes) == 0x04030201U);
    store_u64(bytes, 0x0807060504030201U);
    CHECK(std::string_view(bytes, 8) == "\x01\x02\x03\x04\x05\x06\x07\x08"sv);
    CHECK(load_u64(bytes) == 0x0807060504030201U);
}

TEST_CASE("integers are read and written at odd addresses and at their largest") {
    char bytes[16] = {};
    store_u64(bytes + 3, UINT64_MAX);
    CHECK(load_u64(bytes + 3) == UINT64_MAX);
    CHECK(bytes[2] == 0);
    CHECK(bytes[11] == 0);
    store_u32(bytes + 1, UINT32_MAX);
    CHECK(load_u32(bytes + 1) == UINT32_MAX);
    CHECK(bytes[0] == 0);
}

TEST_CASE("a client frame is u32 request, u64 length and the text") {
    std::string out = "before";
    append_client_frame(out, Request::send_message, "hi\0!"sv);
    CHECK(out == "before\x03\0\0\0\x04\0\0\0\0\0\0\0hi\0!"sv);
    const ClientHeader header = load_client_header(out.data() + 6);
    CHECK(header.request == 3);
    CHECK(header.length == 4);
}

TEST_CASE("a server frame is u32 request, u32 status, u64 length and the text") {
    std::string out;
    append_server_frame(out, Request::connect_chat, Status::failure, "no"sv);
    CHECK(out == "\x02\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0no"sv);
    const ServerHeader header = load_server_header(out.data());
    CHECK(header.request == 2);
    CHECK(header.status == 1);
    CHECK(header.length == 2);
}

TEST_CASE("a frame without text is its header alone") {
    std::string client;
    append_client_frame(client, Request::leave_chat, {});
    CHECK(client == "\x04\0\0\0\0\0\0\0\0\0\0\0"sv);
    std::string server;
    append_server_frame(server, Request::set_name, Status::success, {});
    CHECK(server == std::string(server_header_bytes, '\0'));
}

TEST_CASE("a message's frame is its header and user, tab, time, line feed, text") {
    std::string out(message_frame_bytes("ann", "22:13:20 11/14/23", "hello"), '?');
    const std::size_t written =
        store_message_frame(out.data(), "ann", "22:13:20 11/14/23", "hello");
    CHECK(written == out.size());
    std::string expected;
    append_server_frame(expected, Request::receive_message, Status::success,
                        "ann\t22:13:20 11/14/23\nhello");
    CHECK(out == expected);
}

TEST_CASE("every request has the number that the protocol's table gives it") {
    const auto [request, number] = GENERATE(table<Request, std::uint32_t>({
        {Request::set_name, 0},
        {Request::create_chat, 1},
        {Request::connect_chat, 2},
        {Request::send_message, 3},
        {Request::leave_chat, 4},
        {Request::disconnect, 5},
        {Request::receive_message, 6},
        {Request::wrong_request, 7},
        {Request::get_chats, 8},
        {Request::hello, 9},
        {Request::checkpoint, 10},
    }));
    std::string out;
    append_client_frame(out, request, {});
    CHECK(load_client_header(out.data()).request == number);
}

}  // namespace ringside
