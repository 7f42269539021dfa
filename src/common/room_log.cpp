#include "common/room_log.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/wire.hpp"

namespace ringside {

RoomLog::RoomLog(std::shared_ptr<HistoryFile> file)
    : file_(std::move(file)),
      published_end_(file_->end()),
      committed_end_(file_->end()),
      staged_end_(file_->end()),
      next_capacity_(segment_bytes_min) {}

RoomLog::~RoomLog() {
    static_cast<void>(file_->write_entries());  // what fails is made anew by the next opening
}

void RoomLog::stage(std::string_view user, std::string_view time, std::int64_t wall_ns,
                    std::string_view text) {
    RINGSIDE_ASSERT(!fenced_);
    // A new turn: the one before had its time to send from the segments beyond those kept.
    if (staged_bytes() == 0 && segments_.size() > segments_kept) let_go_segments(segments_kept);

    const std::size_t frame_bytes = message_frame_bytes(user, time, text);
    RINGSIDE_ASSERT(frame_bytes <= message_frame_bytes_ceiling);
    char* const out = room_for(frame_bytes);
    store_message_frame(out, user, time, text);
    staged_end_ += frame_bytes;
    entries_.push_back(
        IndexEntry{.end = staged_end_, .wall_ns = wall_ns, .crc = crc32c({out, frame_bytes})});
}

char* RoomLog::room_for(std::size_t frame_bytes) {
    const bool fits =
        !segments_.empty() && !tail_given_up_ &&
        staged_end_ - segments_.back()->begin + frame_bytes <= segments_.back()->capacity;
    if (!fits) open_segment(frame_bytes);
    const LogSegment& tail = *segments_.back();
    return tail.bytes.get() + (staged_end_ - tail.begin);
}

void RoomLog::open_segment(std::size_t frame_bytes) {
    if (!segments_.empty() && !tail_given_up_) {
        // The tail is full; where it was opened by what is staged now, it lasted no time at all.
        const LogSegment& tail = *segments_.back();
        const bool fast = tail.begin >= committed_end_ ||
                          last_commit_ns_ - tail_opened_ns_ <= segment_fill_fast_ns;
        if (fast) next_capacity_ = std::min(tail.capacity * 2, segment_bytes_max);
    }
    tail_given_up_ = false;
    let_go_segments(segments_kept - 1);

    auto segment = std::make_shared<LogSegment>();
    segment->begin = staged_end_;
    segment->capacity = std::max(next_capacity_, frame_bytes);
    segment->bytes = std::make_unique_for_overwrite<char[]>(segment->capacity);
    if (!segments_.empty()) segments_.back()->end.store(staged_end_, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    segments_.push_back(std::move(segment));
}

void RoomLog::let_go_segments(std::size_t keep) {
    static_assert(segments_kept >= 2, "the segment written to is never let go");
    const std::uint64_t published = published_end_.load(std::memory_order_relaxed);  // our own
    std::vector<std::shared_ptr<LogSegment>> gone;  // freed after the lock is released
    const std::lock_guard lock(mutex_);
    while (segments_.size() > keep &&
           segments_.front()->end.load(std::memory_order_relaxed) <= published) {
        gone.push_back(std::move(segments_.front()));
        segments_.erase(segments_.begin());
    }
}

Result<void> RoomLog::commit(std::uint64_t now_ns) {
    if (staged_bytes() == 0) return {};
    collect_staged_pieces();
    const bool tail_is_new = segments_.back()->begin >= committed_end_;
    if (auto appended = file_->append(pieces_, entries_); !appended) {
        roll_back();
        retry_at_ns_ = now_ns + storage_retry_ns;
        return appended;
    }
    committed_end_ = staged_end_;
    entries_.clear();
    adapt_to_pace(now_ns, tail_is_new);
    return {};
}

void RoomLog::collect_staged_pieces() {
    pieces_.clear();
    for (const auto& segment : segments_) {
        const std::uint64_t from = std::max(segment->begin, committed_end_);
        const std::uint64_t to =
            std::min(segment->end.load(std::memory_order_relaxed), staged_end_);
        if (from >= to) continue;
        pieces_.emplace_back(segment->bytes.get() + (from - segment->begin), to - from);
    }
    RINGSIDE_ASSERT(!pieces_.empty());
}

void RoomLog::roll_back() noexcept {
    entries_.clear();
    staged_end_ = committed_end_;
    if (segments_.empty()) return;
    {
        // No reader holds these: nothing in them was ever published.
        const std::lock_guard lock(mutex_);
        while (segments_.back()->begin > committed_end_) {
            segments_.pop_back();
            RINGSIDE_ASSERT(!segments_.empty());
        }
    }
    LogSegment& tail = *segments_.back();
    tail.end.store(UINT64_MAX, std::memory_order_relaxed);
    next_capacity_ = std::clamp(tail.capacity, segment_bytes_min, segment_bytes_max);
}

void RoomLog::adapt_to_pace(std::uint64_t now_ns, bool tail_is_new) {
    if (tail_is_new) tail_opened_ns_ = now_ns;
    last_commit_ns_ = now_ns;
    if (now_ns - tail_opened_ns_ <= segment_fill_slow_ns) return;
    const std::size_t capacity = segments_.back()->capacity;
    next_capacity_ = std::max(capacity / 2, segment_bytes_min);
    if (capacity <= segment_bytes_min) return;
    tail_given_up_ = true;
    std::vector<IndexEntry>().swap(entries_);  // as large as the busiest commit
}

void RoomLog::publish(std::uint64_t end) {
    const std::uint64_t before = published_end_.load(std::memory_order_relaxed);  // our own
    RINGSIDE_ASSERT(end >= before && end <= committed_end_);
    if (!fenced_)
        published_end_.store(end, std::memory_order_release);  // pairs with published_end()
}

void RoomLog::fence() noexcept {
    fenced_ = true;
    roll_back();
}

std::shared_ptr<const LogSegment> RoomLog::segment_at(std::uint64_t position) const {
    const std::lock_guard lock(mutex_);
    for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
        if ((*segment)->begin <= position) return *segment;
    }
    return nullptr;
}

}  // namespace ringside
