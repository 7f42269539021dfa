// What io.hpp promises, as seen through Io alone: the same tests run on the fake network and on
// both I/Os of the kernel.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>

#include "io_world.hpp"

namespace ringside::uring {

namespace {

// Bytes whose place in the stream can be told from their value.
std::string pattern(std::size_t bytes, std::size_t from = 0) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>((from + i) % 251);
    return text;
}

constexpr Side server = Side::server;
constexpr Side client = Side::client;

}  // namespace

TEST_CASE("bytes of both directions arrive whole and in order") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(server).receive(near);
    world.io(client).receive(far);
    const std::string question = pattern(20'000);
    const std::string answer = pattern(30'000, 7);
    for (std::size_t round = 0; round < 3; ++round) {
        world.send(client, far, question);
        world.send(server, near, answer);
        world.run_until([&] {
            return world.at(server, near).received.size() >= question.size() &&
                   world.at(client, far).received.size() >= answer.size();
        });
        CHECK(world.at(server, near).received == question);
        CHECK(world.at(client, far).received == answer);
        world.at(server, near).received.clear();
        world.at(client, far).received.clear();
    }
}

TEST_CASE("a send that nobody reads takes what fits, and writable comes when it is read") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    const std::string bytes = pattern(world.more_than_fits());
    world.send(server, near, bytes);
    world.settle();
    IoWorld::Record& sender = world.at(server, near);
    CHECK(sender.full);
    CHECK(sender.offered == nullptr);
    CHECK(!sender.outbox.empty());
    const int writable = sender.writable;
    world.settle();
    CHECK(sender.writable == writable);

    world.io(client).receive(far);
    world.run_until([&] { return world.at(client, far).received.size() == bytes.size(); });
    CHECK(world.at(client, far).received == bytes);
    CHECK(sender.writable > writable);
    CHECK(world.io(server).counters().short_sends == static_cast<std::uint64_t>(sender.writable));
}

TEST_CASE("what was sent whole is not followed by writable") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(client).receive(far);
    world.send(server, near, "x");
    world.run_until([&] { return world.at(client, far).received == "x"; });
    world.settle();
    const IoWorld::Record& sender = world.at(server, near);
    CHECK(sender.sent.back() == 1);
    CHECK(static_cast<std::size_t>(sender.writable) == sender.sent.size() - 1);
}

TEST_CASE("the end of sending comes once, after all bytes, and the other direction stays open") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(server).receive(near);
    world.io(client).receive(far);
    const std::string bytes = pattern(60'000);
    world.send(client, far, bytes);
    world.run_until([&] { return world.at(client, far).outbox.empty(); });
    world.io(client).shutdown_send(far);
    world.run_until([&] { return world.at(server, near).ends == 1; });
    CHECK(world.at(server, near).received == bytes);

    world.io(server).receive(near);  // asked for again, nothing more comes
    world.settle();
    CHECK(world.at(server, near).ends == 1);
    world.send(server, near, bytes);
    world.run_until([&] { return world.at(client, far).received.size() == bytes.size(); });
    CHECK(world.at(client, far).received == bytes);
    CHECK(world.at(client, far).ends == 0);
}

TEST_CASE("shutdown_send right after a send lets its bytes through") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(client).receive(far);
    world.send(server, near, "l");
    world.at(server, near).outbox.clear();
    world.io(server).shutdown_send(near);
    world.run_until(
        [&] { return world.at(client, far).ends == 1 && !world.at(server, near).sent.empty(); });
    const std::string expected = world.at(server, near).sent.front() == 1 ? "l" : "";
    CHECK(world.at(client, far).received == expected);
}

TEST_CASE(
    "close right after a send: its sent event, then closed, then nothing; the peer gets all") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(client).receive(far);
    world.io(server).receive(near);
    world.settle();
    world.send(server, near, "bye");
    world.close(server, near);
    world.run_until(
        [&] { return world.at(server, near).closed == 1 && world.at(client, far).ends == 1; });
    REQUIRE(world.at(server, near).sent.size() == 1);
    const auto taken = static_cast<std::size_t>(world.at(server, near).sent.front());
    CHECK(world.at(client, far).received == std::string("bye").substr(0, taken));
    world.settle();  // the record fails on any event after `closed`
}

