// "Order, and what is never lost" of docs/protocol.md, promises 1, 3 and 4; durability_test.cpp has
// the second. Clients run in threads of their own; what they saw is compared when all are done.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <random>
#include <string>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using Messages = std::vector<std::string>;

// One sender's messages, as "user: text" with a running number at the end, keep their order.
bool each_sender_in_order(const Messages& messages) {
    std::map<std::string, int> next;
    for (const std::string& message : messages) {
        const std::size_t space = message.rfind(' ');
        int& expected = next[message.substr(0, message.find(':'))];
        if (std::stoi(message.substr(space + 1)) != expected++) return false;
    }
    return true;
}

// Where readers are slow, those who talk without end make histories grow faster than they are read.
constexpr int said_max = 20'000;

// Says a message, waits for its own copy, and so on until told to stop, but not more than said_max;
// returns all it saw. Its last message has the text "last of NAME". Behind said_max it reads
// nothing until it is told to stop.
Messages talk(ChatClient client, const std::string& name, const std::atomic<bool>& stop) {
    Messages seen;
    const auto say_and_see = [&](const std::string& text) {
        say(client, text);
        const Messages some = read_until(client, text);
        seen.insert(seen.end(), some.begin(), some.end());
    };
    for (int i = 0; i < said_max && !stop.load(); ++i)
        say_and_see(name + " " + std::to_string(i));
    stop.wait(false);
    say_and_see("last of " + name);
    return seen;
}

// Members that talk until told to stop (or said_max), or until the test fails: one that went on
// would keep a failed test from ending.
class Talkers {
 public:
    Talkers() = default;
    Talkers(const Talkers&) = delete;
    Talkers& operator=(const Talkers&) = delete;
    ~Talkers() { tell_to_stop(); }

    void start(const ChatServer& server, const std::string& name, const std::string& room) {
        sights_.push_back(std::async(std::launch::async,
                                     [this, name, client = in_room(server, name, room)]() mutable {
                                         return talk(std::move(client), name, stop_);
                                     }));
    }

    /// What each of them saw, in the order of their start.
    std::vector<Messages> stop() {
        tell_to_stop();
        std::vector<Messages> sights;
        for (std::future<Messages>& sight : sights_)
            sights.push_back(sight.get());
        return sights;
    }

 private:
    void tell_to_stop() {
        stop_.store(true);
        stop_.notify_all();
    }

    std::atomic<bool> stop_{false};  // true once they shall end
    std::vector<std::future<Messages>> sights_;
};

}  // namespace

TEST_CASE("all members see one order of a room, in which each sender's messages keep theirs") {
    constexpr int members = 8;
    constexpr int each = 200;
    ChatServer server;
    std::vector<ChatClient> clients;
    for (int i = 0; i < members; ++i) {
        clients.push_back(in_room(server, "user" + std::to_string(i), "room"));
    }
    std::vector<std::future<Messages>> sights;
    for (ChatClient& client : clients) {
        sights.push_back(std::async(std::launch::async, [&client] {
            for (int i = 0; i < each; ++i)
                say(client, std::to_string(i).insert(0, "number "));
            Messages seen;
            while (seen.size() < members * each) {
                const Message message = message_of(client.read());
                seen.push_back(message.user + ": " + message.text);
            }
            return seen;
        }));
    }
    const Messages first = sights.front().get();
    CHECK(each_sender_in_order(first));
    for (std::size_t i = 1; i < sights.size(); ++i) {
        CAPTURE(i);
        CHECK((sights[i].get() == first));
    }
    CHECK((history_of(server, "room") == first));
}

// The uring server serves 256 of them in a turn.
TEST_CASE("a huge room's members all get everything, whoever leaves or comes meanwhile") {
    const ChatServer server;
    constexpr std::size_t huge = 300;
    constexpr int said = 60;
    std::vector<ChatClient> members;
    for (std::size_t i = 0; i < huge; ++i)
        members.push_back(in_room(server, "member" + std::to_string(i), "huge"));
    for (int i = 0; i < said; ++i) {
        say(members.front(), "said " + std::to_string(i));
        if (i % 3 == 1) members.pop_back();
        if (i % 3 == 2) {
            members.push_back(in_room(server, "comer" + std::to_string(i), "huge"));
        }
    }
    say(members.front(), "the last");
    // Others take the places of these while it is handed out.
    members.erase(members.begin() + 1, members.begin() + 40);
    for (ChatClient& member : members)
        CHECK(read_until(member, "the last").size() == said + 1);
}

TEST_CASE("who joins while others speak gets the history and what follows, no gap and no repeat") {
    constexpr int visits = 20;
    ChatServer server;
    Talkers talkers;
    for (const char* name : {"ann", "bob", "cem"})
        talkers.start(server, name, "room");
    ChatClient visitor = in_lobby(server, "visitor");
    std::vector<Messages> sights;
    for (int visit = 0; visit < visits; ++visit) {
        join(visitor, "room");
        const std::string text = "visit " + std::to_string(visit);
        say(visitor, text);
        Messages seen = read_until(visitor, text);
        visitor.send(Request::leave_chat);
        // What came between the own message and the leave belongs to the visit; nothing comes
        // after.
        for (Frame frame = visitor.read(); frame.request != Request::get_chats;
             frame = visitor.read()) {
            const Message message = message_of(frame);
            seen.push_back(message.user + ": " + message.text);
        }
        visitor.fence();
        sights.push_back(std::move(seen));
    }
    for (Messages& seen : talkers.stop())
        sights.push_back(std::move(seen));
    const Messages history = history_of(server, "room");
    for (const Messages& seen : sights) {
        CAPTURE(seen.size());
        CHECK(begins_with(history, seen));
    }
    CHECK(sights.front().size() < history.size());
}

