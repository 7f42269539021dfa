// The tables "Frames" and "A session" of docs/protocol.md: which stage knows which request, and
// what each is answered with.

#include <catch2/catch.hpp>
#include <ctime>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

const Request all_of_the_clients[] = {
    Request::set_name,     Request::create_chat, Request::connect_chat,
    Request::send_message, Request::leave_chat,  Request::hello,
};

// Values that no client may send: the server's own, and such that nobody knows.
const std::uint32_t foreign[] = {6, 7, 8, 10, 11, 12, 255, 256, 0x01000000, 0x80000000, 0xFFFFFFFF};

void refuses_foreign_values(ChatClient& client) {
    for (const std::uint32_t request : foreign) {
        CAPTURE(request);
        expect_refusal(client.ask(static_cast<Request>(request), "text"), Request::wrong_request);
        expect_refusal(client.ask(static_cast<Request>(request)), Request::wrong_request);
    }
}

}  // namespace

TEST_CASE("a legal name is answered by success and the room list, empty at first") {
    ChatServer server;
    ChatClient client(server.port());
    CHECK(client.ask(Request::set_name, "ann") == success(Request::set_name, ""));
    CHECK(client.read() == success(Request::get_chats, ""));
    client.fence();
}

TEST_CASE("an unnamed client is refused everything but a name, and keeps its stage") {
    ChatServer server;
    ChatClient maker = in_lobby(server, "maker");
    create_room(maker, "room");
    ChatClient client(server.port());
    for (const Request request : all_of_the_clients) {
        if (request == Request::set_name) continue;
        CAPTURE(static_cast<int>(request));
        expect_refusal(client.ask(request, "room"), request);
    }
    CHECK(enter(client, "ann") == std::vector<std::string>{"room"});
}

TEST_CASE("a client in the lobby is refused what needs a room and a second name, and stays") {
    ChatServer server;
    ChatClient client = in_lobby(server, "ann");
    for (const Request request :
         {Request::set_name, Request::send_message, Request::leave_chat, Request::hello}) {
        CAPTURE(static_cast<int>(request));
        expect_refusal(client.ask(request, "bob"), request);
    }
    const ChatClient bob = in_lobby(server, "bob");  // the refused attempt did not take the name
    CHECK(bob.fd() >= 0);
    create_room(client, "room");
}

TEST_CASE("a client in a room is refused what belongs to the lobby, and stays") {
    ChatServer server;
    ChatClient client = in_room(server, "ann", "room");
    for (const Request request :
         {Request::set_name, Request::create_chat, Request::connect_chat, Request::hello}) {
        CAPTURE(static_cast<int>(request));
        expect_refusal(client.ask(request, "room"), request);
    }
    expect_refusal(client.ask(Request::create_chat, "another"), Request::create_chat);
    say(client, "still here");
    expect_message(client, "ann", "still here");
    client.send(Request::leave_chat);
    CHECK(read_list(client) == std::vector<std::string>{"room"});
}

TEST_CASE("request values that are not the client's are answered by wrong_request in any stage") {
    ChatServer server;
    ChatClient client(server.port());
    refuses_foreign_values(client);
    enter(client, "ann");
    refuses_foreign_values(client);
    create_room(client, "room");
    refuses_foreign_values(client);
    join(client, "room");
    refuses_foreign_values(client);
    say(client, "still here");
    expect_message(client, "ann", "still here");
}

TEST_CASE("disconnect closes the connection in any stage and frees the name") {
    ChatServer server;
    {
        ChatClient unnamed(server.port());
        unnamed.send(Request::disconnect);
        unnamed.expect_closed();
    }
    {
        ChatClient client = in_lobby(server, "ann");
        client.send(Request::disconnect);
        client.expect_closed();
    }
    {
        ChatClient client = in_room(server, "ann", "room");
        client.send(Request::disconnect);
        client.expect_closed();
    }
    ChatClient again(server.port());
    CHECK(enter(again, "ann") == std::vector<std::string>{"room"});
}

TEST_CASE("a client that closes is gone as one that said disconnect, whatever its stage") {
    ChatServer server;
    ChatClient maker = in_lobby(server, "maker");
    create_room(maker, "room");
    const auto go = [&](int how, ChatClient client) {
        if (how == 0) client.close();
        if (how == 1) client.reset();
        if (how == 2) {
            client.finish_sending();
            client.expect_closed();
        }
    };
    for (const int how : {0, 1, 2}) {
        CAPTURE(how);
        go(how, ChatClient(server.port()));
        ChatClient in_the_lobby(server.port());
        enter_when_free(in_the_lobby, "ann");
        go(how, std::move(in_the_lobby));
        ChatClient in_the_room(server.port());
        enter_when_free(in_the_room, "ann");
        join(in_the_room, "room");
        go(how, std::move(in_the_room));
    }
    ChatClient again(server.port());
    enter_when_free(again, "ann");
}

TEST_CASE("what a client sent before it closed is worked off") {
    ChatServer server;
    ChatClient witness = in_room(server, "witness", "room");
    ChatClient client = in_room(server, "ann", "room");
    const int how = GENERATE(0, 1, 2);
    CAPTURE(how);
    std::string bytes = client_frame(Request::send_message, "one");
    bytes += client_frame(Request::send_message, "last words");
    if (how == 0) bytes += client_frame(Request::disconnect);
    client.send_raw(bytes);
    if (how == 1) client.finish_sending();
    if (how == 2) client.close();
    expect_message(witness, "ann", "one");
    expect_message(witness, "ann", "last words");
}

