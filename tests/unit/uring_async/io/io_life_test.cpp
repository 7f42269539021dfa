// Connections begin and end: connecting, closing, slots and their generations.

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "io_fixture.hpp"

namespace ringside::uring {

TEST_CASE("close sends the end to the peer although a receive is in flight") {
    // close(2) alone neither ends a receive that io_uring has in flight nor sends the FIN.
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    for (int i = 0; i < 3; ++i)
        loop.turn();
    loop.finish(id);
    CHECK(read_exactly(pair.far.get(), 1).empty());
    CHECK(loop[id].received_events == 0);
}

TEST_CASE("a connection closes with a send that fills the socket still waiting for room") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    const std::string bytes(std::size_t{24} << 20U, 'x');
    loop.io().send(id, bytes);
    const bool wait_for_sent = GENERATE(true, false);
    CAPTURE(wait_for_sent);
    if (wait_for_sent) loop.run_until([&] { return loop[id].sent.size() == 1; });
    loop.finish(id);
    CHECK(loop[id].sent.size() == 1);
    CHECK(loop[id].sent[0] > 0);
    CHECK(loop[id].writable == 0);
}

TEST_CASE("after close only the outstanding sent event and the closed event come") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    loop.turn();
    write_all(pair.far.get(), "too late");
    loop.io().send(id, "bye");
    loop.io().close(id);
    loop.run_until([&] { return loop[id].closed == 1; });
    CHECK(loop[id].sent == std::vector<int>{3});
    CHECK(loop[id].received_events == 0);
}

TEST_CASE("a slot that is used again has a new generation and no event of the old one") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind, IoOptions{2});
    std::vector<SlotId> before;
    for (int round = 0; round < 300; ++round) {
        SocketPair pair = make_socket_pair();
        const SlotId id = loop.start(std::move(pair.near));
        CHECK(id.generation != 0);
        CHECK(id.slot < 2);
        for (const SlotId old : before)
            CHECK_FALSE(old == id);
        before.push_back(id);
        if (round % 2 == 0) loop.turn();
        write_all(pair.far.get(), "late");
        if (round % 3 == 0) loop.io().hold(id);
        if (round % 5 == 0) pair.far.reset();
        loop.finish(id);  // TestLoop fails on any event after `closed`
    }
}

TEST_CASE("no slot is handed out twice, and a refused descriptor is closed") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind, IoOptions{2});
    SocketPair first = make_socket_pair();
    SocketPair second = make_socket_pair();
    SocketPair third = make_socket_pair();
    const SlotId one = loop.io().adopt(std::move(first.near)).value();
    const SlotId two = loop.io().adopt(std::move(second.near)).value();
    CHECK(one.slot != two.slot);
    const Result<SlotId> refused = loop.io().adopt(std::move(third.near));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == EMFILE);
    CHECK(read_exactly(third.far.get(), 1).empty());
    // A slot whose close is under way is still taken.
    loop.io().close(one);
    SocketPair fourth = make_socket_pair();
    CHECK_FALSE(loop.io().adopt(std::move(fourth.near)).has_value());
    loop.run_until([&] { return loop[one].closed == 1; });
    loop.turn();
    SocketPair fifth = make_socket_pair();
    CHECK(loop.io().adopt(std::move(fifth.near)).has_value());
}

TEST_CASE("connect tells when the connection is there") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    const SocketAddress& to = listener.address;
    const SlotId id =
        loop.io().connect(make_stream_socket(AF_INET).value(), to.get(), to.bytes).value();
    loop.run_until([&] { return !loop[id].connected.empty(); });
    CHECK(loop[id].connected == std::vector<int>{0});
    const UniqueFd accepted(::accept(listener.fd.get(), nullptr, nullptr));
    REQUIRE(accepted);
    loop.io().receive(id);
    write_all(accepted.get(), "welcome");
    loop.run_until([&] { return loop[id].received == "welcome"; });
    loop.finish(id);
}

TEST_CASE("a refused connection tells why and is closed by its owner") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    Listener listener = make_test_listener();
    const SocketAddress to = listener.address;
    listener.fd.reset();
    const SlotId id =
        loop.io().connect(make_stream_socket(AF_INET).value(), to.get(), to.bytes).value();
    loop.run_until([&] { return !loop[id].connected.empty(); });
    CHECK(loop[id].connected == std::vector<int>{-ECONNREFUSED});
    loop.finish(id);
}

TEST_CASE("a connection that fails at once and is closed at once is only reported closed") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const SocketAddress to = parse_address("[::1]:80").value();  // not for an IPv4 socket
    const SlotId told =
        loop.io().connect(make_stream_socket(AF_INET).value(), to.get(), to.bytes).value();
    const SlotId id =
        loop.io().connect(make_stream_socket(AF_INET).value(), to.get(), to.bytes).value();
    loop.io().close(id);
    loop.run_until([&] { return loop[id].closed == 1 && !loop[told].connected.empty(); });
    CHECK(loop[id].connected.empty());
    CHECK(loop[told].connected == std::vector<int>{-EAFNOSUPPORT});
    loop.finish(told);
}

TEST_CASE("a connection can be closed while it is still being made") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    const SocketAddress& to = listener.address;
    // With its queue full the listener answers no further connection request.
    REQUIRE(::listen(listener.fd.get(), 0) == 0);
    std::vector<UniqueFd> fill;
    for (int i = 0; i < 4; ++i) {
        fill.push_back(make_stream_socket(AF_INET).value());
        REQUIRE((::connect(fill.back().get(), to.get(), to.bytes) == 0 || errno == EINPROGRESS));
    }
    const SlotId id =
        loop.io().connect(make_stream_socket(AF_INET).value(), to.get(), to.bytes).value();
    for (int i = 0; i < 3; ++i)
        loop.turn();
    REQUIRE(loop[id].connected.empty());
    loop.finish(id);
    CHECK(loop[id].connected.empty());
}

TEST_CASE("an Io that goes away ends its connections") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    SocketPair pair = make_socket_pair();
    {
        TestLoop loop(kind);
        const SlotId id = loop.start(std::move(pair.near));
        loop.turn();
        CHECK(loop[id].closed == 0);
    }
    CHECK(read_exactly(pair.far.get(), 1).empty());
}

}  // namespace ringside::uring
