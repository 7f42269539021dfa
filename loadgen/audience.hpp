#pragma once

#include <cstdint>
#include <vector>

#include "loadgen/recorder.hpp"
#include "loadgen/room_ledger.hpp"

namespace ringside::loadgen {

// Who has received how much of one room with a fixed number of members: for each message on its
// way when it was sent and how many have it, which gives the latencies to the first, the median and
// the last member. Messages stand in a ring by their place in the room's order; members receive in
// that order, so they complete in it as well.
class Audience {
 public:
    /// What all members have got may be forgotten, unless others in the room still need it.
    enum class Ledger : std::uint8_t { forgets, keeps };

    /// Of the messages that follow what is in the room by now.
    Audience(RoomLedger& room, std::size_t members, Recorder& recorder, Ledger ledger);

    /// Messages known: the next one published has this index.
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
    /// The message at end() was sent then; called before its first received().
    void published(const SendTime& sent);
    /// One more member has the message at `index`.
    void received(std::uint64_t index, std::uint64_t now_ns) noexcept {
        if (index < begin_) return;
        OnTheWay& message = ring_[index & mask_];
        const std::uint32_t receipts = ++message.receipts;
        if (receipts == 1) recorder_.record(Latency::first_member, message.sent.due_ns, now_ns);
        if (receipts == median_)
            recorder_.record(Latency::median_member, message.sent.due_ns, now_ns);
        if (receipts == members_) complete(message, now_ns);
    }

 private:
    struct OnTheWay {
        SendTime sent;
        std::uint32_t receipts = 0;
    };

    void complete(const OnTheWay& message, std::uint64_t now_ns) noexcept;
    void grow();

    RoomLedger& room_;
    Recorder& recorder_;
    std::size_t members_;
    std::size_t median_;
    Ledger ledger_;
    std::vector<OnTheWay> ring_;
    std::uint64_t mask_;
    std::uint64_t begin_;  // all below are complete
    std::uint64_t end_;    // all below are published
};

}  // namespace ringside::loadgen
