#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "common/assert.hpp"
#include "loadgen/digest.hpp"
#include "loadgen/payload.hpp"
#include "loadgen/recorder.hpp"
#include "loadgen/room_ledger.hpp"
#include "loadgen/violations.hpp"

namespace ringside::loadgen {

// Checks every delivery of a run (docs/benchmarking.md "What is verified").
//
// 1. A room has one order: its ledger. Whoever is the first to receive a message has it examined in
//    full (format, checksum, sender's name, room, the sender's own order) and written down; every
//    other member must then get the same bytes at the same place, which a digest tells in about
//    10 ns.
// 2. A member has a cursor into its room's ledger, from the first message on: the protocol replays
//    everything. A message at another place than the cursor's is a violation, of which kind is
//    found out by looking for it.
// 3. What a cursor passes over is remembered: it may still come, late; otherwise it is lost. Every
//    violation is counted for the member that suffers it.
// 4. Messages of others than this run (what earlier runs left in a room) have no known order, but
//    must be the same for all members as well.
//
// One thread. Nothing is allocated per delivery, unless there is a violation.

/// Where a member stands in its room. All-empty outside a room.
struct Cursor {
    RoomLedger* room = nullptr;
    std::uint64_t index = 0;            // the next message's
    std::vector<std::uint64_t> missed;  // indexes below `index` that did not come, ascending
    std::vector<std::uint64_t> ahead;   // guessed places from `index` on that came early, ascending
    std::uint64_t spoilt = 0;           // corrupt deliveries not yet set against missed ones
};

struct Delivery {
    static constexpr std::uint64_t refused = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t index = refused;  // in the room's order; `refused`: a violation, no new message
    MessageKey key = 0;

    [[nodiscard]] bool valid() const noexcept { return index != refused; }
};

/// What the run knows of one sender's messages. They have numbers from 0, whatever the room.
struct SenderRecord {
    std::uint32_t sent = 0;         // the number of the next one to send
    std::uint32_t published = 0;    // the lowest number nobody has received yet
    std::uint32_t answered = 0;     // the lowest number whose own copy is not back
    std::uint32_t window_mask = 0;  // of sent_at, a power of two of places
    std::vector<SendTime> sent_at;  // of those not answered yet, and of those nobody has received

    bool written_off = false;

    [[nodiscard]] std::uint32_t unanswered() const noexcept { return sent - answered; }
};

/// What a message's body is made of.
enum class BodyForm : std::uint8_t {
    chat,  // `user TAB time LF payload`
    bare,  // the payload alone: who sent it stands there only
};

class Verifier {
 public:
    /// A sender's messages are numbered in 32 bits: it may send `messages_max`.
    Verifier(std::uint32_t run, std::size_t senders, Violations& violations,
             BodyForm form = BodyForm::chat,
             std::uint32_t messages_max = std::numeric_limits<std::uint32_t>::max());

    [[nodiscard]] std::uint32_t run() const noexcept { return run_; }

    // ---- sending ----
    /// The sender may have so many messages unanswered.
    void allow(std::uint32_t sender, std::size_t outstanding);
    /// False where the sender has no number left for one more message.
    [[nodiscard]] bool may_send(std::uint32_t sender) const noexcept {
        return senders_[sender].sent < messages_max_;
    }
    /// The number of the sender's next message, which is sent now.
    std::uint32_t send(std::uint32_t sender, const SendTime& time) noexcept;
    [[nodiscard]] std::uint32_t unanswered(std::uint32_t sender) const noexcept {
        return senders_[sender].unanswered();
    }
    /// Valid from send() until answer().
    [[nodiscard]] const SendTime& sent_at(MessageKey key) const noexcept {
        const SenderRecord& sender = senders_[sender_of(key)];
        return sender.sent_at[counter_of(key) & sender.window_mask];
    }
    /// The sender has its own copy of this message; those before it count as answered as well, so
    /// that one lost copy does not stop it. False where it counted as answered already.
    bool answer(MessageKey key) noexcept {
        SenderRecord& sender = senders_[sender_of(key)];
        if (counter_of(key) < sender.answered) return false;
        sender.answered = counter_of(key) + 1;
        return true;
    }

    // ---- receiving ----
    /// `body`: the text of a receive_message frame.
    [[nodiscard]] Delivery deliver(Cursor& cursor, std::string_view body) {
        const std::uint64_t digest = digest_of(body);
        const RoomLedger& room = *cursor.room;
        if (cursor.index < room.size()) [[likely]] {
            const LedgerEntry& expected = room.at(cursor.index);
            if (expected.digest == digest) [[likely]]
                return {cursor.index++, expected.key};
        }
        return examine(cursor, body, digest);
    }
    /// This sender is out of its room, and must have got everything below `end` there, its own
    /// messages and everything before them.
    void leave(Cursor& cursor, std::uint64_t end, std::uint32_t sender);
    /// This sender's connection is given up: what nobody got of it is not lost.
    void write_off(std::uint32_t sender) noexcept { senders_[sender].written_off = true; }
    /// Nobody sends or receives any more: what no member has ever got is lost.
    void finish();
    /// Calls `take` with the SendTime of each message that no member has ever got, as far as it is
    /// still known: of the last ones of each sender, as many as it may have unanswered.
    template <typename Take>
    void each_unseen(Take take) const {
        for (const SenderRecord& sender : senders_) {
            const std::uint32_t unseen = sender.sent - sender.published;
            const auto known =
                std::min<std::uint32_t>(unseen, static_cast<std::uint32_t>(sender.sent_at.size()));
            for (std::uint32_t i = sender.sent - known; i < sender.sent; ++i)
                take(sender.sent_at[i & sender.window_mask]);
        }
    }

 private:
    enum class Origin : std::uint8_t { ours, foreign, broken };
    struct Reading {
        Origin origin = Origin::broken;
        PayloadId id;  // where ours
    };

    [[nodiscard]] Reading read(const RoomLedger& room, std::string_view body) const noexcept;
    Delivery examine(Cursor& cursor, std::string_view body, std::uint64_t digest);
    Delivery take_ours(Cursor& cursor, const PayloadId& id, std::uint64_t digest);
    Delivery take_foreign(Cursor& cursor, std::uint64_t digest);
    Delivery take_new(Cursor& cursor, MessageKey key, std::uint64_t digest);
    Delivery take_known(Cursor& cursor, std::uint64_t index, std::uint64_t digest);
    Delivery refuse(Violation kind, const Cursor& cursor, std::string_view what);
    void tell_lost(const RoomLedger& room, std::uint64_t index);
    void tell(Violation kind, const Cursor& cursor, std::string_view what);

    std::uint32_t run_;
    std::uint32_t messages_max_;  // of each sender
    BodyForm form_;
    std::vector<SenderRecord> senders_;  // by number
    Violations& violations_;
};

}  // namespace ringside::loadgen
