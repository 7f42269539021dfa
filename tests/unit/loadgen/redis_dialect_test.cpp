#include "loadgen/redis_dialect.hpp"

#include <catch2/catch.hpp>

#include "support/allocation_count.hpp"
#include "unit/loadgen/heard.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

std::string command(RedisDialect& dialect, Request request, std::string_view text = {}) {
    std::string out;
    dialect.encode(out, request, text);
    return out;
}

std::string push(std::string_view kind, std::string_view channel, std::string_view third) {
    return ">3\r\n$" + std::to_string(kind.size()) + "\r\n" + std::string(kind) + "\r\n$" +
           std::to_string(channel.size()) + "\r\n" + std::string(channel) + "\r\n" +
           std::string(third) + "\r\n";
}

std::string redis_message(std::string_view channel, std::string_view payload) {
    return push("message", channel,
                "$" + std::to_string(payload.size()) + "\r\n" + std::string(payload));
}

const std::string welcome =
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n"
    "$2\r\nid\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    "$7\r\nmodules\r\n*0\r\n";

// Signed in and in room "r-1".
RedisDialect redis_in_room() {
    RedisDialect dialect;
    Heard heard;
    command(dialect, Request::set_name, "u");
    heard.feed(dialect, welcome);
    command(dialect, Request::connect_chat, "r-1");
    heard.feed(dialect, push("subscribe", "r-1", ":1"));
    REQUIRE(heard.sound);
    return dialect;
}

}  // namespace

TEST_CASE("each request of a user is one command of Redis") {
    RedisDialect dialect;
    Heard heard;
    CHECK(command(dialect, Request::set_name, "u1") ==
          "*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$2\r\nu1\r\n");
    heard.feed(dialect, welcome);
    CHECK(command(dialect, Request::create_chat, "r-1") == "*1\r\n$4\r\nPING\r\n");
    heard.feed(dialect, "+PONG\r\n");
    CHECK(command(dialect, Request::connect_chat, "r-1") ==
          "*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\nr-1\r\n");
    heard.feed(dialect, push("subscribe", "r-1", ":1"));
    CHECK(command(dialect, Request::send_message, "hello") ==
          "*3\r\n$7\r\nPUBLISH\r\n$3\r\nr-1\r\n$5\r\nhello\r\n");
    CHECK(command(dialect, Request::leave_chat) == "*2\r\n$11\r\nUNSUBSCRIBE\r\n$3\r\nr-1\r\n");
}

TEST_CASE("a session over Redis reads like one over chat wherever the stream is cut") {
    const std::string first = welcome;
    const std::string second = "+PONG\r\n";
    const std::string third = "+PONG\r\n";
    const std::string fourth = push("subscribe", "r-1", ":1");
    const std::string fifth = redis_message("r-1", "0123456789") + ":2\r\n:2\r\n" +
                              redis_message("r-1", "a\r\nb") + redis_message("r-1", "") +
                              push("unsubscribe", "r-1", ":0");
    const std::size_t length = std::max({first.size(), second.size(), fourth.size(), fifth.size()});
    for (std::size_t size = 1; size <= length; ++size) {
        CAPTURE(size);
        RedisDialect dialect;
        Heard heard;
        const auto feed = [&](std::string_view bytes) {
            for (std::size_t at = 0; at < bytes.size(); at += size)
                heard.feed(dialect, bytes.substr(at, size));
        };
        command(dialect, Request::set_name, "u");
        feed(first);
        command(dialect, Request::create_chat, "r-1");
        feed(second);
        command(dialect, Request::create_chat, "r-2");
        feed(third);
        command(dialect, Request::connect_chat, "r-1");
        feed(fourth);
        command(dialect, Request::send_message, "0123456789");
        command(dialect, Request::send_message, "a");
        command(dialect, Request::leave_chat);
        feed(fifth);
        REQUIRE(heard.sound);
        REQUIRE_FALSE(dialect.mid_frame());
        REQUIRE(heard.frames ==
                std::vector<std::string>{
                    "set_name success", "get_chats success", "get_chats success r-1\n",
                    "get_chats success r-1\nr-2\n", "connect_chat success r-1",
                    "receive_message success 0123456789", "receive_message success a\r\nb",
                    "receive_message success", "get_chats success r-1\nr-2\n"});
    }
}

