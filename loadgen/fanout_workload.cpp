#include "common/assert.hpp"
#include "loadgen/payload.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

void FanoutWorkload::prepare(VirtualUser& user) {
    RunState& run = user.run();
    for (std::uint32_t i = 0; i < options_.rooms && user.phase() == Phase::set_up; ++i) {
        const std::string name = room_name(run.verifier.run(), i);
        if (!user.create_room(name, true)) return;
        const std::uint32_t index = *run.rooms.find(name);
        rooms_.push_back({index, std::make_unique<Audience>(run.rooms.at(index), options_.members,
                                                            run.recorder)});
    }
}

void FanoutWorkload::set_up(VirtualUser& user) {
    RINGSIDE_ASSERT(rooms_.size() == options_.rooms);
    const Room& room = rooms_[user.number() % options_.rooms];
    const bool publisher = user.number() / options_.rooms < options_.publishers;
    if (publisher) user.run().verifier.allow(user.number(), options_.outstanding);
    static_cast<void>(user.join_room(user.run().rooms.at(room.index), room.audience.get(), true));
}

void FanoutWorkload::rounds(VirtualUser& user) {
    const bool publisher = user.number() / options_.rooms < options_.publishers;
    const auto stopping = [&user] { return user.phase() != Phase::rounds; };
    if (!publisher) {
        static_cast<void>(user.wait_until(stopping));
        return;
    }
    while (
        user.wait_until([&] { return stopping() || user.unanswered() < options_.outstanding; })) {
        if (stopping() || !user.send_message()) return;
    }
}

std::unique_ptr<Workload> make_workload(const Options& options) {
    if (options.workload == WorkloadKind::thesis) return std::make_unique<ThesisWorkload>();
    return std::make_unique<FanoutWorkload>(options);
}

}  // namespace ringside::loadgen
