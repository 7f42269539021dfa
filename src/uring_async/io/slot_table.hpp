#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/assert.hpp"
#include "common/slot_id.hpp"

namespace ringside::uring {

// The connections of one Io: a table of slots with their generations and a list of the free ones,
// the last freed first, since its memory is still in the cache. Memory is taken once, at the
// start, and touched when a slot is first used. A reference stays valid for the table's life.
//
// A connection that ends is retired: its slot stays taken until release_retired(), which an Io
// calls at the start of a turn. So no slot gets a new owner while the batch of events that told of
// its old one's end is worked off.
template <typename Socket>
class SlotTable {
 public:
    explicit SlotTable(std::uint32_t slots_max) { entries_.reserve(slots_max); }

    /// A free slot with a fresh Socket; nothing where all are taken.
    [[nodiscard]] std::optional<SlotId> take() noexcept {
        if (free_ != none) {
            const std::uint32_t slot = free_;
            Entry& entry = entries_[slot];
            free_ = entry.next_free;
            entry.next_free = taken;
            entry.socket = Socket{};
            return SlotId{slot, entry.generation};
        }
        if (entries_.size() == entries_.capacity()) return std::nullopt;
        entries_.push_back(Entry{});
        return SlotId{static_cast<std::uint32_t>(entries_.size() - 1), 1};
    }

    /// The slot is to be free at the next release_retired(). Once per identity.
    void retire(SlotId id) noexcept {
        RINGSIDE_ASSERT(find(id) != nullptr);
        retired_.push_back(id);
    }

    /// What was retired is free; its generations never come again until the count wraps.
    void release_retired() noexcept {
        for (const SlotId id : retired_) {
            RINGSIDE_ASSERT(find(id) != nullptr);
            Entry& entry = entries_[id.slot];
            entry.generation = entry.generation + 1 == generation_limit ? 1 : entry.generation + 1;
            entry.next_free = free_;
            free_ = id.slot;
        }
        retired_.clear();
    }

    /// Null where `id` is not (any more) the identity of a taken slot.
    [[nodiscard]] Socket* find(SlotId id) noexcept {
        if (id.slot >= entries_.size()) return nullptr;
        Entry& entry = entries_[id.slot];
        const bool current = entry.next_free == taken && entry.generation == id.generation;
        return current ? &entry.socket : nullptr;
    }

    /// A connection the caller must know to be there: a stale id is a bug.
    [[nodiscard]] Socket& at(SlotId id) noexcept {
        Socket* const socket = find(id);
        RINGSIDE_ASSERT(socket != nullptr);
        return *socket;
    }

    template <typename Visit>
    void for_each_taken(Visit visit) {
        for (Entry& entry : entries_) {
            if (entry.next_free == taken) visit(entry.socket);
        }
    }

 private:
    static constexpr std::uint32_t none = UINT32_MAX;       // end of the list of free slots
    static constexpr std::uint32_t taken = UINT32_MAX - 1;  // not in that list

    struct Entry {
        std::uint32_t generation = 1;
        std::uint32_t next_free = taken;
        Socket socket{};
    };

    std::vector<Entry> entries_;  // never grows beyond what was reserved
    std::uint32_t free_ = none;
    std::vector<SlotId> retired_;
};

}  // namespace ringside::uring
