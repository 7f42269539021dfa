#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "common/history_file.hpp"
#include "common/limits.hpp"
#include "common/result.hpp"

namespace ringside {

// A room is a log, a member is a cursor (docs/architecture.md).
//
// The log is a sequence of bytes from position 0: the finished receive_message frames of the room's
// messages, encoded once. The history file holds exactly these bytes; the newest segments are
// also in memory.
//
// 1. One owner (a worker, a room's thread) calls stage(), commit(), publish(). Any thread reads
//    published_end() and reads bytes below it through a LogReader of its own (log_reader.hpp).
// 2. stage() encodes behind the published end, commit() appends all that was staged to the file by
//    one write, publish() lets readers see it. Nothing is published before it is in the file, nor,
//    with --fsync always, before it is synced: then publish() follows the sync thread's word.
// 3. A frame never straddles two segments. Bytes below the published end never change.
// 4. A failed commit() drops everything that was staged and not committed; the caller tells the
//    senders. Until a retry succeeds the log refuses (writable()).

/// A stretch of a log in memory. Bytes below the published end never change; the owner writes
/// behind it. Lives for as long as anybody holds it, also when the log let it go.
struct LogSegment {
    std::uint64_t begin = 0;  // log position of bytes[0]
    std::size_t capacity = 0;
    std::unique_ptr<char[]> bytes;
    /// Log position behind the last frame once the next segment has begun, UINT64_MAX until then.
    /// The owner stores it before it publishes anything in the next segment, so whoever learned of
    /// a published end there (RoomLog::publish(), release) sees it: relaxed on both sides.
    std::atomic<std::uint64_t> end{UINT64_MAX};
};

class RoomLog {
 public:
    explicit RoomLog(std::shared_ptr<HistoryFile> file);
    /// Whoever opens the room next finds the index whole, though a sync may still hold the file.
    ~RoomLog();
    RoomLog(const RoomLog&) = delete;
    RoomLog& operator=(const RoomLog&) = delete;

    // ---- owner ----
    /// True where a message may be staged at `now_ns` (monotonic): the disk is not known to refuse.
    [[nodiscard]] bool writable(std::uint64_t now_ns) const noexcept {
        return !fenced_ && now_ns >= retry_at_ns_;
    }
    /// Encodes one message behind what is staged. The log is not fenced.
    void stage(std::string_view user, std::string_view time, std::int64_t wall_ns,
               std::string_view text);
    [[nodiscard]] std::size_t staged_bytes() const noexcept { return staged_end_ - committed_end_; }
    /// Log position behind everything staged: where the message staged last will end.
    [[nodiscard]] std::uint64_t staged_end() const noexcept { return staged_end_; }
    /// Writes what is staged to the file. On failure all of it is gone, and the log is not writable
    /// for storage_retry_ns.
    [[nodiscard]] Result<void> commit(std::uint64_t now_ns);
    /// Lets readers see everything committed up to `end`, a message boundary at or below
    /// committed_end(). Does nothing once fenced.
    void publish(std::uint64_t end);
    /// A sync failed: nothing after the published end will ever be published, nothing more is
    /// taken; what is staged is gone.
    void fence() noexcept;
    [[nodiscard]] std::uint64_t committed_end() const noexcept { return committed_end_; }
    [[nodiscard]] std::uint64_t message_count() const noexcept { return file_->message_count(); }

    // ---- any thread ----
    [[nodiscard]] const std::shared_ptr<HistoryFile>& file() const noexcept { return file_; }
    /// Position behind the last message that members may see. Pairs with publish().
    [[nodiscard]] std::uint64_t published_end() const noexcept {
        return published_end_.load(std::memory_order_acquire);
    }
    /// The segment in memory that holds `position`, which is below the published end; null where it
    /// has left memory, for good.
    [[nodiscard]] std::shared_ptr<const LogSegment> segment_at(std::uint64_t position) const;

 private:
    [[nodiscard]] char* room_for(std::size_t frame_bytes);
    void open_segment(std::size_t frame_bytes);
    void let_go_segments(std::size_t keep);
    void collect_staged_pieces();
    void roll_back() noexcept;
    void adapt_to_pace(std::uint64_t now_ns, bool tail_is_new);

    const std::shared_ptr<HistoryFile> file_;

    // A position in the log that only grows: stored by publish() (release), loaded by
    // published_end() (acquire), so that the bytes below it are seen. A line of its own, since
    // every reader polls it while the owner writes its own members.
    alignas(64) std::atomic<std::uint64_t> published_end_;

    // Guards `segments_` between the owner, who changes it, and segment_at(); the owner alone
    // reads it without.
    alignas(64) mutable std::mutex mutex_;
    std::vector<std::shared_ptr<LogSegment>> segments_;  // oldest first; the last one is written to

    // Owner only.
    std::uint64_t committed_end_;
    std::uint64_t staged_end_;
    std::vector<IndexEntry> entries_;  // of what is staged
    std::vector<std::string_view> pieces_;
    std::size_t next_capacity_;   // of the next segment, if its forerunner was not filled fast
    bool tail_given_up_ = false;  // the next message begins a new segment
    std::uint64_t tail_opened_ns_ = 0;  // first commit into the last segment
    std::uint64_t last_commit_ns_ = 0;
    std::uint64_t retry_at_ns_ = 0;  // after a failed commit: no message before
    bool fenced_ = false;
};

}  // namespace ringside
