#include "loadgen/nats_dialect.hpp"

#include <catch2/catch.hpp>

#include "support/allocation_count.hpp"
#include "unit/loadgen/heard.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

std::string command(NatsDialect& dialect, Request request, std::string_view text = {}) {
    std::string out;
    dialect.encode(out, request, text);
    return out;
}

std::string nats_message(std::string_view subject, std::string_view payload) {
    return "MSG " + std::string(subject) + " 1 " + std::to_string(payload.size()) + "\r\n" +
           std::string(payload) + "\r\n";
}

// Signed in and in room "r-1".
NatsDialect nats_in_room() {
    NatsDialect dialect;
    Heard heard;
    command(dialect, Request::set_name, "u");
    heard.feed(dialect, "INFO {}\r\nPONG\r\n");
    command(dialect, Request::connect_chat, "r-1");
    heard.feed(dialect, "PONG\r\n");
    REQUIRE(heard.sound);
    return dialect;
}

}  // namespace

TEST_CASE("each request of a user is a command of NATS and a PING, but a message is alone") {
    NatsDialect dialect;
    Heard heard;
    CHECK(
        command(dialect, Request::set_name, "u1") ==
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true,\"name\":\"u1\"}\r\nPING\r\n");
    heard.feed(dialect, "INFO {}\r\nPONG\r\n");
    CHECK(command(dialect, Request::create_chat, "r-1") == "PING\r\n");
    heard.feed(dialect, "PONG\r\n");
    CHECK(command(dialect, Request::connect_chat, "r-1") == "SUB r-1 1\r\nPING\r\n");
    heard.feed(dialect, "PONG\r\n");
    CHECK(command(dialect, Request::send_message, "hello") == "PUB r-1 5\r\nhello\r\n");
    CHECK(command(dialect, Request::leave_chat) == "UNSUB 1\r\nPING\r\n");
}

TEST_CASE("a session over NATS reads like one over chat wherever the stream is cut") {
    const std::string room = "PING\r\n" + nats_message("r-1", "0123456789") +
                             nats_message("r-1", "a\r\nb") + "INFO {\"x\":1}\r\n" +
                             nats_message("r-1", "") + "PING\r\nPONG\r\n";
    for (std::size_t size = 1; size <= room.size(); ++size) {
        CAPTURE(size);
        NatsDialect dialect;
        Heard heard;
        const auto feed = [&](std::string_view bytes) {
            for (std::size_t at = 0; at < bytes.size(); at += size)
                heard.feed(dialect, bytes.substr(at, size));
        };
        feed("INFO {\"server_id\":\"x\"} \r\n");
        command(dialect, Request::set_name, "u");
        feed("PONG\r\n");
        command(dialect, Request::create_chat, "r-1");
        feed("PONG\r\n");
        command(dialect, Request::connect_chat, "r-1");
        feed("PONG\r\n");
        command(dialect, Request::send_message, "0123456789");
        command(dialect, Request::leave_chat);
        feed(room);
        REQUIRE(heard.sound);
        REQUIRE_FALSE(dialect.mid_frame());
        REQUIRE(heard.sent_back == "PONG\r\nPONG\r\n");
        REQUIRE(heard.frames ==
                std::vector<std::string>{"set_name success", "get_chats success",
                                         "get_chats success r-1\n", "connect_chat success r-1",
                                         "receive_message success 0123456789",
                                         "receive_message success a\r\nb",
                                         "receive_message success", "get_chats success r-1\n"});
    }
}

TEST_CASE("two pieces of a stream of NATS make the same, whatever stands at the cut") {
    const std::string bytes =
        nats_message("r-1", std::string(300, 'x')) + "PING\r\n" + nats_message("r-1", "y");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        NatsDialect dialect = nats_in_room();
        Heard heard;
        heard.feed(dialect, std::string_view(bytes).substr(0, cut));
        heard.feed(dialect, std::string_view(bytes).substr(cut));
        REQUIRE(heard.sound);
        REQUIRE(heard.sent_back == "PONG\r\n");
        REQUIRE(heard.frames ==
                std::vector<std::string>{"receive_message success " + std::string(300, 'x'),
                                         "receive_message success y"});
    }
}

TEST_CASE("messages of NATS that are whole are handed on where they lie, allocating nothing") {
    NatsDialect dialect = nats_in_room();
    std::string chunk;
    for (int i = 0; i < 1000; ++i)
        chunk += nats_message("r-1", std::string(64, 'x'));
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

TEST_CASE("an error of NATS is the failure of what was asked") {
    NatsDialect dialect;
    Heard heard;
    command(dialect, Request::set_name, "u");
    heard.feed(dialect, "INFO {}\r\n-ERR 'Authorization Violation'\r\n-ERR 'Stale Connection'\r\n");
    CHECK(heard.sound);
    CHECK(heard.frames ==
          std::vector<std::string>{"set_name failure -ERR 'Authorization Violation'",
                                   "wrong_request failure -ERR 'Stale Connection'"});
}

TEST_CASE("what is no NATS, or was not asked for, breaks the stream and is told") {
    const std::string bytes =
        GENERATE(as<std::string>{}, std::string("\x07\0\0\0", 4), "+PONG\r\n", "HTTP/1.1 400\r\n",
                 "PONG\r\n", "MSG r-2 1 1\r\nx\r\n", "MSG r-10 1 1\r\nx\r\n",
                 "MSG r-1 2 1\r\nx\r\n", "MSG r-1 1 x\r\n", "MSG r-1 1 1\r\nxyz",
                 "MSG r-1 1 1048577\r\n", "MSG r-1 1 reply 1\r\nx\r\n");
    CAPTURE(bytes);
    NatsDialect dialect = nats_in_room();
    Heard heard;
    heard.feed(dialect, bytes);
    CHECK_FALSE(heard.sound);
    CHECK(heard.frames.empty());
    CHECK(dialect.nonsense() == bytes);
}
