#include "pipeline/conversation.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <thread>

#include "common/result.hpp"
#include "pipeline/lobby_stage.hpp"
#include "pipeline/name_entry_stage.hpp"
#include "support/temp_folder.hpp"

namespace ringside::pipeline {

namespace {

constexpr std::uint64_t far_ns = UINT64_MAX / 2;

/// What a single stage needs: the test is its neighbours.
struct World {
    test::TempFolder folder;
    ServerOptions options = [this] {
        ServerOptions made;
        made.data = folder.path();
        made.fsync.mode = FsyncPolicy::Mode::never;
        return made;
    }();
    JsonLog log{LogLevel::off, {}};
    Shared shared{options, log};
    HandoffInbox lobby;
    HandoffInbox disconnect;
    UniqueFd client;  // of the last session made

    SlotId session() {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        client.reset(pair[0]);
        return shared.sessions.take(UniqueFd(pair[1]), 65'536, 1)->id;
    }

    /// Waits for the session that the stage hands to disconnect; it is the test's now.
    Session& disconnected() {
        for (;;) {
            pollfd readable{disconnect.read_fd(), POLLIN, 0};
            ::poll(&readable, 1, -1);
            for (const Handoff& message : disconnect.receive())
                return shared.sessions.at(message.session);
        }
    }

    void free(Session& session) {
        session.socket.reset();
        shared.sessions.free(session.id);
    }

    [[nodiscard]] std::uint64_t sum(Metric metric) const {
        std::uint64_t all = 0;
        for (const CounterSet* set : shared.counters.all())
            all += set->get(metric);
        return all;
    }
};

void tell(StageThread& stage, Handoff::Kind kind, SlotId session = {}, std::uint64_t count = 0) {
    HandoffOutlet outlet(stage.inbox(), 0);
    outlet.send({.kind = kind, .room = 0, .session = session, .count = count});
    std::uint64_t writes = 0;
    REQUIRE(outlet.flush(writes));
}

}  // namespace

// Symptom: who was under way to the lobby when the drain began was closed with its requests unread,
// and the reset took what had been sent to it.
TEST_CASE("a session that arrives in a stage that drains is closed as politely as the others") {
    World world;
    LobbyStage stage(world.shared, world.disconnect, nullptr);
    tell(stage, Handoff::Kind::drain, {}, far_ns);
    tell(stage, Handoff::Kind::session, world.session());
    stage.start();
    Session& gone = world.disconnected();
    CHECK(gone.lingers);
    world.free(gone);
    tell(stage, Handoff::Kind::upstream_ended);
    stage.join();
}

TEST_CASE("a send that a full socket refuses counts as a send") {
    World world;
    NameEntryStage stage(world.shared, world.lobby, world.disconnect, nullptr);
    const SlotId id = world.session();
    const int socket = world.shared.sessions.at(id).socket.get();
    const std::string bytes(4096, 'x');
    while (::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    std::string request;
    append_client_frame(request, static_cast<Request>(4711), "x");
    REQUIRE(::send(world.client.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0);
    tell(stage, Handoff::Kind::session, id);
    stage.start();
    while (world.sum(Metric::refusals_total) == 0)
        std::this_thread::yield();
    tell(stage, Handoff::Kind::drain, {}, 1);
    world.free(world.disconnected());
    stage.join();
    CHECK(world.sum(Metric::sends_total) == 1);
    CHECK(world.sum(Metric::bytes_out_total) == 0);
}

// Symptom: each room that could not start for want of descriptors left a set of counters behind.
TEST_CASE("a stage that cannot be made gives its counters back") {
    World world;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    std::size_t failed = 0;
    for (int i = 0; i < 5; ++i) {
        try {
            const NameEntryStage stage(world.shared, world.lobby, world.disconnect, nullptr);
        } catch (const StartError&) {
            ++failed;
        }
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(failed == 5);
    CHECK(world.shared.counters.all().size() == 1);
}

}  // namespace ringside::pipeline
