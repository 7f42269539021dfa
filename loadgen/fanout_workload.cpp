#include <algorithm>

#include "common/assert.hpp"
#include "loadgen/payload.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

void FanoutWorkload::prepare(VirtualUser& user) {
    RunState& run = user.run();
    for (std::uint32_t i = 0; i < rooms_here_ && user.phase() == Phase::set_up; ++i) {
        const std::string name = room_name(run.verifier.run(), i);
        if (!user.create_room(name, true)) return;
        const std::uint32_t index = *run.rooms.find(name);
        rooms_.push_back({index, std::make_unique<Audience>(run.rooms.at(index), options_.members,
                                                            run.recorder)});
    }
}

void FanoutWorkload::set_up(VirtualUser& user) {
    RINGSIDE_ASSERT(rooms_.size() == rooms_here_);
    const Room& room = rooms_[user.number() % rooms_here_];
    const bool publisher = user.number() / rooms_here_ < options_.publishers;
    if (publisher) user.run().verifier.allow(user.number(), options_.outstanding);
    static_cast<void>(user.join_room(user.run().rooms.at(room.index), room.audience.get(), true));
}

void FanoutWorkload::rounds(VirtualUser& user) {
    const bool publisher = user.number() / rooms_here_ < options_.publishers;
    if (!publisher) {
        static_cast<void>(user.wait_until([&user] { return user.phase() != Phase::rounds; }));
    } else if (options_.offered.per_second == 0) {
        while (wait_to_send(user) && user.send_message()) {
        }
    } else {
        keep_schedule(user);
    }
}

void FanoutWorkload::keep_schedule(VirtualUser& user) {
    const std::uint64_t begin_ns = user.run().load_begin_ns;
    // Publishers are the users with the lowest numbers, in the whole load as in a shard.
    Schedule schedule(options_.offered, options_.place_of(user.number()),
                      options_.rooms * options_.publishers, user.random());
    Recorder& recorder = user.run().recorder;
    std::uint64_t due_ns = begin_ns + schedule.next();
    std::uint64_t held_until_ns = begin_ns;  // by messages that were on their way
    while (user.sleep_until(due_ns)) {
        if (user.unanswered() >= options_.outstanding) {
            if (!wait_to_send(user)) break;
            held_until_ns = user.run().driver.now_ns();
        }
        if (!user.send_message(due_ns, std::max(due_ns, held_until_ns))) return;
        if (recorder.in_window(due_ns)) ++recorder.messages_due;
        due_ns = begin_ns + schedule.next();
    }
    // What waited when the load ended would be missing from the tail.
    while (!user.over() && recorder.closed() && recorder.record_unsent(due_ns))
        due_ns = begin_ns + schedule.next();
}

bool FanoutWorkload::wait_to_send(VirtualUser& user) const {
    const auto stopping = [&user] { return user.phase() != Phase::rounds; };
    return user.wait_until([&] {
        return stopping() || user.unanswered() < options_.outstanding;
    }) && !stopping();
}

std::unique_ptr<Workload> make_workload(const Options& options) {
    if (options.workload == WorkloadKind::thesis) return std::make_unique<ThesisWorkload>();
    return std::make_unique<FanoutWorkload>(options);
}

}  // namespace ringside::loadgen