TEST_CASE("a member that leaves gets all it said before, and then the list") {
    constexpr int count = 100;
    ChatServer server;
    Talkers talkers;
    talkers.start(server, "talker", "room");
    ChatClient client = in_lobby(server, "ann");
    std::vector<Messages> sights;
    for (int visit = 0; visit < 10; ++visit) {
        std::string bytes = client_frame(Request::connect_chat, "room");
        for (int i = 0; i < count; ++i) {
            bytes += client_frame(Request::send_message,
                                  std::to_string(visit) + "." + std::to_string(i));
        }
        bytes += client_frame(Request::leave_chat);
        client.send_raw(bytes);
        CHECK(client.read() == success(Request::connect_chat, "room"));
        Messages seen;
        int own = 0;
        for (Frame frame = client.read(); frame.request != Request::get_chats;
             frame = client.read()) {
            const Message message = message_of(frame);
            seen.push_back(message.user + ": " + message.text);
            own += message.user == "ann" ? 1 : 0;
        }
        CHECK(own == (visit + 1) * count);
        client.fence();
        sights.push_back(std::move(seen));
    }
    for (Messages& seen : talkers.stop())
        sights.push_back(std::move(seen));
    const Messages history = history_of(server, "room");
    for (const Messages& seen : sights)
        CHECK(begins_with(history, seen));
}

TEST_CASE("rooms do not mix however many members move between them") {
    constexpr int moves = 40;
    ChatServer server;
    Talkers talkers;
    const std::string rooms[] = {"red", "green", "blue"};
    for (const std::string& room : rooms)
        talkers.start(server, "in-" + room, room);
    std::vector<std::future<std::vector<Messages>>> movers;
    for (int mover = 0; mover < 3; ++mover) {
        const std::string name = "mover" + std::to_string(mover);
        movers.push_back(std::async(std::launch::async, [&, name, mover] {
            ChatClient client = in_lobby(server, name);
            std::vector<Messages> sights(3);  // the longest of each room
            for (int move = 0; move < moves; ++move) {
                const auto at = static_cast<std::size_t>(mover + move) % 3;
                join(client, rooms[at]);
                client.send(Request::leave_chat);
                Messages seen;
                for (Frame frame = client.read(); frame.request != Request::get_chats;
                     frame = client.read()) {
                    const Message message = message_of(frame);
                    seen.push_back(message.user + ": " + message.text);
                }
                if (!begins_with(seen, sights[at])) throw ClientError("a history has changed");
                sights[at] = std::move(seen);
            }
            return sights;
        }));
    }
    std::vector<std::vector<Messages>> moved;
    for (auto& mover : movers)
        moved.push_back(mover.get());
    const std::vector<Messages> talked = talkers.stop();
    for (std::size_t at = 0; at < 3; ++at) {
        for (const auto& sights : moved)
            CHECK(begins_with(talked[at], sights[at]));
        CHECK(begins_with(history_of(server, rooms[at]), talked[at]));
    }
}

TEST_CASE("a frame goes to the connection it was meant for while descriptors are reused") {
    // Clients come and go without reading to the end, at every stage, so that the server has frames
    // in hand for connections that are gone and their descriptors belong to others.
    constexpr int churners = 4;
    constexpr int visits = 60;
    const std::uint32_t seed = Catch::rngSeed();  // --rng-seed
    CAPTURE(seed);
    ChatServer server;
    Talkers talkers;
    const std::string rooms[] = {"red", "blue"};
    for (const std::string& room : rooms)
        talkers.start(server, room, room);
    const auto churn = [&](unsigned churner) {
        std::mt19937 random(seed + churner);
        for (int visit = 0; visit < visits; ++visit) {
            const std::string name = std::to_string(churner) + "-" + std::to_string(visit);
            const std::string& room = rooms[random() % 2];
            ChatClient client(server.port());
            const auto stage = static_cast<unsigned>(random() % 8);
            if (stage == 0) client.send(Request::set_name, name);  // and is gone
            if (stage >= 1) enter(client, name);
            if (stage == 1) client.send(Request::connect_chat, room);
            if (stage >= 2) join(client, room);
            if (stage >= 3) {
                // The talker's first messages, in order, and only this room's.
                const auto count = static_cast<unsigned>(random() % 10);
                for (unsigned i = 0; i < count; ++i) {
                    expect_message(client, room, room + " " + std::to_string(i));
                }
            }
            if (random() % 2 == 0) client.reset();
            client.close();
        }
        return true;
    };
    std::vector<std::future<bool>> runs;
    for (unsigned i = 0; i < churners; ++i) {
        runs.push_back(std::async(std::launch::async, churn, i));
    }
    for (std::future<bool>& run : runs)
        CHECK(run.get());
    const std::vector<Messages> talked = talkers.stop();
    for (std::size_t i = 0; i < talked.size(); ++i) {
        CHECK((talked[i] == history_of(server, rooms[i])));
    }
}

}  // namespace ringside::test