TEST_CASE("closing a connection whose socket is full brings no writable") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.send(server, near, pattern(world.more_than_fits()));
    if (GENERATE(true, false)) world.settle();
    world.close(server, near);
    world.run_until([&] { return world.at(server, near).closed == 1; });
    world.io(client).receive(far);
    world.run_until([&] {
        const IoWorld::Record& peer = world.at(client, far);
        return peer.ends == 1 || peer.lost != 0;
    });
    std::size_t taken = 0;
    for (const std::int32_t part : world.at(server, near).sent) {
        taken += static_cast<std::size_t>(part);
    }
    CHECK(world.at(client, far).received == pattern(taken));
}

TEST_CASE("a slot stays taken until closed and comes back with another generation") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind, 1);
    std::vector<SlotId> before;
    for (int round = 0; round < 30; ++round) {
        const auto [near, far] = world.make_pair();
        CHECK(near.slot == 0);
        CHECK(near.generation != 0);
        CHECK(std::ranges::find(before, near) == before.end());
        before.push_back(near);
        world.io(server).receive(near);
        world.io(client).receive(far);
        world.send(client, far, pattern(500));
        world.send(server, near, pattern(500));
        for (int i = 0; i < round % 4; ++i)
            world.turn(i % 2 == 0 ? server : client);
        world.close(server, near);
        if (round % 3 != 0) world.run_until([&] { return world.at(server, near).closed == 1; });
        world.close(client, far);
        world.run_until([&] {
            return world.at(server, near).closed == 1 && world.at(client, far).closed == 1;
        });
        world.turn(server);  // the slots are free from now on
        world.turn(client);
    }
}

TEST_CASE("with all slots taken adopt refuses with EMFILE and the peer sees the end") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind, 2);
    const auto first = world.make_pair();
    world.io(server).listen(world.listener());
    const SlotId second = world.connect(client);
    const SlotId taken = world.io(server).adopt(world.next_accepted()).value();
    CHECK(taken.slot != first.server.slot);
    world.run_until([&] { return !world.at(client, second).connected.empty(); });

    // The client's side has no slot left either; a third comes from the server's own loop.
    CHECK_FALSE(world.io(client)
                    .connect(make_stream_socket(AF_INET).value(), world.address().get(),
                             world.address().bytes)
                    .has_value());
    world.accepted.clear();
    world.close(client, second);
    CHECK_FALSE(world.io(client)
                    .connect(make_stream_socket(AF_INET).value(), world.address().get(),
                             world.address().bytes)
                    .has_value());
    world.run_until([&] { return world.at(client, second).closed == 1; });
    world.settle();
    world.accepted.clear();

    const SlotId third = world.connect(client);
    UniqueFd fd = world.next_accepted();
    const Result<SlotId> refused = world.io(server).adopt(std::move(fd));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == EMFILE);
    world.run_until([&] { return !world.at(client, third).connected.empty(); });
    world.io(client).receive(third);
    world.run_until([&] { return world.at(client, third).ends == 1; });
}

// Symptom: a server that worked off `accepted` before the rest of a batch gave a new connection the
// slot of one whose `closed` event was still to come in that batch, and took the new one for it.
TEST_CASE("what is adopted right after a closed event gets another slot") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind, 3);
    const auto first = world.make_pair();
    world.io(server).listen(world.listener());
    const SlotId second = world.connect(client);
    UniqueFd fd = world.next_accepted();
    world.close(server, first.server);
    world.run_until([&] { return world.at(server, first.server).closed == 1; });
    CHECK(world.io(server).adopt(std::move(fd)).value().slot != first.server.slot);
    world.run_until([&] { return !world.at(client, second).connected.empty(); });
}

