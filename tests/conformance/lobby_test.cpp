// Rooms as the lobby sees them: creation, the list and who is told, and names that users think of.

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("everybody in the lobby is told of a new room, nobody in a room and no unnamed client") {
    ChatServer server;
    ChatClient member = in_room(server, "member", "first");
    ChatClient unnamed(server.port());
    ChatClient ann = in_lobby(server, "ann");
    ChatClient bob = in_lobby(server, "bob");
    create_room(ann, "second");
    CHECK(read_list(bob) == Names{"first", "second"});
    create_room(bob, "third");
    CHECK(read_list(ann) == Names{"first", "second", "third"});
    member.fence();
    unnamed.fence();
    leave(member);
    for (ChatClient* client : {&member, &unnamed, &ann, &bob}) {
        client->fence();
        client->send(Request::disconnect);
        client->expect_closed();
    }
}

TEST_CASE("a room that exists is refused to its second creator, and nobody is told") {
    ChatServer server;
    ChatClient ann = in_lobby(server, "ann");
    ChatClient bob = in_lobby(server, "bob");
    create_room(ann, "room");
    CHECK(read_list(bob) == Names{"room"});
    expect_refusal(bob.ask(Request::create_chat, "room"), Request::create_chat);
    expect_refusal(ann.ask(Request::create_chat, "room"), Request::create_chat);
    ann.fence();
    bob.fence();
}

TEST_CASE("a room that does not exist is refused and the client stays in the lobby") {
    ChatServer server;
    ChatClient client = in_lobby(server, "ann");
    expect_refusal(client.ask(Request::connect_chat, "nowhere"), Request::connect_chat);
    expect_refusal(client.ask(Request::connect_chat, ""), Request::connect_chat);
    ChatClient other = in_lobby(server, "bob");
    create_room(other, "room");
    CHECK(read_list(client) == Names{"room"});
    join(client, "room");
}

TEST_CASE("the list has the rooms in the order of their creation, for everybody alike") {
    ChatServer server;
    Names expected;
    ChatClient ann = in_lobby(server, "ann");
    ChatClient bob = in_lobby(server, "bob");
    for (const char* name : {"zebra", "Apple", "apple", "mango", "10", "9", "\xC3\xA9", "~"}) {
        expected.emplace_back(name);
        ChatClient& creator = expected.size() % 2 == 0 ? ann : bob;
        ChatClient& other = expected.size() % 2 == 0 ? bob : ann;
        creator.send(Request::create_chat, name);
        CHECK(read_list(creator) == expected);
        CHECK(read_list(other) == expected);
    }
    ChatClient late(server.port());
    CHECK(enter(late, "late") == expected);
    join(late, "mango");
    late.send(Request::leave_chat);
    CHECK(read_list(late) == expected);
}

TEST_CASE("lists may be skipped when rooms come fast, but the newest always arrives") {
    constexpr int rooms = 200;
    ChatServer server;
    ChatClient watcher = in_lobby(server, "watcher");
    ChatClient creator = in_lobby(server, "creator");
    Names expected;
    std::string bytes;
    for (int i = 0; i < rooms; ++i) {
        expected.push_back("room" + std::to_string(i));
        bytes += client_frame(Request::create_chat, expected.back());
    }
    creator.send_raw(bytes);
    for (ChatClient* client : {&creator, &watcher}) {
        Names list;
        while (list.size() < rooms) {
            const Names newer = read_list(*client);
            REQUIRE(newer.size() >= list.size());
            REQUIRE(begins_with(newer, list));
            list = newer;
        }
        CHECK(list == expected);
        client->fence();
    }
}

TEST_CASE("room names that look like paths or patterns are names like any other") {
    const Names names = {"/",
                         "/etc/passwd",
                         ".",
                         "..",
                         "...",
                         ".hidden",
                         "../../../up",
                         "a/b",
                         "a%2Fb",
                         "%",
                         "*",
                         "-rf",
                         "C:\\con",
                         "room",
                         "Room",
                         "room.chat",
                         "room.idx",
                         ".lock",
                         "\xC3\xA9t\xC3\xA9",
                         "\xE6\x9D\xB1\xE4\xBA\xAC",
                         "\xF0\x9F\xA5\x8A",
                         std::string(64, '/'),
                         std::string(64, '.')};
    ChatServer server;
    ChatClient ann = in_lobby(server, "ann");
    for (const std::string& name : names)
        create_room(ann, name);
    for (const std::string& name : names) {
        join(ann, name);
        say(ann, "in " + name);
        expect_message(ann, "ann", "in " + name);
        leave(ann);
    }
    ann.close();
    server.stop();
    // Outside the data folder nothing came to be but what the suite itself keeps there.
    for (const auto& entry : std::filesystem::directory_iterator(server.folder())) {
        const std::string name = entry.path().filename();
        CAPTURE(name);
        CHECK((name == "data" || name == "port" || name == "stderr"));
    }
    for (const auto& entry : std::filesystem::directory_iterator(server.folder() / "data")) {
        CAPTURE(entry.path().string());
        CHECK(entry.is_regular_file());
    }
    server.start();
    ChatClient again(server.port());
    CHECK(enter(again, "ann") == names);
    for (const std::string& name : names) {
        join(again, name);
        expect_message(again, "ann", "in " + name);
        leave(again);
    }
}

TEST_CASE("user names of any script are shown as they were given") {
    ChatServer server;
    ChatClient witness = in_room(server, "witness", "room");
    for (const char* name : {"\xC3\xA9t\xC3\xA9", "\xE6\x9D\xB1\xE4\xBA\xAC", "\xF0\x9F\xA5\x8A",
                             "/", "..", "a:b", "<b>", "%s%n"}) {
        ChatClient client = in_room(server, name, "room");
        say(client, "hello");
        expect_message(witness, name, "hello");
    }
}

}  // namespace ringside::test
