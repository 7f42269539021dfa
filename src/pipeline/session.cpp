#include "pipeline/session.hpp"

#include <utility>

#include "common/assert.hpp"

namespace ringside::pipeline {

void Session::reset_ownership() noexcept {
    RINGSIDE_ASSERT(!registered && !touched && !again);
    RINGSIDE_ASSERT(unpublished == 0 && !waits);
    departure = Departure::none;
    full = false;
    input_left = false;
    leaves_room = false;
    left_log = false;
    interest = 0;
}

SessionTable::SessionTable(std::size_t sessions_max) : slots_(sessions_max) {
    RINGSIDE_ASSERT(sessions_max <= UINT32_MAX);
    free_.reserve(sessions_max);
    for (std::size_t slot = sessions_max; slot-- > 0;) {
        free_.push_back(static_cast<std::uint32_t>(slot));
    }
}

SessionTable::~SessionTable() = default;

Session* SessionTable::take(UniqueFd fd, std::uint64_t frame_length_max, std::uint64_t now_ns) {
    std::uint32_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) return nullptr;
        number = free_.back();
        free_.pop_back();
    }
    Slot& slot = slots_[number];
    RINGSIDE_ASSERT(slot.session == nullptr);
    // 0 names nothing, so the count wraps to 1.
    slot.generation = slot.generation + 1 < generation_limit ? slot.generation + 1 : 1;
    slot.session = std::make_unique<Session>(SlotId{number, slot.generation}, std::move(fd),
                                             frame_length_max, now_ns);
    return slot.session.get();
}

Session& SessionTable::at(SlotId id) noexcept {
    RINGSIDE_ASSERT(id.slot < slots_.size());
    Slot& slot = slots_[id.slot];
    RINGSIDE_ASSERT(slot.generation == id.generation && slot.session != nullptr);
    return *slot.session;
}

void SessionTable::free(SlotId id) {
    Session& session = at(id);
    RINGSIDE_ASSERT(!session.socket);
    slots_[id.slot].session.reset();
    const std::lock_guard lock(mutex_);
    RINGSIDE_ASSERT(free_.size() < slots_.size());
    free_.push_back(id.slot);
}

std::size_t SessionTable::taken() const {
    const std::lock_guard lock(mutex_);
    return slots_.size() - free_.size();
}

}  // namespace ringside::pipeline
