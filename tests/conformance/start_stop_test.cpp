// How a server starts, refuses to start, and ends: what its operator relies on.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

// One line that a person can act on, and the exit code for it.
void expect_refused_start(const ProcessEnd& end) {
    CAPTURE(end.error_text);
    CHECK(end.code == 2);
    CHECK(!end.error_text.empty());
    CHECK(std::count(end.error_text.begin(), end.error_text.end(), '\n') <= 2);
}

}  // namespace

TEST_CASE("a port in use, a locked data folder and bad options are told in words, with code 2") {
    ChatServer server;
    const TempFolder folder;
    const std::string data = (folder / "data").string();
    const auto run = [&](const std::vector<std::string>& options) {
        return run_to_end(tested_server(), folder.path(), options);
    };
    const std::string port = std::to_string(server.port());
    expect_refused_start(run({"--data", data, "--listen", "127.0.0.1:" + port}));
    expect_refused_start(run({"--listen", "127.0.0.1:0", "--data", (server.folder() / "data")}));
    expect_refused_start(run({"--listen", "127.0.0.1:0", "--data", "/proc/no-such-place"}));
    expect_refused_start(run({"--listen", "nonsense", "--data", data}));
    expect_refused_start(run({"--frame-timeout", "soon", "--data", data}));
    expect_refused_start(run({"--no-such-option"}));
    for (const char* option : {"--port-file", "--metrics-textfile", "--log-file"}) {
        expect_refused_start(run(
            {"--listen", "127.0.0.1:0", "--data", data, option, "/proc/no-such-place/file.prom"}));
    }
    const ChatClient client = in_lobby(server, "ann");  // the first server is not disturbed
    CHECK(client.fd() >= 0);
}

TEST_CASE("SIGTERM sends what is pending, closes and ends with code 0") {
    constexpr int count = 500;
    ChatServer server;
    ChatClient unnamed(server.port());
    ChatClient lobby = in_lobby(server, "lobby");
    ChatClient reader = in_room(server, "reader", "room");
    CHECK(read_list(lobby).size() == 1);
    ChatClient talker = in_room(server, "talker", "room");
    for (int i = 0; i < count; ++i) {
        say(talker, "message " + std::to_string(i));
        expect_message(talker, "talker", "message " + std::to_string(i));
    }
    server.process().terminate();
    for (int i = 0; i < count; ++i) {
        expect_message(reader, "talker", "message " + std::to_string(i));
    }
    for (ChatClient* client : {&unnamed, &lobby, &reader, &talker}) {
        client->expect_closed();
        client->close();
    }
    server.stop();
    server.start();
    CHECK(history_of(server, "room").size() == count);
}

TEST_CASE("SIGTERM waits for a member that is far behind and goes on reading") {
    constexpr int count = 3200;  // 13 MB: far more than the sockets hold when the signal comes
    ChatServer server;
    ChatClient slow(server.port(), 4096);
    enter(slow, "slow");
    create_room(slow, "room");
    join(slow, "room");
    ChatClient talker = in_room(server, "talker", "room");
    const auto text_of = [](int number) { return std::to_string(number) + std::string(4000, 'x'); };
    for (int i = 0; i < count; ++i) {
        say(talker, text_of(i));
        expect_message(talker, "talker", text_of(i));
    }
    server.process().terminate();
    talker.expect_closed();  // the drain has begun
    for (int i = 0; i < count; ++i)
        expect_message(slow, "talker", text_of(i));
    slow.expect_closed();
    CHECK(server.process().wait().code == 0);
}

TEST_CASE("a member that does not read delays the end by the drain time limit at most") {
    ChatServer server({"--drain-timeout", "300ms", "--write-timeout", "off"});
    ChatClient stalled(server.port(), 4096);
    enter(stalled, "stalled");
    create_room(stalled, "room");
    join(stalled, "room");
    ChatClient talker = in_room(server, "talker", "room");
    for (int i = 0; i < 3200; ++i) {
        const std::string text = std::to_string(i) + std::string(4000, 'x');
        say(talker, text);
        expect_message(talker, "talker", text);
    }
    const auto begin = std::chrono::steady_clock::now();
    server.stop();
    // Far below the 10 s that the limit is without the option.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("clients never take the descriptors that a room needs") {
    // Few enough to be used up by the test; the shell hands them on to the server.
    Command command = {"/bin/sh", "-c", "ulimit -n 420 && exec \"$@\"", "sh"};
    command.insert(command.end(), tested_server().begin(), tested_server().end());
    const TempFolder folder;
    ServerProcess server(command, folder.path());
    ChatClient ann(server.port());
    enter(ann, "ann");
    std::vector<std::unique_ptr<ChatClient>> others;
    for (bool full = false; !full;) {
        REQUIRE(others.size() < 420);
        others.push_back(std::make_unique<ChatClient>(server.port()));
        others.back()->send(Request::leave_chat);
        try {
            full = !others.back()->read_or_closed();
        } catch (const ClientError&) {
            full = true;  // closed before it had sent that
        }
    }
    create_room(ann, "room");
    join(ann, "room");
    say(ann, "hello");
    expect_message(ann, "ann", "hello");
    server.terminate();  // with all descriptors taken
    others.clear();
    ann.close();
    CHECK(server.wait().code == 0);
}

TEST_CASE("the folder of a server that ended is free for the next at once") {
    ChatServer server;
    for (int i = 0; i < 3; ++i) {
        ChatClient client = in_lobby(server, "ann");
        if (i > 0) client.close();  // one that stays is waited for, for a second
        server.stop();
        server.start();
    }
    server.kill9();
    server.start();
    ChatClient client = in_lobby(server, "ann");
    client.fence();
}

// Symptom: the drain closed connections with input unread, which resets them: the kernel threw away
// what the server had sent and the client not yet read.
TEST_CASE("SIGTERM ends a publisher that keeps sending in order, with all that was published") {
    ChatServer server;
    ChatClient talker(server.port(), 4096);
    enter(talker, "talker");
    create_room(talker, "room");
    join(talker, "room");
    std::atomic<bool> server_has_gone{false};  // false, then true for good
    std::future<void> sending = std::async(std::launch::async, [&] {
        try {
            for (int i = 0; !server_has_gone.load(); ++i)
                say(talker, std::to_string(i) + std::string(2000, 'x'));
        } catch (const ClientError&) {
            // It sends until the server has gone.
        }
    });
    int seen = 0;
    while (const std::optional<Frame> frame = talker.read_or_closed()) {
        const std::string text = message_of(*frame).text;
        REQUIRE(text.starts_with(std::to_string(seen) + 'x'));
        if (++seen == 200) server.process().terminate();
    }
    // Before the close: the sender's next descriptor of that number would be somebody else's.
    server_has_gone.store(true);
    sending.get();
    talker.close();
    server.stop();
    server.start();
    CHECK(history_of(server, "room").size() == static_cast<std::size_t>(seen));
}

}  // namespace ringside::test
