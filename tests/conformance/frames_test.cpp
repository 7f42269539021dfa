// Frames as TCP delivers them: cut anywhere, many at once, begun and never finished.

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

// A session that touches every stage. The rooms exist and are not changed by it, so that every run
// of it is answered alike: nothing it says is a legal message.
std::string session_bytes(const std::string& name) {
    std::string bytes = client_frame(Request::set_name, "not legal");
    bytes += client_frame(Request::set_name, name);
    bytes += client_frame(Request::create_chat, "room");
    bytes += client_frame(Request::connect_chat, "room");
    bytes += client_frame(Request::send_message, "\xFF");
    bytes += client_frame(static_cast<Request>(99), "x");
    bytes += client_frame(Request::leave_chat);
    bytes += client_frame(Request::disconnect);
    return bytes;
}

void expect_session(ChatClient& client) {
    expect_refusal(client.read(), Request::set_name);
    CHECK(client.read() == success(Request::set_name, ""));
    CHECK(client.read() == success(Request::get_chats, "room\n"));
    expect_refusal(client.read(), Request::create_chat);
    CHECK(client.read() == success(Request::connect_chat, "room"));
    expect_refusal(client.read(), Request::send_message);
    expect_refusal(client.read(), Request::wrong_request);
    CHECK(client.read() == success(Request::get_chats, "room\n"));
    client.expect_closed();
}

// From ann's message to bob's receipt, in the middle of 100.
std::chrono::nanoseconds median_round_trip(ChatClient& ann, ChatClient& bob) {
    std::vector<std::chrono::nanoseconds> trips;
    for (int i = 0; i < 100; ++i) {
        const std::string text = "message " + std::to_string(i);
        const auto begin = std::chrono::steady_clock::now();
        say(ann, text);
        expect_message(bob, "ann", text);
        trips.push_back(std::chrono::steady_clock::now() - begin);
        expect_message(ann, "ann", text);
    }
    std::nth_element(trips.begin(), trips.begin() + 50, trips.end());
    return trips[50];
}

}  // namespace

TEST_CASE("a session cut at every byte is answered as one that came whole") {
    ChatServer server;
    ChatClient other = in_lobby(server, "other");
    create_room(other, "room");
    const std::size_t size = session_bytes("user000").size();
    for (std::size_t cut = 0; cut <= size; ++cut) {
        CAPTURE(cut);
        const std::string bytes = session_bytes("user" + std::to_string(1000 + cut).substr(1));
        ChatClient client(server.port());
        client.send_raw(std::string_view(bytes).substr(0, cut));
        // The server has been through its loop since the first part came: most likely it saw the
        // two parts apart.
        other.fence();
        client.send_raw(std::string_view(bytes).substr(cut));
        expect_session(client);
    }
}

TEST_CASE("a session that comes byte by byte is answered as one that came whole") {
    ChatServer server;
    ChatClient other = in_lobby(server, "other");
    create_room(other, "room");
    ChatClient client(server.port());
    const std::string bytes = session_bytes("user000");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        client.send_raw(std::string_view(bytes).substr(i, 1));
        other.fence();
    }
    expect_session(client);
}

TEST_CASE("a message cut at every byte arrives whole, and others speak meanwhile") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    const std::string bytes = client_frame(Request::send_message, "cut in two");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        ann.send_raw(std::string_view(bytes).substr(0, cut));
        if (cut == bytes.size()) expect_message(bob, "ann", "cut in two");
        say(bob, "meanwhile");
        expect_message(bob, "bob", "meanwhile");
        ann.send_raw(std::string_view(bytes).substr(cut));
        if (cut != bytes.size()) expect_message(bob, "ann", "cut in two");
    }
}

TEST_CASE("a thousand frames in one write are all worked off in order") {
    constexpr int count = 1000;
    ChatServer server;
    ChatClient client = in_room(server, "ann", "room");
    std::string bytes;
    for (int i = 0; i < count; ++i) {
        bytes += client_frame(Request::send_message, "message " + std::to_string(i));
    }
    client.send_raw(bytes);
    for (int i = 0; i < count; ++i)
        expect_message(client, "ann", "message " + std::to_string(i));
}

TEST_CASE("clients with half a frame delay nobody and are served when the rest comes") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    const auto alone = median_round_trip(ann, bob);
    const std::string half = client_frame(Request::send_message, "half a frame").substr(0, 17);
    const std::string rest = client_frame(Request::send_message, "half a frame").substr(17);
    std::vector<std::unique_ptr<ChatClient>> halves;
    for (int i = 0; i < 30; ++i) {
        const std::string name = "half" + std::to_string(i);
        if (i % 3 == 0) halves.push_back(std::make_unique<ChatClient>(server.port()));
        if (i % 3 == 1) halves.push_back(std::make_unique<ChatClient>(in_lobby(server, name)));
        if (i % 3 == 2) {
            halves.push_back(std::make_unique<ChatClient>(in_room(server, name, "room")));
        }
        halves.back()->send_raw(half);
    }
    // Generous: what it must not be is a time limit of anybody's half frame.
    CHECK(median_round_trip(ann, bob) < 10 * alone + std::chrono::milliseconds(50));
    for (std::size_t i = 0; i < halves.size(); i += 3) {
        halves[i]->send_raw(rest);
        expect_refusal(halves[i]->read(), Request::send_message);
    }
    halves[2]->send_raw(rest);
    expect_message(ann, "half2", "half a frame");
}

TEST_CASE("a client that closes in the middle of a frame leaves nothing of it behind") {
    ChatServer server;
    ChatClient witness = in_room(server, "witness", "room");
    const std::string bytes = client_frame(Request::send_message, "never finished");
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        ChatClient client(server.port());
        enter_when_free(client, "ann");
        join(client, "room");
        client.send_raw(std::string_view(bytes).substr(0, cut));
        if (cut % 2 == 0) client.reset();
        client.close();
    }
    ChatClient again(server.port());
    enter_when_free(again, "ann");
    join(again, "room");
    say(again, "finished");
    expect_message(witness, "ann", "finished");
}

}  // namespace ringside::test
