#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/assert.hpp"

namespace ringside::loadgen {

/// Which message this is: of the run, `sender << 32 | counter`; of others, its digest and
/// foreign_key.
using MessageKey = std::uint64_t;
inline constexpr MessageKey foreign_key = std::uint64_t{1} << 63U;

[[nodiscard]] inline MessageKey make_key(std::uint32_t sender, std::uint32_t counter) noexcept {
    return std::uint64_t{sender} << 32U | counter;
}
[[nodiscard]] inline std::uint32_t sender_of(MessageKey key) noexcept {
    return static_cast<std::uint32_t>(key >> 32U);  // no sender's number where it is foreign
}
[[nodiscard]] inline std::uint32_t counter_of(MessageKey key) noexcept {
    return static_cast<std::uint32_t>(key);
}

struct LedgerEntry {
    static constexpr std::uint64_t unseen = 0;

    std::uint64_t digest = unseen;  // of the message as the first member received it
    MessageKey key = 0;
};

// The one order of a room's messages, as far as anybody has seen it: whoever receives a message
// first writes it down, everybody else must get the same at the same place. Index 0 is the room's
// first message ever. Grows by chunks, so that no append copies what is there.
//
// A message that its sender's numbers say is missing gets a guessed place, just before the one that
// showed it: if another member has it, that was a loss and not a new order.
class RoomLedger {
 public:
    /// `own`: this run made the room, so nobody else's messages can have been in it before.
    RoomLedger(std::uint32_t number, std::string name, bool own)
        : number_(number), name_(std::move(name)), own_(own), charted_(own) {}

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    /// As payloads carry it.
    [[nodiscard]] std::uint16_t tag() const noexcept {
        return static_cast<std::uint16_t>(number_ & 0xfffU);
    }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool own() const noexcept { return own_; }
    /// True once all that was in the room before the run has been seen by somebody.
    [[nodiscard]] bool charted() const noexcept { return charted_; }
    void set_charted() noexcept { charted_ = true; }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// begin() <= index < size().
    [[nodiscard]] const LedgerEntry& at(std::uint64_t index) const noexcept {
        RINGSIDE_ASSERT(index < size_);
        return chunks_[index / chunk_entries][index % chunk_entries];
    }
    void append(const LedgerEntry& entry) {
        if (size_ % chunk_entries == 0) {
            chunks_.push_back(std::make_unique_for_overwrite<LedgerEntry[]>(chunk_entries));
        }
        chunks_[size_ / chunk_entries][size_ % chunk_entries] = entry;
        ++size_;
    }
    void append_guess(MessageKey key) {
        guesses_.push_back(size_);
        append({LedgerEntry::unseen, key});
    }
    [[nodiscard]] bool is_guess(std::uint64_t index) const noexcept {
        return std::ranges::binary_search(guesses_, index);
    }
    /// Somebody has got the message of this guessed place.
    void see(std::uint64_t index, std::uint64_t digest) noexcept {
        RINGSIDE_ASSERT(at(index).digest == LedgerEntry::unseen);
        chunks_[index / chunk_entries][index % chunk_entries].digest = digest;
    }
    /// The lowest index that is still known.
    [[nodiscard]] std::uint64_t begin() const noexcept { return begin_chunk_ * chunk_entries; }
    /// Everybody has got what is below `index`, and nobody will join any more: it may go.
    void forget_below(std::uint64_t index) noexcept {
        for (; (begin_chunk_ + 1) * chunk_entries <= index; ++begin_chunk_) {
            chunks_[begin_chunk_].reset();
        }
    }

 private:
    static constexpr std::uint64_t chunk_entries = 4096;

    std::uint32_t number_;
    std::string name_;
    std::vector<std::unique_ptr<LedgerEntry[]>> chunks_;
    std::vector<std::uint64_t> guesses_;  // indexes, ascending
    std::uint64_t size_ = 0;
    std::uint64_t begin_chunk_ = 0;  // chunks below it are freed

    bool own_;
    bool charted_;
};

}  // namespace ringside::loadgen
