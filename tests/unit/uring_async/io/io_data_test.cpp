// Bytes through every Io of the kernel: receiving, holding, sending, full sockets.

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "io_fixture.hpp"

namespace ringside::uring {

namespace {

// Bytes whose place in the stream can be told from their value.
std::string pattern(std::size_t bytes, std::size_t from = 0) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>((from + i) % 251);
    return text;
}

// Sends all of `bytes`, waiting for room as often as it must; the far side reads `read_max` bytes
// each time the socket is full.
void send_through(TestLoop& loop, SlotId id, std::string_view bytes, int far, std::string& got) {
    while (!bytes.empty()) {
        const std::size_t sends = loop[id].sent.size();
        const int writable = loop[id].writable;
        loop.io().send(id, bytes);
        loop.run_until([&] { return loop[id].sent.size() == sends + 1; });
        const int taken = loop[id].sent.back();
        REQUIRE(taken >= 0);
        bytes.remove_prefix(static_cast<std::size_t>(taken));
        if (bytes.empty()) break;
        got += read_all(far);
        loop.run_until([&] { return loop[id].writable == writable + 1; });
    }
}

}  // namespace

TEST_CASE("what a peer sends is received, and what is sent reaches it") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    for (int round = 0; round < 3; ++round) {
        loop[id].received.clear();
        write_all(pair.far.get(), "hello");
        loop.run_until([&] { return loop[id].received == "hello"; });
        loop.io().send(id, "good day");
        loop.run_until([&] { return loop[id].sent.size() == static_cast<std::size_t>(round) + 1; });
        CHECK(loop[id].sent.back() == 8);
        CHECK(read_exactly(pair.far.get(), 8) == "good day");
    }
    CHECK(loop[id].writable == 0);
    loop.finish(id);
}

TEST_CASE("the peer's end is one event with result 0, after all its bytes") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    const std::string bytes = pattern(200'000);
    write_all(pair.far.get(), bytes);
    REQUIRE(::shutdown(pair.far.get(), SHUT_WR) == 0);
    loop.run_until([&] { return loop[id].ends == 1; });
    CHECK(loop[id].received == bytes);
    // Nothing more comes, also not where the owner asks for more.
    loop.io().receive(id);
    for (int i = 0; i < 5; ++i)
        loop.turn();
    CHECK(loop[id].ends == 1);
    // The other direction is still open.
    loop.io().send(id, "last words");
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    CHECK(read_exactly(pair.far.get(), 10) == "last words");
    loop.finish(id);
}

TEST_CASE("a reset by the peer is a received event with the error") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    loop.turn();
    const linger at_once{1, 0};  // close() sends a reset
    REQUIRE(::setsockopt(pair.far.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    pair.far.reset();
    loop.run_until([&] { return loop[id].receive_error != 0; });
    CHECK(loop[id].receive_error == -ECONNRESET);
    loop.io().send(id, "x");
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    CHECK(loop[id].sent.back() == -EPIPE);
    loop.finish(id);
}

TEST_CASE("many connections are served without one's bytes reaching another") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    constexpr std::size_t count = 300;
    TestLoop loop(kind);
    std::vector<UniqueFd> far;
    std::vector<SlotId> ids;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
        SocketPair pair = make_socket_pair();
        far.push_back(std::move(pair.far));
        ids.push_back(loop.start(std::move(pair.near)));
        texts.push_back(pattern(1 + i * 37, i));
        write_all(far[i].get(), texts[i]);
    }
    loop.run_until([&] {
        for (std::size_t i = 0; i < count; ++i) {
            if (loop[ids[i]].received.size() < texts[i].size()) return false;
        }
        return true;
    });
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(loop[ids[i]].received == texts[i]);
        loop.io().send(ids[i], texts[i]);
    }
    loop.run_until([&] {
        for (std::size_t i = 0; i < count; ++i) {
            if (loop[ids[i]].sent.size() != 1) return false;
        }
        return true;
    });
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(loop[ids[i]].sent[0] == static_cast<int>(texts[i].size()));
        CHECK(read_exactly(far[i].get(), texts[i].size()) == texts[i]);
        loop.io().close(ids[i]);
    }
    loop.run_until([&] {
        for (const SlotId id : ids) {
            if (loop[id].closed == 0) return false;
        }
        return true;
    });
    CHECK(loop.io().counters().sends == count);
}

