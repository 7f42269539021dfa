#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame_count.hpp"
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
//    published_end() and reads bytes below it through a LogReader of its own.
// 2. stage() encodes behind the published end, commit() appends all that was staged to the file by
//    one write, publish() lets readers see it. Nothing is published before it is in the file, nor,
//    with --fsync always, before it is synced: then publish() follows the sync thread's word.
// 3. A frame never straddles two segments. Bytes below the published end never change.
// 4. A failed commit() drops everything that was staged and not committed; the caller tells the
//    senders. Until a retry succeeds the log refuses (writable()).

struct LogSegment {
    std::uint64_t begin = 0;  // log position of bytes[0]
    std::size_t capacity = 0;
    std::unique_ptr<char[]> bytes;
};

class RoomLog {
 public:
    explicit RoomLog(std::shared_ptr<HistoryFile> file);

    // ---- owner ----
    /// True where a message may be staged at `now_ns` (monotonic): the disk is not known to refuse.
    [[nodiscard]] bool writable(std::uint64_t now_ns) const noexcept;
    /// Encodes one message behind what is staged.
    void stage(std::string_view user, std::string_view time, std::int64_t wall_ns,
               std::string_view text);
    [[nodiscard]] std::size_t staged_bytes() const noexcept;
    /// Log position behind everything staged: where the message staged last will end.
    [[nodiscard]] std::uint64_t staged_end() const noexcept;
    /// Writes what is staged to the file. On failure all of it is gone.
    [[nodiscard]] Result<void> commit(std::uint64_t now_ns);
    /// Lets readers see everything committed up to `end`, a message boundary at or below
    /// committed_end().
    void publish(std::uint64_t end);
    /// A sync failed: nothing after the published end will ever be published, nothing more is
    /// taken.
    void fence() noexcept;
    [[nodiscard]] std::uint64_t committed_end() const noexcept;
    [[nodiscard]] std::uint64_t message_count() const noexcept;
    [[nodiscard]] const std::shared_ptr<HistoryFile>& file() const noexcept;

    // ---- any thread ----
    /// Position behind the last message that members may see. Pairs with publish().
    [[nodiscard]] std::uint64_t published_end() const noexcept;
    /// The segment in memory that holds `position`; null where it has left memory.
    [[nodiscard]] std::shared_ptr<const LogSegment> segment_at(std::uint64_t position) const;
};

/// Bytes of a log, ready to send, and what keeps them alive meanwhile.
struct LogPiece {
    std::string_view bytes;
    std::shared_ptr<const void> pin;
};

// Buffers through which members catch up on what has left memory: few, large, shared by all members
// of one thread. A chunk that several members need is read once. Thread-confined.
class CatchUpPool {
 public:
    /// The bytes from `position` on, below `end`, that one chunk holds; never empty on success.
    /// EAGAIN where every buffer is pinned: wait for the next turn.
    [[nodiscard]] Result<LogPiece> read(const std::shared_ptr<HistoryFile>& file,
                                        std::uint64_t position, std::uint64_t end);
};

// One thread's way to read one room's log. Remembers the newest segments, so that reading the tail
// takes no lock. Thread-confined; lives while the thread has members in the room.
class LogReader {
 public:
    LogReader(const RoomLog& log, CatchUpPool& pool) noexcept;

    /// A contiguous piece of [position, end), `end` at or below the published end; never empty on
    /// success, and ending where memory or a chunk ends, which may be inside a frame. Errors:
    /// EAGAIN as above, or what the disk said.
    [[nodiscard]] Result<LogPiece> read(std::uint64_t position, std::uint64_t end);
    [[nodiscard]] const RoomLog& log() const noexcept;
    /// The stretch whose frames were counted last; for Outbox::sent() alone.
    [[nodiscard]] CountedRange& counted() noexcept { return counted_; }

 private:
    CountedRange counted_;
};

}  // namespace ringside
