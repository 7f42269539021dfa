// The table "Time limits and back-pressure" of docs/protocol.md, what concerns slow readers: they
// slow nobody, cost no memory, lose nothing, and are closed only where an option says so.

#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <string>

#include "common/limits.hpp"
#include "conformance/chat_server.hpp"

namespace ringside::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int small_buffer =
    4096;  // the kernel doubles it; a member that does not read fills it soon
constexpr std::size_t mib = std::size_t{1} << 20;

// AddressSanitizer keeps what is freed in quarantine, ThreadSanitizer a history of what was
// touched: how much a server holds tells nothing then.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_tells = false;
#else
constexpr bool memory_tells = true;
#endif

// Message number `number`, of the greatest length.
std::string big_message(int number) {
    std::string text = std::to_string(number) + " ";
    text.resize(4096, static_cast<char>('a' + number % 26));
    return text;
}

// Says big messages from number `first` on, all before it reads their copies.
void say_burst(ChatClient& client, std::string_view name, int first, int count) {
    for (int i = first; i < first + count; ++i)
        say(client, big_message(i));
    for (int i = first; i < first + count; ++i)
        expect_message(client, name, big_message(i));
}

// Says `count` big messages and reads their copies, a few at a time in flight.
void say_big(ChatClient& client, std::string_view name, int count) {
    constexpr int burst = 16;
    for (int first = 0; first < count; first += burst)
        say_burst(client, name, first, burst);
}

// The talker says `count` big messages while `slow` reads one of 16; returns how many it has read.
int fall_behind(ChatClient& talker, ChatClient& slow, int count, Pace& pace) {
    constexpr int burst = 16;
    int read = 0;
    for (int first = 0; first < count; first += burst) {
        say_burst(talker, "talker", first, burst);
        pace.step();
        expect_message(slow, "talker", big_message(read++));
    }
    return read;
}

}  // namespace

TEST_CASE("a member that stops reading slows nobody, costs no memory and gets all in order later") {
    // 200 MiB; where memory tells nothing, what is far more than both sockets hold.
    constexpr int count = memory_tells ? 51'200 : 6'400;
    constexpr int warm_up = 1'600;
    ChatServer server({"--write-timeout", "0"});
    ChatClient talker = in_room(server, "talker", "room");
    ChatClient listener = in_room(server, "listener", "room");
    const auto speak = [&](int messages) {
        std::future<bool> heard = std::async(std::launch::async, [&] {
            for (int i = 0; i < messages; ++i)
                expect_message(listener, "talker", big_message(i));
            return true;
        });
        say_big(talker, "talker", messages);
        CHECK(heard.get());
    };
    // Buffers that all clients share are no cost of the member: they are touched first, but for
    // those through which its thread reads histories.
    constexpr std::size_t shared = catch_up_chunks * catch_up_chunk_bytes;
    speak(warm_up);
    const std::size_t before = server.process().own_memory_bytes();
    ChatClient stalled(server.port(), small_buffer);
    enter(stalled, "stalled");
    join(stalled, "room");
    speak(count);
    const std::size_t after = server.process().own_memory_bytes();
    if (memory_tells) CHECK(after < before + shared + 4 * mib);
    for (const int messages : {warm_up, count}) {
        for (int i = 0; i < messages; ++i)
            expect_message(stalled, "talker", big_message(i));
    }
    say(stalled, "back again");
    expect_message(stalled, "stalled", "back again");
}

TEST_CASE("several members that stop reading at different places all get everything later") {
    constexpr int count = 1600;
    constexpr int members = 12;
    ChatServer server({"--write-timeout", "off"});
    ChatClient talker = in_room(server, "talker", "room");
    std::vector<std::unique_ptr<ChatClient>> stalled;
    say_big(talker, "talker", count);
    for (int i = 0; i < members; ++i) {
        stalled.push_back(std::make_unique<ChatClient>(server.port(), small_buffer));
        enter(*stalled.back(), "stalled" + std::to_string(i));
        join(*stalled.back(), "room");
        for (int seen = 0; seen < 100 * i; ++seen) {
            expect_message(*stalled.back(), "talker", big_message(seen));
        }
    }
    // While all of them stand still somewhere in the history, one that reads gets through.
    CHECK(history_of(server, "room").size() == count);
    for (int i = 0; i < members; ++i) {
        for (int seen = 100 * i; seen < count; ++seen) {
            expect_message(*stalled[static_cast<std::size_t>(i)], "talker", big_message(seen));
        }
    }
}