TEST_CASE("the peer of an accepted descriptor that is dropped sees the end") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    world.io(server).listen(world.listener());
    const SlotId far = world.connect(client);
    world.run_until([&] { return !world.at(client, far).connected.empty(); });
    world.io(client).receive(far);
    world.next_accepted().reset();
    world.run_until([&] { return world.at(client, far).ends == 1; });
}

TEST_CASE("what one loop accepted another one can adopt") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    world.io(server).listen(world.listener());
    const SlotId far = world.connect(client);
    const SlotId near = world.io(client).adopt(world.next_accepted()).value();
    CHECK_FALSE(near == far);
    world.run_until([&] { return !world.at(client, far).connected.empty(); });
    world.io(client).receive(near);
    world.send(client, far, "to myself");
    world.run_until([&] { return world.at(client, near).received == "to myself"; });
}

TEST_CASE("every connection is accepted once, in the order of connecting") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    constexpr std::size_t count = 20;
    IoWorld world(kind);
    world.io(server).listen(world.listener());
    std::vector<SlotId> far;
    for (std::size_t i = 0; i < count; ++i) {
        far.push_back(world.connect(client));
        world.run_until([&] { return !world.at(client, far.back()).connected.empty(); });
        world.send(client, far.back(), std::string(1, static_cast<char>('a' + i)));
    }
    for (std::size_t i = 0; i < count; ++i) {
        const SlotId near = world.io(server).adopt(world.next_accepted()).value();
        world.io(server).receive(near);
        world.run_until([&] { return !world.at(server, near).received.empty(); });
        CHECK(world.at(server, near).received == std::string(1, static_cast<char>('a' + i)));
    }
    world.settle();
    CHECK(world.accepted.empty());
}

TEST_CASE("accepting stops, and goes on with those that came meanwhile") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    for (int round = 0; round < 3; ++round) {
        world.io(server).listen(world.listener());
        world.settle();
        world.io(server).stop_listening();
        world.settle();
        (void)world.connect(client);
        world.settle();
        CHECK(world.accepted.empty());
        world.io(server).listen(world.listener());
        CHECK(world.next_accepted());
        world.io(server).stop_listening();
    }
}

TEST_CASE("a refused connect says so and its slot waits for close") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind, 1);
    SocketAddress nobody = world.address();
    const std::size_t port_at = 3;  // the low byte of the port in sockaddr_in
    reinterpret_cast<char*>(&nobody.storage)[port_at] ^= 1;
    if (kind.io != WorldKind::Io::fake) {
        // A port that was free a moment ago.
        const UniqueFd other = make_listener(parse_address("127.0.0.1:0").value()).value();
        const std::uint16_t port = local_port(other.get()).value();
        nobody = parse_address("127.0.0.1:" + std::to_string(port)).value();
    }
    const SlotId id = world.io(client)
                          .connect(make_stream_socket(AF_INET).value(), nobody.get(), nobody.bytes)
                          .value();
    world.run_until([&] { return !world.at(client, id).connected.empty(); });
    CHECK(world.at(client, id).connected.front() == -ECONNREFUSED);
    CHECK_FALSE(world.io(client)
                    .connect(make_stream_socket(AF_INET).value(), nobody.get(), nobody.bytes)
                    .has_value());
    world.close(client, id);
    world.run_until([&] { return world.at(client, id).closed == 1; });
}

TEST_CASE("a connection that is still being made can be closed") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    world.io(server).listen(world.listener());
    const SlotId far = world.connect(client);
    world.close(client, far);
    world.run_until([&] { return world.at(client, far).closed == 1; });
    world.settle();
    // The server may see it come; then it sees it go.
    if (world.accepted.empty()) return;
    const SlotId near = world.io(server).adopt(world.next_accepted()).value();
    world.io(server).receive(near);
    world.run_until(
        [&] { return world.at(server, near).ends == 1 || world.at(server, near).lost != 0; });
}

