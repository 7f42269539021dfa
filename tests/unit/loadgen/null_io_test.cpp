#include "loadgen/null_io.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "loadgen/server_frames.hpp"

using namespace ringside;
using namespace ringside::loadgen;
using uring::IoEvent;

namespace {

struct Frame {
    std::uint32_t request;
    std::string text;
};

// A turn that does not wait.
std::vector<IoEvent> turn(NullIo& io) {
    const auto events = io.turn(0);
    return {events.begin(), events.end()};
}

// What this client received in a turn.
std::vector<Frame> frames(const std::vector<IoEvent>& events, SlotId id) {
    std::vector<Frame> out;
    ServerFrameReader reader;
    for (const IoEvent& event : events) {
        if (event.kind != IoEvent::Kind::received || event.id != id || event.result == 0) continue;
        const std::string_view chunk(event.data, static_cast<std::size_t>(event.result));
        REQUIRE(reader.feed(chunk, [&out](const ServerHeader& header, std::string_view text) {
            CHECK(header.status == static_cast<std::uint32_t>(Status::success));
            out.push_back({header.request, std::string(text)});
        }));
    }
    CHECK_FALSE(reader.mid_frame());
    return out;
}

bool came(const std::vector<IoEvent>& events, IoEvent::Kind kind, SlotId id) {
    for (const IoEvent& event : events) {
        if (event.kind == kind && event.id == id) return true;
    }
    return false;
}

void ask(NullIo& io, SlotId id, Request request, std::string_view text) {
    std::string bytes;
    append_client_frame(bytes, request, text);
    io.send(id, bytes);
}

bool is(const Frame& frame, Request request, std::string_view text) {
    return frame.request == static_cast<std::uint32_t>(request) && frame.text == text;
}

// Two users in a room, and one in the lobby.
struct Room {
    NullIo io{{.connections_max = 3}};
    SlotId ann = enter("ann");
    SlotId ben = enter("ben");
    SlotId cho = enter("cho");

    Room() {
        ask(io, ann, Request::create_chat, "r");
        for (const SlotId id : {ann, ben})
            ask(io, id, Request::connect_chat, "r");
        const auto events = turn(io);
        REQUIRE(frames(events, ann).size() == 2);
        CHECK(is(frames(events, ann)[0], Request::get_chats, "r\n"));
        CHECK(is(frames(events, ann)[1], Request::connect_chat, "r"));
    }
    SlotId enter(const char* name) {
        const SlotId id = *io.connect(UniqueFd(), nullptr, 0);
        REQUIRE(came(turn(io), IoEvent::Kind::connected, id));
        io.receive(id);
        ask(io, id, Request::set_name, name);
        const auto events = turn(io);
        CHECK(came(events, IoEvent::Kind::sent, id));
        REQUIRE(frames(events, id).size() == 2);
        CHECK(is(frames(events, id)[0], Request::set_name, ""));
        CHECK(is(frames(events, id)[1], Request::get_chats, ""));
        return id;
    }
};

}  // namespace

TEST_CASE("the null server gives each message to every member of the room, in one order") {
    Room room;
    std::string two;
    append_client_frame(two, Request::send_message, "one");
    append_client_frame(two, Request::send_message, "two");
    room.io.send(room.ben, two);
    ask(room.io, room.ann, Request::send_message, "three");
    const auto events = turn(room.io);
    for (const SlotId member : {room.ann, room.ben}) {
        const std::vector<Frame> got = frames(events, member);
        REQUIRE(got.size() == 3);
        CHECK(is(got[0], Request::receive_message, "ben\t00:00:00 01/01/70\none"));
        CHECK(is(got[1], Request::receive_message, "ben\t00:00:00 01/01/70\ntwo"));
        CHECK(is(got[2], Request::receive_message, "ann\t00:00:00 01/01/70\nthree"));
    }
    CHECK(frames(events, room.cho).empty());
    CHECK(turn(room.io).empty());
}

TEST_CASE("who left the null server's room gets the list and nothing more of it") {
    Room room;
    ask(room.io, room.ben, Request::leave_chat, "");
    ask(room.io, room.ann, Request::send_message, "one");
    const auto events = turn(room.io);
    REQUIRE(frames(events, room.ben).size() == 1);
    CHECK(is(frames(events, room.ben)[0], Request::get_chats, "r\n"));
    CHECK(frames(events, room.ann).size() == 1);
}

TEST_CASE("whoever leaves the null server's room, in whatever order, the others are in it still") {
    const std::vector<std::size_t> order =
        GENERATE(values<std::vector<std::size_t>>({{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}}));
    NullIo io({.connections_max = 3});
    std::vector<SlotId> members;
    for (const char* name : {"ann", "ben", "cho"}) {
        members.push_back(*io.connect(UniqueFd(), nullptr, 0));
        ask(io, members.back(), Request::set_name, name);
    }
    ask(io, members[0], Request::create_chat, "r");
    for (const SlotId id : members)
        ask(io, id, Request::connect_chat, "r");
    for (std::size_t left = 0; left < order.size(); ++left) {
        static_cast<void>(turn(io));
        ask(io, members[order.back()], Request::send_message, "hello");
        const auto events = turn(io);
        for (std::size_t i = 0; i < order.size(); ++i) {
            CAPTURE(order, left, i);
            CHECK(frames(events, members[order[i]]).size() == (i < left ? 0 : 1));
        }
        ask(io, members[order[left]], Request::leave_chat, "");
    }
}

TEST_CASE("the null server ends a connection that asks for it, and a closed one is silent") {
    Room room;
    ask(room.io, room.ann, Request::disconnect, "");
    ask(room.io, room.ben, Request::leave_chat, "");
    room.io.close(room.ben);
    const auto events = turn(room.io);
    CHECK(came(events, IoEvent::Kind::received, room.ann));  // of no bytes: the end
    CHECK(frames(events, room.ann).empty());
    CHECK_FALSE(came(events, IoEvent::Kind::received, room.ben));
    CHECK(came(events, IoEvent::Kind::closed, room.ben));
    // Its slot is free from the next turn on.
    CHECK_FALSE(room.io.connect(UniqueFd(), nullptr, 0).has_value());
    static_cast<void>(turn(room.io));
    CHECK(room.io.connect(UniqueFd(), nullptr, 0).has_value());
}

TEST_CASE("a turn of the null server with nothing to bring lasts until its time or a wake-up") {
    NullIo io({.connections_max = 1});
    const std::uint64_t until_ns = monotonic_ns() + 1'000'000;
    CHECK(io.turn(until_ns).empty());
    CHECK(io.now_ns() >= until_ns);
    std::thread other([&io] { io.wake(); });
    CHECK(io.turn(uring::wait_forever).empty());
    other.join();
}