TEST_CASE("a member that takes no bytes for the write time limit is closed") {
    ChatServer server({"--write-timeout", "300ms"});
    ChatClient stalled(server.port(), small_buffer);
    enter(stalled, "stalled");
    create_room(stalled, "room");
    join(stalled, "room");
    ChatClient idle = in_room(server, "idle", "elsewhere");  // nothing is due to it
    ChatClient talker = in_room(server, "talker", "room");
    say_big(talker, "talker", 3200);
    ChatClient next(server.port());
    enter_when_free(next, "stalled");
    server.await_metric("ringside_drops_total", 1, "slow_consumer");
    idle.fence();
    say(talker, "go on");
    expect_message(talker, "talker", "go on");
    // What did reach the closed member is the beginning of the room, in order.
    int seen = 0;
    while (const std::optional<Frame> frame = stalled.read_or_closed()) {
        REQUIRE(message_of(*frame).text == big_message(seen++));
    }
    CHECK(seen > 0);
    CHECK(seen < 3200);
}

TEST_CASE("a member that reads slowly is not closed by the write time limit") {
    constexpr auto limit = 400ms;
    keeping_pace(limit, {"--write-timeout", "400ms"}, [limit](ChatServer& server, Pace& pace) {
        ChatClient talker = in_room(server, "talker", "room");
        ChatClient slow(server.port(), small_buffer);
        enter(slow, "slow");
        join(slow, "room");
        // Falls behind while the talker is fast, then goes on at a pace that leaves it behind for
        // several time limits; the talker's round trips are the clock's idle time.
        int read = fall_behind(talker, slow, 3200, pace);
        const Clock::time_point begin = Clock::now();
        const int left = 3200 - read;
        for (int i = 0; i < left; ++i) {
            while (Clock::now() < begin + i * 3 * limit / left)
                talker.fence();
            pace.step();
            expect_message(slow, "talker", big_message(read++));
        }
        say(slow, "all read");
        expect_message(slow, "slow", "all read");
    });
}

TEST_CASE("a member further behind than --max-lag is closed, its first catching-up aside") {
    constexpr int history = 1600;
    ChatServer server({"--max-lag", "1000000", "--write-timeout", "off"});
    ChatClient talker = in_room(server, "talker", "room");
    say_big(talker, "talker", history);
    ChatClient newcomer(server.port(), small_buffer);
    enter(newcomer, "newcomer");
    join(newcomer, "room");  // 6.5 MB behind from the start
    say(talker, "welcome");
    expect_message(talker, "talker", "welcome");
    for (int i = 0; i < history; ++i)
        expect_message(newcomer, "talker", big_message(i));
    expect_message(newcomer, "talker", "welcome");
    say(newcomer, "caught up");
    expect_message(newcomer, "newcomer", "caught up");
    expect_message(talker, "newcomer", "caught up");
    say_big(talker, "talker", 3200);  // now it may not fall behind like that
    ChatClient next(server.port());
    enter_when_free(next, "newcomer");
    int seen = 0;
    while (newcomer.read_or_closed())
        ++seen;
    CHECK(seen < 3200);
}

