#include "loadgen/workload.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "loadgen/behaviours.hpp"
#include "loadgen/hostile_user.hpp"
#include "loadgen/payload.hpp"

namespace ringside::loadgen {

Workload::Workload(RunState& run)
    : run_(run), scenario_(run.scenario), next_connect_ns_(scenario_.groups.size()) {}

Workload::Place Workload::place_of(const VirtualUser& user) const noexcept {
    std::size_t index = user.number();
    for (const UserGroup& group : scenario_.groups) {
        if (index < group.count) return {&group, index};
        index -= group.count;
    }
    RINGSIDE_ASSERT(!"a user of no group");
    return {};
}

Workload::Room& Workload::room_of(const VirtualUser& user) noexcept {
    const Place place = place_of(user);
    std::vector<Room>& rooms = rooms_[place.group->rooms];
    return rooms[place.index % rooms.size()];
}

bool Workload::create_room(VirtualUser& user) {
    return user.create_room(room_name(run_.verifier.run(), rooms_made_++));
}

std::uint64_t Workload::next_connect_ns(const UserGroup& group) noexcept {
    const std::uint64_t now_ns = monotonic_ns();
    if (group.connects_per_second == 0) return now_ns;
    std::uint64_t& next_ns =
        next_connect_ns_[static_cast<std::size_t>(&group - scenario_.groups.data())];
    const std::uint64_t due_ns = std::max(next_ns, now_ns);
    next_ns = due_ns + 1'000'000'000 / group.connects_per_second;
    return due_ns;
}

// Those who are there all the time and read as fast as they can.
std::unique_ptr<Audience> Workload::make_audience(std::size_t set, std::size_t room) const {
    std::size_t members = 0;
    bool others = false;
    for (const UserGroup& group : scenario_.groups) {
        if (!has_room(group.does) || group.rooms != set) continue;
        others = others || (group.does != Behaviour::cut_replay && !group.is_counted());
        const std::size_t rooms = scenario_.rooms[set].count;
        if (group.is_counted())
            members += group.count / rooms + (room < group.count % rooms ? 1 : 0);
    }
    if (members == 0) return nullptr;
    return std::make_unique<Audience>(run_.rooms.at(rooms_[set][room].index), members,
                                      run_.recorder,
                                      others ? Audience::Ledger::keeps : Audience::Ledger::forgets);
}

void Workload::prepare(VirtualUser& user) {
    const auto wanted = [this] { return run_.phase == Phase::set_up; };
    rooms_.resize(scenario_.rooms.size());
    for (std::size_t set = 0; set < rooms_.size(); ++set) {
        for (std::size_t i = 0; i < scenario_.rooms[set].count && wanted(); ++i) {
            const std::uint32_t number = rooms_made_;
            if (!create_room(user)) return;
            const std::string name = room_name(run_.verifier.run(), number);
            rooms_[set].push_back({*run_.rooms.find(name), nullptr});
            RoomLedger& ledger = run_.rooms.at(rooms_[set].back().index);
            if (!fill(user, ledger, scenario_.rooms[set].history)) return;
            rooms_[set].back().audience = make_audience(set, i);
        }
    }
    if (!scenario_.has(Behaviour::wanderer)) return;
    while (user.rooms_known() < wanderer_rooms_wanted && wanted()) {
        if (!create_room(user)) return;
    }
}

bool Workload::fill(VirtualUser& user, RoomLedger& room, std::uint64_t messages) {
    if (messages == 0) return true;
    const auto wanted = [this] { return run_.phase == Phase::set_up; };
    run_.verifier.allow(user.number(), history_outstanding);
    if (!user.join_room(room, nullptr, VirtualUser::Counted::no)) return false;
    for (std::uint64_t i = 0; i < messages && wanted(); ++i) {
        if (!user.wait_until(
                [&] { return user.unanswered() < history_outstanding || !wanted(); })) {
            return false;
        }
        if (!user.send_message(history_payload_bytes)) return false;
    }
    return user.wait_until([&user] { return user.unanswered() == 0; }) && user.leave_room();
}

void Workload::set_up(VirtualUser& user) {
    const UserGroup& group = *place_of(user).group;
    if (group.sending.outstanding > 0) {
        run_.verifier.allow(user.number(), group.sending.outstanding);
    }
    if (group.does != Behaviour::member) return;
    Room& room = room_of(user);
    const auto counted = group.is_counted() ? VirtualUser::Counted::yes : VirtualUser::Counted::no;
    static_cast<void>(user.join_room(run_.rooms.at(room.index), room.audience.get(), counted));
}

void Workload::rounds(VirtualUser& user) {
    const Place place = place_of(user);
    const UserGroup& group = *place.group;
    switch (group.does) {
        case Behaviour::member:
            return stay(user, group, place.index);
        case Behaviour::visitor:
            if (group.sending.outstanding > 0) {
                run_.verifier.allow(user.number(), group.sending.outstanding);
            }
            return visit(user, group, *this);
        case Behaviour::wanderer:
            return wander(user, group, *this);
        case Behaviour::lobby:
            return look_in(user, group, *this);
        case Behaviour::half_frame:
        case Behaviour::long_length:
        case Behaviour::flood:
            return HostileUser(user, group, {}).misbehave(*this);
        case Behaviour::cut_replay:
            return HostileUser(user, group, run_.rooms.at(room_of(user).index).name())
                .misbehave(*this);
    }
}

}  // namespace ringside::loadgen
