#include "loadgen/payload.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

namespace {

bool running(const VirtualUser& user) {
    return !user.over() && user.phase() == Phase::rounds;
}

// From joining a room to being back in the lobby; false where the user is over.
bool visit(VirtualUser& user, RoomLedger& room) {
    if (!user.join_room(room, nullptr, false) || !user.read_replay()) return false;
    const std::size_t outstanding = user.run().options.outstanding;
    while (true) {
        if (!user.wait_until([&] { return !running(user) || user.unanswered() < outstanding; })) {
            return false;
        }
        if (!running(user)) return true;
        if (ThesisWorkload::wants_to_leave(user.random())) return user.leave_room();
        if (!user.send_message()) return false;
    }
}

}  // namespace

bool ThesisWorkload::create_room(VirtualUser& user) {
    return user.create_room(room_name(user.run().verifier.run(), rooms_made_++), false);
}

void ThesisWorkload::prepare(VirtualUser& user) {
    while (user.rooms_known() < rooms_wanted && user.phase() == Phase::set_up) {
        if (!create_room(user)) return;
    }
}

void ThesisWorkload::set_up(VirtualUser& user) {
    user.run().verifier.allow(user.number(), user.run().options.outstanding);
}

void ThesisWorkload::rounds(VirtualUser& user) {
    RoomList& rooms = user.run().rooms;
    while (running(user)) {
        if (wants_room(user.random(), user.rooms_known())) {
            if (!create_room(user)) return;
        } else {
            if (!visit(user, rooms.at(user.random().below(user.rooms_known())))) return;
        }
    }
}

}  // namespace ringside::loadgen