TEST_CASE("two pieces of a stream of Redis make the same, whatever stands at the cut") {
    const std::string bytes =
        redis_message("r-1", std::string(300, 'x')) + ":1\r\n" + redis_message("r-1", "y");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        RedisDialect dialect = redis_in_room();
        command(dialect, Request::send_message, "x");
        Heard heard;
        heard.feed(dialect, std::string_view(bytes).substr(0, cut));
        heard.feed(dialect, std::string_view(bytes).substr(cut));
        REQUIRE(heard.sound);
        REQUIRE(heard.frames ==
                std::vector<std::string>{"receive_message success " + std::string(300, 'x'),
                                         "receive_message success y"});
    }
}

TEST_CASE("messages of Redis that are whole are handed on where they lie, allocating nothing") {
    RedisDialect dialect = redis_in_room();
    std::string chunk;
    for (int i = 0; i < 1000; ++i)
        chunk += redis_message("r-1", std::string(64, 'x')) + (i % 2 == 0 ? "" : ":1\r\n");
    for (int i = 0; i < 500; ++i)
        command(dialect, Request::send_message, "x");
    std::size_t messages = 0;
    const auto handle = [&](const ServerHeader&, std::string_view text) {
        const bool inside = text.data() > chunk.data() && text.data() < chunk.data() + chunk.size();
        if (inside && text.size() == 64) ++messages;
    };
    const test::AllocationCount count;
    const bool sound = dialect.feed(chunk, handle, [](std::string_view) {});
    CHECK(count.allocations() == 0);
    CHECK(sound);
    CHECK(messages == 1000);
}

TEST_CASE("an error of Redis is the failure of the oldest request without an answer") {
    RedisDialect dialect;
    Heard heard;
    command(dialect, Request::set_name, "u");
    heard.feed(dialect, "-NOAUTH HELLO must be\r\n");
    command(dialect, Request::set_name, "u");
    heard.feed(dialect, welcome);
    command(dialect, Request::connect_chat, "r-1");
    heard.feed(dialect, "-NOPERM this\r\n");
    command(dialect, Request::connect_chat, "r-1");
    heard.feed(dialect, push("subscribe", "r-1", ":1"));
    command(dialect, Request::send_message, "x");
    command(dialect, Request::send_message, "y");
    command(dialect, Request::leave_chat);
    heard.feed(dialect, ":1\r\n-OOM no\r\n-ERR leave\r\n-ERR unasked\r\n");
    CHECK(heard.sound);
    CHECK(heard.frames == std::vector<std::string>{
                              "set_name failure NOAUTH HELLO must be", "set_name success",
                              "get_chats success", "connect_chat failure NOPERM this",
                              "connect_chat success r-1", "send_message failure OOM no",
                              "leave_chat failure ERR leave", "wrong_request failure ERR unasked"});
}

TEST_CASE("a value that nobody asked Redis for is no answer and no message") {
    const std::string value =
        GENERATE(as<std::string>{}, redis_message("r-2", "x"), redis_message("r-10", "x"), ":1\r\n",
                 "+PONG\r\n", "+OK\r\n", "$-1\r\n", push("subscribe", "r-1", ":1"),
                 push("unsubscribe", "r-1", ":0"), ">2\r\n$10\r\ninvalidate\r\n_\r\n",
                 "*1\r\n%1\r\n#t\r\n=5\r\ntxt:x\r\n");
    CAPTURE(value);
    const bool leaving = GENERATE(false, true);
    RedisDialect dialect = redis_in_room();
    if (leaving) command(dialect, Request::leave_chat);
    Heard heard;
    heard.feed(dialect, value);
    if (leaving && value.contains("unsubscribe")) return;  // then it is the answer
    if (value == "$-1\r\n") {                              // RESP2's null, which RESP3 has not
        CHECK_FALSE(heard.sound);
        return;
    }
    CHECK(heard.sound);
    CHECK(heard.frames == std::vector<std::string>{"wrong_request failure " + value});
}

TEST_CASE("what is no RESP3 breaks the stream at its first byte, and is told") {
    const std::string bytes =
        GENERATE(as<std::string>{}, std::string("\x07\0\0\0", 4), "INFO {\"server_id\"", "?",
                 "\r\n", "$5x\r\n", "$99999999999999999999999\r\n", "*-1\r\n",
                 ">3\r\n$7\r\nmessage\r\n$3\r\nr-1\r\n$1\r\nxyz",
                 ">3\r\n$7\r\nmessage\r\n$3\r\nr-1\r\n$1048577\r\n",
                 ">3\r\n$7\r\nmessage\r\n$3\r\nr-1\r\n$x\r\n");
    CAPTURE(bytes);
    RedisDialect dialect = redis_in_room();
    Heard heard;
    heard.feed(dialect, bytes);
    CHECK_FALSE(heard.sound);
    CHECK(heard.frames.empty());
    CHECK(dialect.nonsense() == bytes);
}
