#include "loadgen/driver.hpp"

#include "common/assert.hpp"
#include "loadgen/virtual_user.hpp"

namespace ringside::loadgen {

namespace {
// Continuations in a turn before the network is looked at again: more than there are users.
constexpr std::size_t continuations_max = std::size_t{1} << 20U;
}  // namespace

Driver::Driver(std::unique_ptr<uring::Io> io) : io_(std::move(io)) {
    RINGSIDE_ASSERT(io_ != nullptr);
}

void Driver::watch(SlotId id, VirtualUser& user) {
    if (id.slot >= users_.size()) users_.resize(id.slot + 1);
    RINGSIDE_ASSERT(users_[id.slot] == nullptr);
    users_[id.slot] = &user;
}

void Driver::dispatch(const uring::IoEvent& event) {
    RINGSIDE_ASSERT(event.id.slot < users_.size());
    VirtualUser* const user = users_[event.id.slot];
    RINGSIDE_ASSERT(user != nullptr);
    if (event.kind == uring::IoEvent::Kind::closed) users_[event.id.slot] = nullptr;
    user->on_event(event);
}

void Driver::run() {
    while (scheduler_.alive() > 0) {
        const std::uint64_t until_ns = scheduler_.has_ready() ? 0 : timers_.next_ns();
        for (const uring::IoEvent& event : io_->turn(until_ns))
            dispatch(event);
        timers_.expire(io_->now_ns());
        scheduler_.run_ready(continuations_max);
        for (VirtualUser* user : flush_)
            user->flush();
        flush_.clear();
    }
}

}  // namespace ringside::loadgen