TEST_CASE("a held connection gets no bytes that were sent later, and all of them when it asks") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(server).receive(near);
    world.send(client, far, pattern(5000));
    world.turn(server);
    world.io(server).hold(near);
    world.settle();
    const std::size_t before = world.at(server, near).received.size();
    world.send(client, far, pattern(5000, 5000));
    world.settle();
    CHECK(world.at(server, near).received.size() == before);

    world.io(server).receive(near);
    world.run_until([&] { return world.at(server, near).received.size() == 10'000; });
    CHECK(world.at(server, near).received == pattern(10'000));
}

TEST_CASE("hold and receive in quick turns lose nothing and repeat nothing") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    std::string expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::string piece = pattern(1 + i % 90, expected.size());
        expected += piece;
        world.send(client, far, piece);
        world.io(server).receive(near);
        if (i % 3 == 0) world.turn(server);
        if (i % 4 == 0) world.turn(client);
        world.io(server).hold(near);
        if (i % 7 == 0) world.io(server).hold(near);
        if (i % 2 == 0) world.turn(server);
    }
    world.io(server).receive(near);
    world.run_until([&] { return world.at(server, near).received.size() >= expected.size(); });
    CHECK(world.at(server, near).received == expected);
}

TEST_CASE("who sends to a peer that has gone learns it, and its connection can be closed") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    const bool unread = GENERATE(true, false);
    CAPTURE(unread);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(client).receive(far);
    if (unread) {
        world.send(client, far, "never read");
        world.settle();
    }
    world.close(server, near);
    IoWorld::Record& peer = world.at(client, far);
    world.run_until([&] { return peer.ends == 1 || peer.lost != 0; });
    for (int attempts = 0; peer.lost == 0; ++attempts) {
        REQUIRE(attempts < 100);
        const std::size_t sends = peer.sent.size();
        world.send(client, far, "hello?");
        world.run_until([&] { return peer.sent.size() > sends || peer.full; });
        world.settle();
    }
    CHECK((peer.lost == -EPIPE || peer.lost == -ECONNRESET));
    world.close(client, far);
    world.run_until([&] { return peer.closed == 1; });
}

TEST_CASE("a loop that goes away ends its connections") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    const auto [near, far] = world.make_pair();
    world.io(server).receive(near);
    world.io(client).receive(far);
    world.settle();
    world.drop(server);
    world.run_until([&] { return world.at(client, far).ends == 1; });
}

TEST_CASE("many connections with many things going on at once keep their bytes apart") {
    const WorldKind kind = GENERATE(from_range(world_kinds()));
    CAPTURE(kind);
    IoWorld world(kind);
    Random random(kind.seed + 1000);
    struct Talk {
        IoWorld::Pair pair;
        std::string sent;
        std::size_t tag = 0;
    };
    std::vector<Talk> talks(12);
    for (std::size_t i = 0; i < talks.size(); ++i)
        talks[i] = {world.make_pair(), "", i * 17};
    for (int round = 0; round < 400; ++round) {
        Talk& talk = talks[random.below(talks.size())];
        switch (random.below(6)) {
            case 0:
            case 1: {
                const std::string more =
                    pattern(random.between(1, 600), talk.tag + talk.sent.size());
                talk.sent += more;
                world.send(client, talk.pair.client, more);
                break;
            }
            case 2:
                world.io(server).receive(talk.pair.server);
                break;
            case 3:
                world.io(server).hold(talk.pair.server);
                break;
            case 4:
                world.turn(server);
                break;
            default:
                world.turn(client);
        }
    }
    for (const Talk& talk : talks)
        world.io(server).receive(talk.pair.server);
    for (const Talk& talk : talks) {
        const IoWorld::Record& record = world.at(server, talk.pair.server);
        world.run_until([&] { return record.received.size() >= talk.sent.size(); });
        CHECK(record.received == talk.sent);
        world.close(client, talk.pair.client);
        world.run_until([&] { return record.ends == 1; });
        world.close(server, talk.pair.server);
    }
    world.run_until([&] {
        return std::ranges::all_of(talks, [&](const Talk& talk) {
            return world.at(server, talk.pair.server).closed == 1 &&
                   world.at(client, talk.pair.client).closed == 1;
        });
    });
}

}  // namespace ringside::uring