TEST_CASE("a name in use is refused until its owner is gone, and the client may choose another") {
    ChatServer server;
    ChatClient ann = in_lobby(server, "ann");
    ChatClient other(server.port());
    expect_refusal(other.ask(Request::set_name, "ann"), Request::set_name);
    expect_refusal(other.ask(Request::set_name, "ann"), Request::set_name);
    CHECK(enter(other, "Ann").empty());
    create_room(ann, "room");
    CHECK(read_list(other) == std::vector<std::string>{"room"});
    join(ann, "room");
    ChatClient third(server.port());
    expect_refusal(third.ask(Request::set_name, "ann"), Request::set_name);
    ann.send(Request::disconnect);
    ann.expect_closed();
    enter(third, "ann");
}

TEST_CASE("a refused name is not kept from anybody") {
    ChatServer server;
    ChatClient first(server.port());
    expect_refusal(first.ask(Request::set_name, "two words"), Request::set_name);
    ChatClient ann = in_lobby(server, "ann");
    expect_refusal(first.ask(Request::set_name, "ann"), Request::set_name);
    ann.send(Request::disconnect);
    ann.expect_closed();
    enter(first, "ann");
}

TEST_CASE("a member's message goes to every member, the sender included, and to nobody else") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    ChatClient elsewhere = in_room(server, "cem", "elsewhere");
    ChatClient lobby = in_lobby(server, "dee");
    say(ann, "hello");
    expect_message(ann, "ann", "hello");
    expect_message(bob, "ann", "hello");
    say(bob, "hello yourself");
    expect_message(ann, "bob", "hello yourself");
    expect_message(bob, "bob", "hello yourself");
    for (ChatClient* client : {&ann, &bob, &elsewhere, &lobby}) {
        client->fence();
        client->send(Request::disconnect);
        client->expect_closed();
    }
}

TEST_CASE("a message carries its sender's name and the local time") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    const std::time_t before = std::time(nullptr);
    say(ann, "tab\tand\nline");
    const Message message = expect_message(ann, "ann", "tab\tand\nline");
    std::tm parsed{};
    const char* end = ::strptime(message.time.c_str(), "%H:%M:%S %m/%d/%y", &parsed);
    REQUIRE(end == message.time.c_str() + message.time.size());
    parsed.tm_isdst = -1;
    const std::time_t time = std::mktime(&parsed);
    CHECK(time >= before - 1);
    CHECK(time <= std::time(nullptr));
}

TEST_CASE("leaving brings the list, and nothing of the room afterwards") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    ChatClient bob = in_room(server, "bob", "room");
    leave(ann);
    say(bob, "after you");
    expect_message(bob, "bob", "after you");
    ann.fence();
    expect_refusal(ann.ask(Request::send_message, "from outside"), Request::send_message);
    join(ann, "room");
    expect_message(ann, "bob", "after you");
}

TEST_CASE("requests sent together are answered in their order") {
    ChatServer server;
    ChatClient client(server.port());
    std::string bytes = client_frame(Request::send_message, "too early");
    bytes += client_frame(Request::set_name, "ann");
    bytes += client_frame(Request::create_chat, "room");
    bytes += client_frame(Request::create_chat, "room");
    bytes += client_frame(Request::connect_chat, "nowhere");
    bytes += client_frame(Request::connect_chat, "room");
    bytes += client_frame(Request::leave_chat);
    bytes += client_frame(Request::leave_chat);
    bytes += client_frame(Request::connect_chat, "room");
    bytes += client_frame(Request::disconnect);
    bytes += client_frame(Request::set_name, "nobody reads this");
    client.send_raw(bytes);
    expect_refusal(client.read(), Request::send_message);
    CHECK(client.read() == success(Request::set_name, ""));
    CHECK(client.read() == success(Request::get_chats, ""));
    CHECK(client.read() == success(Request::get_chats, "room\n"));
    expect_refusal(client.read(), Request::create_chat);
    expect_refusal(client.read(), Request::connect_chat);
    CHECK(client.read() == success(Request::connect_chat, "room"));
    CHECK(client.read() == success(Request::get_chats, "room\n"));
    expect_refusal(client.read(), Request::leave_chat);
    CHECK(client.read() == success(Request::connect_chat, "room"));
    client.expect_closed();
}

// Symptom: `printf FRAMES | nc -N` printed nothing: the end of what the client sends closed the
// connection at once, with all its answers.
TEST_CASE("a client that ends its sending still gets the answer to everything it asked") {
    constexpr int asked = 3000;  // more answers than the server queues for one client
    ChatServer server;
    ChatClient maker = in_room(server, "maker", "room");
    ChatClient client(server.port());
    std::string bytes;
    for (int i = 0; i < asked; ++i)
        bytes += client_frame(Request::send_message, "too early");
    bytes += client_frame(Request::set_name, "ann");
    bytes += client_frame(Request::create_chat, "room");
    bytes += client_frame(Request::connect_chat, "room");
    bytes += client_frame(Request::send_message, "last words");
    bytes += client_frame(Request::create_chat, "not from here");
    client.send_raw(bytes);
    client.finish_sending();
    for (int i = 0; i < asked; ++i)
        expect_refusal(client.read(), Request::send_message);
    CHECK(client.read() == success(Request::set_name, ""));
    CHECK(client.read() == success(Request::get_chats, "room\n"));
    expect_refusal(client.read(), Request::create_chat);
    CHECK(client.read() == success(Request::connect_chat, "room"));
    Frame frame = client.read();
    if (frame.request == Request::receive_message) frame = client.read();
    expect_refusal(frame, Request::create_chat);
    while (client.read_or_closed()) {
    }
    expect_message(maker, "ann", "last words");
}

}  // namespace ringside::test
