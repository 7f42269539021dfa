#include "loadgen/driver.hpp"

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {
// Continuations in a turn before the network is looked at again: more than there are users.
constexpr std::size_t continuations_max = std::size_t{1} << 20U;
}  // namespace

Driver::Driver(std::unique_ptr<uring::Io> io) : io_(std::move(io)) {
    RINGSIDE_ASSERT(io_ != nullptr);
}

void Driver::watch(SlotId id, ConnectionOwner& owner) {
    if (id.slot >= owners_.size()) owners_.resize(id.slot + 1);
    RINGSIDE_ASSERT(owners_[id.slot] == nullptr);
    owners_[id.slot] = &owner;
}

void Driver::dispatch(const uring::IoEvent& event) {
    RINGSIDE_ASSERT(event.id.slot < owners_.size());
    ConnectionOwner* const owner = owners_[event.id.slot];
    RINGSIDE_ASSERT(owner != nullptr);
    if (event.kind == uring::IoEvent::Kind::closed) owners_[event.id.slot] = nullptr;
    owner->on_event(event);
}

void Driver::run() {
    while (scheduler_.alive() > 0) {
        const std::uint64_t until_ns = scheduler_.has_ready() ? 0 : timers_.next_ns();
        for (const uring::IoEvent& event : io_->turn(until_ns))
            dispatch(event);
        timers_.expire(io_->now_ns());
        scheduler_.run_ready(continuations_max);
        for (ConnectionOwner* owner : flush_)
            owner->flush();
        flush_.clear();
    }
}

}  // namespace ringside::loadgen
