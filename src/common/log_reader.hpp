#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/frame_count.hpp"
#include "common/history_file.hpp"
#include "common/limits.hpp"
#include "common/result.hpp"
#include "common/room_log.hpp"

namespace ringside {

/// Bytes of a log, ready to send, and what keeps them alive meanwhile.
struct LogPiece {
    std::string_view bytes;
    std::shared_ptr<const void> pin;
};

// Buffers through which members catch up on what has left memory: few, large, shared by all members
// of one thread. A chunk that several members need is read once. Thread-confined, the release of
// its pieces included.
class CatchUpPool {
 public:
    /// The bytes from `position` on, below `end`, that one chunk holds; never empty on success.
    /// EAGAIN where every buffer is pinned: wait for the next turn.
    [[nodiscard]] Result<LogPiece> read(const HistoryFile& file, std::uint64_t position,
                                        std::uint64_t end);
    /// Frees the buffers that nobody holds and nobody read since the trim() before. The owner's
    /// loop calls it now and then, so that an idle thread keeps none.
    void trim() noexcept;
    /// Reads of history files since the start (metric catch_up_reads_total).
    [[nodiscard]] std::uint64_t file_reads() const noexcept { return file_reads_; }
    [[nodiscard]] std::size_t buffers() const noexcept { return chunks_.size(); }

 private:
    struct Chunk {
        std::uint64_t file = 0;    // HistoryFile::identity()
        std::uint64_t number = 0;  // of the chunk in the log, from 0
        std::size_t filled = 0;    // bytes read so far, from the chunk's start; pieces end before
        std::uint64_t last_read = 0;
        bool read_since_trim = false;
        std::unique_ptr<char[]> bytes;
    };

    /// The chunk, in the pool already or in a buffer made or taken for it; null where all are
    /// pinned.
    [[nodiscard]] const std::shared_ptr<Chunk>* chunk_for(std::uint64_t file, std::uint64_t number);
    [[nodiscard]] Result<void> fill(Chunk& chunk, const HistoryFile& file, std::uint64_t end);

    std::vector<std::shared_ptr<Chunk>> chunks_;  // at most catch_up_chunks; count 1: not pinned
    std::uint64_t reads_ = 0;                     // orders the chunks by their last use
    std::uint64_t file_reads_ = 0;
};

// One thread's way to read one room's log. Remembers the newest two segments, so that reading the
// tail takes no lock, and counts their pins on its own thread, so that threads which send the same
// bytes do not contend for a reference count. Thread-confined, the release of its pieces included;
// lives while the thread has members in the room, and not longer than log and pool.
class LogReader {
 public:
    LogReader(const RoomLog& log, CatchUpPool& pool) noexcept : log_(log), pool_(pool) {}

    /// A contiguous piece of [position, end), `end` at or below the published end; never empty on
    /// success, and ending where memory or a chunk ends, which may be inside a frame. Errors:
    /// EAGAIN as above, or what the disk said.
    [[nodiscard]] Result<LogPiece> read(std::uint64_t position, std::uint64_t end);
    [[nodiscard]] const RoomLog& log() const noexcept { return log_; }
    /// The stretch whose frames were counted last; for Outbox::sent() alone.
    [[nodiscard]] CountedRange& counted() noexcept { return counted_; }

 private:
    struct Remembered {
        const LogSegment* segment = nullptr;
        std::shared_ptr<const void> pin;  // owns a reference to the segment; counted by us alone

        [[nodiscard]] bool holds(std::uint64_t position) const noexcept;
        [[nodiscard]] LogPiece piece(std::uint64_t position, std::uint64_t end) const noexcept;
    };

    [[nodiscard]] const Remembered* remember(std::uint64_t position);

    const RoomLog& log_;
    CatchUpPool& pool_;
    std::array<Remembered, 2> remembered_;   // the newer one first
    std::uint64_t memory_begins_after_ = 0;  // what is below has left memory
    CountedRange counted_;
};

}  // namespace ringside
