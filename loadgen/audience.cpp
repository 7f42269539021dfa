#include "loadgen/audience.hpp"

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {
constexpr std::size_t ring_places_min = 64;
}

Audience::Audience(RoomLedger& room, std::size_t members, Recorder& recorder, Ledger ledger)
    : room_(room),
      recorder_(recorder),
      members_(members),
      median_((members + 1) / 2),
      ledger_(ledger),
      ring_(ring_places_min),
      mask_(ring_places_min - 1),
      begin_(room.size()),
      end_(room.size()) {
    RINGSIDE_ASSERT(members > 0);
}

void Audience::published(const SendTime& sent) {
    if (end_ - begin_ == ring_.size()) grow();
    ring_[end_ & mask_] = {sent, 0};
    ++end_;
}

void Audience::complete(const OnTheWay& message, std::uint64_t now_ns) noexcept {
    recorder_.record(Latency::last_member, Latency::last_member_uncorrected, message.sent, now_ns);
    while (begin_ < end_ && ring_[begin_ & mask_].receipts == members_)
        ++begin_;
    if (ledger_ == Ledger::forgets) room_.forget_below(begin_);
}

void Audience::grow() {
    std::vector<OnTheWay> larger(ring_.size() * 2);
    const std::uint64_t larger_mask = larger.size() - 1;
    for (std::uint64_t i = begin_; i < end_; ++i)
        larger[i & larger_mask] = ring_[i & mask_];
    ring_ = std::move(larger);
    mask_ = larger_mask;
}

}  // namespace ringside::loadgen
