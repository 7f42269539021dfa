// The table "Limits" of docs/protocol.md: each limit at its value and one beyond it.

#include <catch2/catch.hpp>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using namespace std::string_literals;

const std::string smile = "\xF0\x9F\x98\x80";  // one character of four bytes

std::string repeated(std::size_t count, std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

std::string header(std::uint64_t length) {
    std::string bytes(client_header_bytes, '\0');
    store_client_header(bytes.data(), Request::send_message, length);
    return bytes;
}

void expect_refusal_that_names(const Frame& frame, Request request, std::string_view limit) {
    expect_refusal(frame, request);
    CHECK_THAT(frame.text, Catch::Contains(std::string(limit)));
}

const std::string illegal_names[] = {
    "",       " ",        "two words",    "tab\tbed",         "line\nfeed",
    "nul\0"s, "\x7F",     "\xC2\x80",     "c1\xC2\x9F",       "\xFF",
    "\xC3",   "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\x1B[31m",
};

}  // namespace

TEST_CASE("a user name has 1 to 32 bytes of UTF-8 without control characters and spaces") {
    ChatServer server;
    ChatClient client(server.port());
    for (const std::string& name : illegal_names) {
        CAPTURE(name);
        expect_refusal(client.ask(Request::set_name, name), Request::set_name);
    }
    for (const std::size_t bytes : {33U, 34U, 4096U, 65536U}) {
        CAPTURE(bytes);
        expect_refusal_that_names(client.ask(Request::set_name, std::string(bytes, 'n')),
                                  Request::set_name, "32");
    }
    expect_refusal_that_names(client.ask(Request::set_name, repeated(8, smile) + "n"),
                              Request::set_name, "32");
    enter(client, repeated(8, smile));
    const ChatClient longest = in_lobby(server, std::string(32, 'n'));
    const ChatClient shortest = in_lobby(server, "n");
    CHECK(longest.fd() != shortest.fd());
}

TEST_CASE("a room name has 1 to 64 bytes of UTF-8 without control characters and spaces") {
    ChatServer server;
    ChatClient client = in_lobby(server, "ann");
    for (const std::string& name : illegal_names) {
        CAPTURE(name);
        expect_refusal(client.ask(Request::create_chat, name), Request::create_chat);
        expect_refusal(client.ask(Request::connect_chat, name), Request::connect_chat);
    }
    for (const std::size_t bytes : {65U, 66U, 256U, 4096U, 65536U}) {
        CAPTURE(bytes);
        const std::string name(bytes, 'r');
        expect_refusal_that_names(client.ask(Request::create_chat, name), Request::create_chat,
                                  "64");
        expect_refusal(client.ask(Request::connect_chat, name), Request::connect_chat);
    }
    expect_refusal_that_names(client.ask(Request::create_chat, repeated(16, smile) + "r"),
                              Request::create_chat, "64");
    create_room(client, repeated(16, smile));
    create_room(client, std::string(64, 'r'));
    create_room(client, "r");
    join(client, std::string(64, 'r'));
}

TEST_CASE("a message has 1 to 4096 bytes of UTF-8 without control characters but line and tab") {
    ChatServer server;
    ChatClient client = in_room(server, "ann", "room");
    const std::string illegal[] = {
        "",
        "nul\0"s,
        "\x01",
        "bell\a",
        "escape \x1B[31m",
        "return\r\n",
        "\x7F",
        "\xFF",
        "cut \xC3",
        "\xED\xA0\x80",
        "\xF4\x90\x80\x80",
        "\xC0\xAF",
        "\xC2\x80",
        "next line \xC2\x85",
        "c1\xC2\x9F",
    };
    for (const std::string& text : illegal) {
        CAPTURE(text);
        expect_refusal(client.ask(Request::send_message, text), Request::send_message);
    }
    for (const std::size_t bytes : {4097U, 4098U, 5000U, 65535U, 65536U}) {
        CAPTURE(bytes);
        expect_refusal_that_names(client.ask(Request::send_message, std::string(bytes, 'm')),
                                  Request::send_message, "4096");
    }
    const std::string legal[] = {"m",
                                 " ",
                                 "\n",
                                 "\t",
                                 "several\nlines\tand a tab\n",
                                 std::string(4095, 'm'),
                                 std::string(4096, 'm'),
                                 repeated(1024, smile),
                                 "\xC3\xA9t\xC3\xA9"};
    for (const std::string& text : legal) {
        say(client, text);
        expect_message(client, "ann", text);
    }
    // What was refused is in no history either.
    CHECK(history_of(server, "room").size() == std::size(legal));
}

