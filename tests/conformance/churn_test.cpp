// Rooms that fill and empty all the time: the last member leaves while the next is on its way, and
// clients vanish in between. Whatever a server does when a room gets its first member and
// loses its last, nobody may be lost, served twice, or left waiting.

#include <algorithm>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <random>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using Messages = std::vector<std::string>;

struct Visit {
    std::string room;
    std::string text;  // empty: says nothing
};

std::string frames_of(const Visit& visit) {
    std::string bytes = client_frame(Request::connect_chat, visit.room);
    if (!visit.text.empty()) bytes += client_frame(Request::send_message, visit.text);
    return bytes + client_frame(Request::leave_chat);
}

// Reads what a visit is answered with; returns the messages seen.
Messages read_visit(ChatClient& client, const Visit& visit) {
    const Frame joined = client.read();
    if (!(joined == success(Request::connect_chat, visit.room))) {
        throw ClientError("expected to be in room " + visit.room);
    }
    Messages seen;
    while (true) {
        const Frame frame = client.read();
        if (frame == success(Request::get_chats, "even\nodd\n")) return seen;
        const Message message = message_of(frame);
        seen.push_back(message.user + ": " + message.text);
    }
}

// Many short visits, several of them sent ahead; returns what it said, by room.
std::map<std::string, Messages> visit_often(ChatClient client, std::string name, unsigned seed) {
    std::mt19937 random(seed);
    std::map<std::string, Messages> said;
    for (int round = 0; round < 60; ++round) {
        std::vector<Visit> visits(1 + random() % 4);
        std::string bytes;
        for (std::size_t i = 0; i < visits.size(); ++i) {
            visits[i].room = random() % 2 == 0 ? "even" : "odd";
            if (random() % 8 == 0) visits[i].text = std::to_string(round) + "." + std::to_string(i);
            bytes += frames_of(visits[i]);
        }
        client.send_raw(bytes);
        for (const Visit& visit : visits) {
            const Messages seen = read_visit(client, visit);
            if (visit.text.empty()) continue;
            const std::string own = name + ": " + visit.text;
            if (std::ranges::count(seen, own) != 1) throw ClientError("not seen once: " + own);
            said[visit.room].push_back(own);
        }
    }
    return said;
}

// Joins and is gone, at any moment in between.
void vanish_often(std::uint16_t port, std::string name, unsigned seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < 60; ++round) {
        ChatClient client(port);
        std::string bytes =
            client_frame(Request::set_name, name + std::to_string(round)) +
            client_frame(Request::connect_chat, random() % 2 == 0 ? "even" : "odd") +
            client_frame(Request::leave_chat);
        bytes.resize(random() % (bytes.size() + 1));
        client.send_raw(bytes);
        if (random() % 2 == 0) static_cast<void>(client.readable());
        if (random() % 3 == 0) {
            client.reset();
        } else {
            client.close();
        }
    }
}

}  // namespace

TEST_CASE("rooms that fill and empty all the time lose nobody and no message") {
    constexpr int visitors = 3;
    const unsigned seed = GENERATE(1U, 2U, 3U);
    CAPTURE(seed);
    ChatServer server;
    ChatClient maker = in_lobby(server, "maker");
    create_room(maker, "even");
    create_room(maker, "odd");
    maker.send(Request::disconnect);
    maker.expect_closed();

    std::vector<std::future<std::map<std::string, Messages>>> visiting;
    for (int i = 0; i < visitors; ++i) {
        const std::string name = "visitor" + std::to_string(i);
        visiting.push_back(std::async(std::launch::async, visit_often, in_lobby(server, name), name,
                                      seed * 100 + static_cast<unsigned>(i)));
    }
    std::future<void> vanishing = std::async(std::launch::async, vanish_often, server.port(),
                                             std::string("ghost"), seed * 100 + 50);
    std::map<std::string, Messages> said;
    for (auto& visitor : visiting) {
        for (auto& [room, messages] : visitor.get()) {
            said[room].insert(said[room].end(), messages.begin(), messages.end());
        }
    }
    vanishing.get();

    for (const char* room : {"even", "odd"}) {
        CAPTURE(room);
        Messages history = history_of(server, room);
        // Everything is there once; one sender's messages, which were said one after the other,
        // stand in that order.
        for (int i = 0; i < visitors; ++i) {
            const std::string mark = "visitor" + std::to_string(i) + ": ";
            const auto own = [&mark](const std::string& line) { return line.starts_with(mark); };
            Messages in_history;
            Messages spoken;
            std::ranges::copy_if(history, std::back_inserter(in_history), own);
            std::ranges::copy_if(said[room], std::back_inserter(spoken), own);
            CHECK(in_history == spoken);
        }
        CHECK(history.size() == said[room].size());
    }
}

TEST_CASE("a room that empties and fills again goes on where it was") {
    ChatServer server;
    ChatClient ann = in_room(server, "ann", "room");
    Messages expected;
    for (int round = 0; round < 100; ++round) {
        const std::string text = std::to_string(round);
        say(ann, text);
        expect_message(ann, "ann", text);
        expected.push_back("ann: " + text);
        leave(ann);
        join(ann, "room");
        for (const std::string& line : expected) {
            const Message message = message_of(ann.read());
            REQUIRE(message.user + ": " + message.text == line);
        }
    }
    leave(ann);
    CHECK(history_of(server, "room") == expected);
}

}  // namespace ringside::test
