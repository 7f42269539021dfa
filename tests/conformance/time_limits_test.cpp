// The table "Time limits and back-pressure" of docs/protocol.md, its time limits, with small
// values. Nothing here waits for a time to pass: a client waits for the server's close, and what
// must not be closed keeps talking while others are.

#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto limit = 500ms;
const std::string limit_text = "500ms";
// A server may be late by a turn of its timer and by what a busy machine adds, never early.
constexpr auto early = 20ms;

void expect_closed_after_the_limit(ChatClient& client, Clock::time_point since) {
    client.expect_closed();
    CHECK(Clock::now() - since >= limit - early);
}

std::string half_a_frame() {
    return client_frame(Request::send_message, "never finished").substr(0, 16);
}

}  // namespace

TEST_CASE("a connection that has no name by the handshake time limit is closed") {
    ChatServer server({"--handshake-timeout", limit_text});
    ChatClient named = in_lobby(server, "ann");
    const Clock::time_point begin = Clock::now();
    ChatClient silent(server.port());
    ChatClient refused(server.port());
    expect_refusal(refused.ask(Request::set_name, "ann"), Request::set_name);
    ChatClient half(server.port());
    half.send_raw(half_a_frame());
    expect_closed_after_the_limit(silent, begin);
    expect_closed_after_the_limit(refused, begin);
    expect_closed_after_the_limit(half, begin);
    named.fence();
}

TEST_CASE("requests without a name do not prolong the handshake") {
    ChatServer server({"--handshake-timeout", limit_text});
    const Clock::time_point begin = Clock::now();
    ChatClient client(server.port());
    ChatClient clock(server.port());
    std::uint64_t refusals = 0;
    try {
        while (Clock::now() - begin < patience) {
            client.send(Request::set_name, "not legal");
            const std::optional<Frame> frame = client.read_or_closed();
            if (!frame) break;
            expect_refusal(*frame, Request::set_name);
            ++refusals;
        }
    } catch (const ClientError&) {
        // The send met the closed connection.
    }
    CHECK(refusals > 0);
    CHECK(Clock::now() - begin >= limit - early);
    CHECK(Clock::now() - begin < patience);
    clock.expect_closed();
}

TEST_CASE("a frame begun and not finished by the frame time limit closes the connection") {
    ChatServer server({"--frame-timeout", limit_text});
    ChatClient unnamed(server.port());
    ChatClient lobby = in_lobby(server, "ann");
    ChatClient room = in_room(server, "bob", "room");
    CHECK(read_list(lobby).size() == 1);
    ChatClient idle = in_room(server, "idle", "room");
    const Clock::time_point begin = Clock::now();
    for (ChatClient* client : {&unnamed, &lobby, &room})
        client->send_raw(half_a_frame());
    expect_closed_after_the_limit(unnamed, begin);
    expect_closed_after_the_limit(lobby, begin);
    expect_closed_after_the_limit(room, begin);
    say(idle, "no frame is begun here");
    expect_message(idle, "idle", "no frame is begun here");
    ChatClient again(server.port());
    enter_when_free(again, "bob");
}

TEST_CASE("a frame that trickles in does not prolong its time limit") {
    ChatServer server({"--frame-timeout", limit_text});
    ChatClient other = in_lobby(server, "other");
    ChatClient client = in_lobby(server, "ann");
    const Clock::time_point begin = Clock::now();
    const std::string bytes = client_frame(Request::create_chat, std::string(65536, 'x'));
    std::size_t sent = 0;
    try {
        while (!client.readable() && sent < bytes.size() && Clock::now() - begin < patience) {
            client.send_raw(std::string_view(bytes).substr(sent++, 1));
            // Paces the bytes by the server's own speed: several round trips for each.
            for (int i = 0; i < 10; ++i)
                other.fence();
        }
        expect_closed_after_the_limit(client, begin);
    } catch (const ClientError&) {
        CHECK(Clock::now() - begin >= limit - early);
    }
    CHECK(sent < bytes.size());
    CHECK(Clock::now() - begin < patience);
}

TEST_CASE("a time limit counts from the frame it is for, not from the connection") {
    // A client that is never between frames for long, each begun before the last time limit ended:
    // only one that takes too long may close it.
    keeping_pace(limit, {"--frame-timeout", limit_text}, [](ChatServer& server, Pace& pace) {
        ChatClient client = in_room(server, "ann", "room");
        const std::string bytes = client_frame(Request::send_message, "cut");
        const Clock::time_point begin = Clock::now();
        client.send_raw(bytes.substr(0, 7));
        while (Clock::now() - begin < 3 * limit) {
            pace.step();
            client.send_raw(bytes.substr(7) + bytes.substr(0, 7));
            expect_message(client, "ann", "cut");
        }
        client.send_raw(bytes.substr(7));
        expect_message(client, "ann", "cut");
    });
}

TEST_CASE("a connection without a frame from its client for the idle time limit is closed") {
    keeping_pace(limit, {"--idle-timeout", limit_text}, [](ChatServer& server, Pace& pace) {
        const Clock::time_point since = Clock::now();
        ChatClient lobby = in_lobby(server, "ann");
        ChatClient listener = in_room(server, "bob", "room");
        CHECK(read_list(lobby).size() == 1);
        ChatClient talker = in_room(server, "cem", "room");
        std::future<Clock::time_point> lobby_closed = std::async(std::launch::async, [&lobby] {
            lobby.expect_closed();
            return Clock::now();
        });
        const Clock::time_point begin = Clock::now();
        // Receiving does not count, speaking does.
        std::future<std::size_t> heard = std::async(std::launch::async, [&listener] {
            std::size_t messages = 0;
            while (listener.read_or_closed())
                ++messages;
            return messages;
        });
        const auto listening = [&heard] { return heard.wait_for(0s) != std::future_status::ready; };
        while (Clock::now() - begin < 3 * limit || listening()) {
            REQUIRE(Clock::now() - begin < patience);
            pace.step();
            say(talker, "still here");
            expect_message(talker, "cem", "still here");
        }
        if (heard.get() == 0) throw ClosedError("the listener was closed before it heard a word");
        say(talker, "last");
        expect_message(talker, "cem", "last");
        CHECK(lobby_closed.get() - since >= limit - early);
    });
}

TEST_CASE("time limits that are off close nobody") {
    const std::string off = GENERATE("off", "0");
    CAPTURE(off);
    ChatServer server({"--handshake-timeout", off, "--frame-timeout", off, "--idle-timeout", off,
                       "--write-timeout", off});
    ChatClient unnamed(server.port());
    unnamed.send_raw(client_frame(Request::set_name, "ann").substr(0, 5));
    ChatClient idle = in_lobby(server, "idle");
    ChatClient talker = in_lobby(server, "talker");
    const Clock::time_point begin = Clock::now();
    while (Clock::now() - begin < 2 * limit)
        talker.fence();
    idle.fence();
    unnamed.send_raw(client_frame(Request::set_name, "ann").substr(5));
    CHECK(unnamed.read() == success(Request::set_name, ""));
}

}  // namespace ringside::test