TEST_CASE("a length above 65536 closes the connection after a failure that says so") {
    const std::uint64_t length =
        GENERATE(std::uint64_t{65537}, std::uint64_t{1} << 31, (std::uint64_t{1} << 32) - 1,
                 std::uint64_t{1} << 32, (std::uint64_t{1} << 32) + 5, std::uint64_t{1} << 63,
                 UINT64_MAX - 11, UINT64_MAX);
    CAPTURE(length);
    ChatServer server;
    ChatClient unnamed(server.port());
    ChatClient lobby = in_lobby(server, "ann");
    ChatClient room = in_room(server, "bob", "room");
    CHECK(read_list(lobby) == std::vector<std::string>{"room"});
    for (ChatClient* client : {&unnamed, &lobby, &room}) {
        client->send_raw(header(length));
        expect_refusal_that_names(client->read(), Request::wrong_request, "65536");
        client->expect_closed();
    }
    ChatClient again(server.port());
    enter_when_free(again, "bob");
}

TEST_CASE("an unknown request with a length above the limit closes the connection as well") {
    ChatServer server;
    ChatClient client = in_lobby(server, "ann");
    std::string bytes(client_header_bytes, '\0');
    store_client_header(bytes.data(), static_cast<Request>(4711), 65537);
    client.send_raw(bytes);
    expect_refusal_that_names(client.read(), Request::wrong_request, "65536");
    client.expect_closed();
}

TEST_CASE("the failure for a length above the limit is readable though the client sent more") {
    ChatServer server;
    ChatClient client = in_room(server, "ann", "room");
    say(client, "before");
    expect_message(client, "ann", "before");
    client.send_raw(header(std::uint64_t{1} << 20));
    // As much as a client has in flight that notices nothing: the server must read it, or its close
    // would be a reset that throws the answer away.
    client.send_raw(std::string(std::size_t{1} << 20, 'x'));
    expect_refusal_that_names(client.read(), Request::wrong_request, "65536");
    client.expect_closed();
    // Nothing of what followed was taken for a request.
    CHECK(history_of(server, "room") == std::vector<std::string>{"ann: before"});
}

TEST_CASE("a frame of the greatest length is judged by its text and the connection stays") {
    ChatServer server;
    ChatClient client(server.port());
    const std::string text(65536, 'x');
    expect_refusal(client.ask(Request::set_name, text), Request::set_name);
    expect_refusal(client.ask(static_cast<Request>(4711), text), Request::wrong_request);
    enter(client, "ann");
    expect_refusal(client.ask(Request::create_chat, text), Request::create_chat);
    client.fence();
}

TEST_CASE("the limits are options") {
    ChatServer server({"--max-user-name", "3", "--max-room-name", "5", "--max-message", "7",
                       "--max-frame-length", "100"});
    ChatClient client(server.port());
    expect_refusal_that_names(client.ask(Request::set_name, "four"), Request::set_name, "3");
    enter(client, "ann");
    expect_refusal_that_names(client.ask(Request::create_chat, "sixsix"), Request::create_chat,
                              "5");
    create_room(client, "fiive");
    join(client, "fiive");
    expect_refusal_that_names(client.ask(Request::send_message, "12345678"), Request::send_message,
                              "7");
    say(client, "1234567");
    expect_message(client, "ann", "1234567");
    expect_refusal(client.ask(Request::send_message, std::string(100, 'x')), Request::send_message);
    expect_refusal_that_names(client.ask(Request::send_message, std::string(101, 'x')),
                              Request::wrong_request, "100");
    client.expect_closed();
}

TEST_CASE("connections above --max-connections are turned away and harm nobody") {
    ChatServer server({"--max-connections", "3"});
    ChatClient ann = in_lobby(server, "ann");
    ChatClient bob = in_lobby(server, "bob");
    ChatClient cem = in_lobby(server, "cem");
    for (int i = 0; i < 20; ++i) {
        ChatClient turned_away(server.port());
        turned_away.expect_closed();
    }
    ann.fence();
    bob.fence();
    cem.send(Request::disconnect);
    cem.expect_closed();
    cem.close();
    // The place is free once the server has seen the close through.
    for (bool placed = false; !placed;) {
        ChatClient next(server.port());
        try {
            next.send(Request::set_name, "dee");
            placed = next.read_or_closed() == success(Request::set_name, "");
        } catch (const ClientError&) {
            placed = false;
        }
    }
}

}  // namespace ringside::test
