// The metrics that servers are compared by count the same things in each of them.

#include <catch2/catch.hpp>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

// Symptom: who left a room in which nothing happened was counted until somebody spoke.
TEST_CASE("members are counted as they come and go, also in a room that is quiet") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    server.await_metric("ringside_members", 2);
    leave(bob);
    server.await_metric("ringside_members", 1);
    server.await_metric("ringside_connections", 2);
    ann.send(Request::disconnect);
    server.await_metric("ringside_members", 0);
    server.await_metric("ringside_connections", 1);  // although ann stays
}

TEST_CASE("only connections that are served are counted as accepted") {
    ChatServer server({"--max-connections", "2"});
    const ChatClient ann = in_lobby(server, "ann");
    const ChatClient bob = in_lobby(server, "bob");
    for (int i = 0; i < 3; ++i) {
        ChatClient turned_away(server.port());
        turned_away.expect_closed();
    }
    server.await_metric("ringside_drops_total", 3, "server_full");
    CHECK(server.metric("ringside_connections_total") == 2);
}

TEST_CASE("messages, deliveries, writes and refusals are counted one by one") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    for (int i = 0; i < 10; ++i) {
        say(ann, "x");
        expect_message(ann, "ann", "x");
        expect_message(bob, "ann", "x");
    }
    expect_refusal(bob.ask(Request::send_message, ""), Request::send_message);
    server.await_metric("ringside_refusals_total", 1);
    CHECK(server.metric("ringside_messages_in_total") == 10);
    CHECK(server.metric("ringside_deliveries_total") == 20);
    CHECK(server.metric("ringside_appends_total") == 10);
    CHECK(server.metric("ringside_append_failures_total") == 0);
}

}  // namespace ringside::test