TEST_CASE("a send that fits in part says so, and writable follows when the reader goes on") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    const std::string bytes = pattern(std::size_t{24} << 20U);
    loop.io().send(id, bytes);
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    const auto taken = static_cast<std::size_t>(loop[id].sent[0]);
    REQUIRE(taken > 0);
    REQUIRE(taken < bytes.size());
    for (int i = 0; i < 5; ++i)
        loop.turn();
    CHECK(loop[id].writable == 0);
    CHECK(loop.io().counters().short_sends == 1);

    std::string got = read_exactly(pair.far.get(), taken);
    loop.run_until([&] { return loop[id].writable == 1; });
    send_through(loop, id, std::string_view(bytes).substr(taken), pair.far.get(), got);
    got += read_exactly(pair.far.get(), bytes.size() - got.size());
    CHECK(got == bytes);
    loop.finish(id);
}

TEST_CASE("after the sent event the sender's memory is its own again") {
    // A request that stayed armed on the full socket would send what stands there later.
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    std::string bytes = pattern(std::size_t{24} << 20U);
    const std::string original = bytes;
    loop.io().send(id, bytes);
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    const auto taken = static_cast<std::size_t>(loop[id].sent[0]);
    bytes.assign(bytes.size(), 'X');
    const std::string got = read_exactly(pair.far.get(), taken);
    CHECK(got == std::string_view(original).substr(0, taken));
    loop.run_until([&] { return loop[id].writable == 1; });
    CHECK(read_all(pair.far.get()).empty());
    CHECK(loop[id].sent.size() == 1);
    loop.finish(id);
}

TEST_CASE("a send on a full socket takes nothing and is followed by writable") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const std::string block(65536, 'x');
    std::size_t filled = 0;
    for (ssize_t put = 0; put >= 0;) {
        put = ::send(pair.near.get(), block.data(), block.size(), MSG_DONTWAIT);
        if (put > 0) filled += static_cast<std::size_t>(put);
    }
    const SlotId id = loop.start(std::move(pair.near));
    loop.io().send(id, "more");
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    CHECK(loop[id].sent[0] == 0);
    CHECK(read_exactly(pair.far.get(), filled).size() == filled);
    loop.run_until([&] { return loop[id].writable == 1; });
    CHECK(read_all(pair.far.get()).empty());
    loop.finish(id);
}

TEST_CASE("a held connection is not received from until it is asked for again") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    loop.turn();
    loop.io().hold(id);
    loop.turn();
    const std::string bytes = pattern(100'000);
    write_all(pair.far.get(), bytes);
    REQUIRE(::shutdown(pair.far.get(), SHUT_WR) == 0);
    for (int i = 0; i < 10; ++i)
        loop.turn();
    CHECK(loop[id].received_events == 0);

    loop.io().receive(id);
    loop.run_until([&] { return loop[id].ends == 1; });
    CHECK(loop[id].received == bytes);
    loop.finish(id);
}

TEST_CASE("hold and receive in quick turns lose nothing") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    std::string expected;
    for (std::size_t i = 0; i < 500; ++i) {
        const std::string piece = pattern(1 + i % 700, expected.size());
        write_all(pair.far.get(), piece);
        expected += piece;
        loop.io().hold(id);
        if (i % 3 == 0) loop.turn();
        if (i % 7 == 0) loop.io().hold(id);
        loop.io().receive(id);
        if (i % 5 == 0) loop.io().receive(id);
        if (i % 2 == 0) loop.turn();
    }
    loop.run_until([&] { return loop[id].received.size() >= expected.size(); });
    CHECK(loop[id].received == expected);
    loop.finish(id);
}

TEST_CASE("the end of sending reaches the peer after what was sent before it") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    loop.io().send(id, "answer");
    loop.io().shutdown_send(id);
    loop.run_until([&] { return loop[id].sent.size() == 1; });
    CHECK(loop[id].sent[0] == 6);
    CHECK(read_exactly(pair.far.get(), 100) == "answer");
    // Receiving goes on.
    write_all(pair.far.get(), "thanks");
    loop.run_until([&] { return loop[id].received == "thanks"; });
    loop.finish(id);
}

}  // namespace ringside::uring