TEST_CASE("a client that never reads its answers is not read any more, and nobody else suffers") {
    // That the server stops in the middle of a frame is not the client's doing: the frame's time
    // limit does not run meanwhile.
    constexpr int requests = 200'000;
    constexpr auto limit = 300ms;
    ChatServer server({"--write-timeout", "off", "--frame-timeout", "300ms"});
    ChatClient other = in_room(server, "other", "room");
    ChatClient flood = in_lobby(server, "flood");
    // The first input that a thread of the server gets makes it touch buffers that all of its
    // clients share: those are no cost of this client.
    std::string few;
    for (int i = 0; i < 2'000; ++i)
        few += client_frame(static_cast<Request>(4711), "x");
    for (int batch = 0; batch < 20; ++batch) {
        flood.send_raw(few);
        for (int i = 0; i < 2'000; ++i)
            expect_refusal(flood.read(), Request::wrong_request);
    }
    const std::size_t before = server.process().own_memory_bytes();
    std::string bytes;
    for (int i = 0; i < requests; ++i)
        bytes += client_frame(static_cast<Request>(4711), "x");
    std::future<void> sending = std::async(std::launch::async, [&] { flood.send_raw(bytes); });
    for (const Clock::time_point begin = Clock::now(); Clock::now() < begin + 3 * limit;) {
        say(other, "not delayed");
        expect_message(other, "other", "not delayed");
    }
    const std::size_t after = server.process().own_memory_bytes();
    if (memory_tells) CHECK(after < before + 4 * mib);
    for (int i = 0; i < requests; ++i) {
        const Frame frame = flood.read();
        if (frame.request != Request::wrong_request || frame.status != Status::failure) {
            expect_refusal(frame, Request::wrong_request);
        }
    }
    sending.get();
    flood.fence();
}

TEST_CASE("a member that sends more than it reads is served completely and in order") {
    constexpr int count = 4000;  // 16 MiB
    ChatServer server({"--write-timeout", "off"});
    ChatClient other = in_room(server, "other", "room");
    ChatClient flood = in_room(server, "flood", "room");
    std::future<void> sending = std::async(std::launch::async, [&] {
        for (int i = 0; i < count; ++i)
            say(flood, big_message(i));
    });
    for (int i = 0; i < count; ++i)
        expect_message(other, "flood", big_message(i));
    sending.get();
    for (int i = 0; i < count; ++i)
        expect_message(flood, "flood", big_message(i));
}

TEST_CASE("a member that leaves while it is far behind gets all before the list") {
    constexpr int count = 1600;
    ChatServer server({"--write-timeout", "off"});
    ChatClient slow(server.port(), small_buffer);
    enter(slow, "slow");
    create_room(slow, "room");
    join(slow, "room");
    ChatClient talker = in_room(server, "talker", "room");
    say_big(talker, "talker", count);
    slow.send_raw(client_frame(Request::leave_chat) + client_frame(Request::connect_chat, "no") +
                  client_frame(Request::connect_chat, "room"));
    say(talker, "too late for the first visit");
    for (int i = 0; i < count; ++i)
        expect_message(slow, "talker", big_message(i));
    // Whether the leave or the last message came first is the server's to order.
    Frame frame = slow.read();
    if (frame.request == Request::receive_message) {
        CHECK(message_of(frame).text == "too late for the first visit");
        frame = slow.read();
    }
    CHECK(frame == success(Request::get_chats, "room\n"));
    expect_refusal(slow.read(), Request::connect_chat);
    CHECK(slow.read() == success(Request::connect_chat, "room"));
    for (int i = 0; i < count; ++i)
        expect_message(slow, "talker", big_message(i));
    expect_message(slow, "talker", "too late for the first visit");
}

TEST_CASE("who says goodbye while far behind gets whole messages, its answers and no more") {
    constexpr int count = 3200;  // 13 MB
    const int how = GENERATE(0, 1, 2);
    CAPTURE(how);
    ChatServer server({"--write-timeout", "off"});
    ChatClient slow(server.port(), small_buffer);
    enter(slow, "slow");
    create_room(slow, "room");
    join(slow, "room");
    ChatClient talker = in_room(server, "talker", "room");
    say_big(talker, "talker", count);
    std::string bytes = client_frame(Request::send_message, "last words");
    bytes += client_frame(Request::send_message, "");  // is refused, once they are stored
    if (how == 0) bytes += client_frame(Request::disconnect);
    if (how == 1) {
        bytes.resize(bytes.size() + client_header_bytes);
        store_client_header(bytes.data() + bytes.size() - client_header_bytes,
                            Request::send_message, UINT64_MAX);
    }
    slow.send_raw(bytes);
    if (how == 2) slow.finish_sending();
    expect_message(talker, "slow", "last words");
    server.await_metric("ringside_refusals_total", how == 1 ? 2 : 1);
    int seen = 0;
    std::optional<Frame> frame = slow.read_or_closed();
    while (frame && frame->request == Request::receive_message) {
        REQUIRE(message_of(*frame).text == big_message(seen++));
        frame = slow.read_or_closed();
    }
    CHECK(seen < count);
    REQUIRE(frame);
    expect_refusal(*frame, Request::send_message);
    if (how == 1) expect_refusal(slow.read(), Request::wrong_request);
    slow.expect_closed();
    CHECK(history_of(server, "room").back() == "slow: last words");
}

// Symptom: a member that reads a little all the time was dropped as a slow consumer, since the
// kernel calls a socket writable only when a third of its buffer is free.
TEST_CASE("a member that reads a trickle is not closed by the write time limit") {
    constexpr int count = 1600;
    constexpr auto limit = 600ms;
    keeping_pace(limit, {"--write-timeout", "600ms"}, [limit](ChatServer& server, Pace& pace) {
        ChatClient talker = in_room(server, "talker", "room");
        ChatClient slow(server.port(), small_buffer);
        enter(slow, "slow");
        join(slow, "room");
        int read = fall_behind(talker, slow, count, pace);
        // Several times the limit, in each of which it takes a few messages of the megabytes that
        // wait.
        constexpr int sips = 50;
        const Clock::time_point begin = Clock::now();
        for (int sip = 0; sip < sips; ++sip) {
            while (Clock::now() < begin + sip * 6 * limit / sips)
                talker.fence();
            pace.step();
            expect_message(slow, "talker", big_message(read++));
        }
        while (read < count)
            expect_message(slow, "talker", big_message(read++));
        say(slow, "all read");
        expect_message(slow, "slow", "all read");
    });
}

}  // namespace ringside::test
