#include "loadgen/behaviours.hpp"

#include <algorithm>

#include "common/clock.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint32_t create_permille = 2;
constexpr std::uint32_t leave_permille = 50;
constexpr std::uint64_t slow_read_step_ns = 20'000'000;

// Waits for room among the messages on their way; false where the load or the user is over.
bool wait_to_send(VirtualUser& user, const Sending& sending) {
    return user.wait_until([&] {
        return !user.in_load() || user.unanswered() < sending.outstanding;
    }) && user.in_load();
}

// Closed loop, until that time.
bool send_until(VirtualUser& user, const Sending& sending, std::uint64_t until_ns) {
    while (wait_to_send(user, sending)) {
        if (sending.think_ns != 0) {
            const std::uint64_t now_ns = monotonic_ns();
            const std::uint64_t then_ns = now_ns + draw_pause(user.random(), sending.think_ns);
            if (!user.sleep_until(std::min(then_ns, until_ns))) return false;
        }
        if (until_ns != UINT64_MAX && monotonic_ns() >= until_ns) return true;
        if (!user.send_message(sending.payload.draw(user.random()))) return false;
    }
    return false;
}

void keep_schedule(VirtualUser& user, const UserGroup& group, std::size_t index) {
    const Sending& sending = group.sending;
    const std::uint64_t begin_ns = user.run().load_begin_ns;
    // Where processes share the load, each keeps its users' part of the one schedule.
    const bool shared = sending.senders != 0;
    Schedule schedule(sending.offered, shared ? user.run().options.place_of(index) : index,
                      shared ? sending.senders : group.count, user.random());
    Recorder& recorder = user.run().recorder;
    std::uint64_t due_ns = begin_ns + schedule.next();
    std::uint64_t held_until_ns = begin_ns;  // by messages that were on their way
    while (user.sleep_until(due_ns)) {
        if (user.unanswered() >= sending.outstanding) {
            if (!wait_to_send(user, sending)) break;
            held_until_ns = user.run().driver.now_ns();
        }
        const std::size_t bytes = sending.payload.draw(user.random());
        if (!user.send_message(bytes, due_ns, std::max(due_ns, held_until_ns))) return;
        if (recorder.in_window(due_ns)) ++recorder.messages_due;
        due_ns = begin_ns + schedule.next();
    }
    // What waited when the window closed would be missing from the tail.
    while (!user.over() && recorder.closed() && recorder.record_unsent(due_ns))
        due_ns = begin_ns + schedule.next();
}

void read_slowly(VirtualUser& user, std::uint64_t bytes_per_second) {
    const std::uint64_t bytes = bytes_per_second * slow_read_step_ns / 1'000'000'000;
    user.limit_reading();
    while (user.sleep_until(monotonic_ns() + slow_read_step_ns))
        user.allow_reading(std::max<std::uint64_t>(bytes, 1));
    user.read_freely();
}

// Signed in, or the load or the user is over: then false.
bool connect(VirtualUser& user, const UserGroup& group, Workload& workload) {
    return user.sleep_until(workload.next_connect_ns(group)) && user.connect() && user.sign_in() &&
           user.in_load();
}

bool pause(VirtualUser& user, std::uint64_t mean_ns) {
    if (mean_ns == 0) return user.in_load();
    return user.sleep_until(monotonic_ns() + draw_pause(user.random(), mean_ns));
}

// From joining a room to being back in the lobby; false where the load or the user is over.
bool wander_into(VirtualUser& user, RoomLedger& room, const Sending& sending) {
    if (!user.join_room(room, nullptr, VirtualUser::Counted::no) || !user.read_replay()) {
        return false;
    }
    while (wait_to_send(user, sending)) {
        if (wanderer_wants_to_leave(user.random())) return user.leave_room();
        if (!user.send_message(sending.payload.draw(user.random()))) return false;
    }
    return false;
}

}  // namespace

void stay(VirtualUser& user, const UserGroup& group, std::size_t index) {
    const Sending& sending = group.sending;
    if (group.read_bytes_per_second != 0) {
        read_slowly(user, group.read_bytes_per_second);
    } else if (sending.outstanding == 0) {
        static_cast<void>(user.wait_until([&user] { return !user.in_load(); }));
    } else if (sending.offered.per_second == 0) {
        static_cast<void>(send_until(user, sending, UINT64_MAX));
    } else {
        keep_schedule(user, group, index);
    }
}

void visit(VirtualUser& user, const UserGroup& group, Workload& workload) {
    Workload::Room& room = workload.room_of(user);
    RoomLedger& ledger = user.run().rooms.at(room.index);
    do {
        if (!user.signed_in() && !connect(user, group, workload)) return;
        if (!user.join_room(ledger, room.audience.get(), VirtualUser::Counted::no)) return;
        if (!user.read_replay()) return;
        const std::uint64_t until_ns = monotonic_ns() + draw_pause(user.random(), group.stay_ns);
        const bool goes_on = group.sending.outstanding > 0
                                 ? send_until(user, group.sending, until_ns)
                                 : user.sleep_until(until_ns);
        if (!goes_on || !user.leave_room()) return;
        if (group.reconnects && !user.end_session()) return;
    } while (pause(user, group.pause_ns));
}

void look_in(VirtualUser& user, const UserGroup& group, Workload& workload) {
    do {
        if (!connect(user, group, workload) || !pause(user, group.stay_ns)) return;
        if (!user.end_session()) return;
    } while (pause(user, group.pause_ns));
}

bool wanderer_wants_room(Random& random, std::uint32_t rooms) noexcept {
    return rooms < wanderer_rooms_wanted || random.chance(create_permille);
}

bool wanderer_wants_to_leave(Random& random) noexcept {
    return random.chance(leave_permille);
}

void wander(VirtualUser& user, const UserGroup& group, Workload& workload) {
    RoomList& rooms = user.run().rooms;
    while (user.in_load()) {
        if (wanderer_wants_room(user.random(), user.rooms_known())) {
            if (!workload.create_room(user)) return;
        } else {
            RoomLedger& room = rooms.at(user.random().below(user.rooms_known()));
            if (!wander_into(user, room, group.sending)) return;
        }
    }
}

}  // namespace ringside::loadgen
