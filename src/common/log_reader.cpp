#include "common/log_reader.hpp"

#include <algorithm>
#include <cerrno>

#include "common/assert.hpp"

namespace ringside {

Result<LogPiece> CatchUpPool::read(const HistoryFile& file, std::uint64_t position,
                                   std::uint64_t end) {
    RINGSIDE_ASSERT(position < end);
    const std::shared_ptr<Chunk>* const found =
        chunk_for(file.identity(), position / catch_up_chunk_bytes);
    if (found == nullptr) return std::unexpected(Error{EAGAIN, "catch-up buffers"});
    Chunk& chunk = **found;
    chunk.last_read = ++reads_;
    chunk.read_since_trim = true;

    const std::uint64_t begin = chunk.number * catch_up_chunk_bytes;
    const auto start = static_cast<std::size_t>(position - begin);
    if (chunk.filled <= start) {
        if (auto filled = fill(chunk, file, end); !filled) return std::unexpected(filled.error());
    }
    const auto stop = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.filled, end - begin));
    RINGSIDE_ASSERT(start < stop);
    return LogPiece{{chunk.bytes.get() + start, stop - start}, *found};
}

const std::shared_ptr<CatchUpPool::Chunk>* CatchUpPool::chunk_for(std::uint64_t file,
                                                                  std::uint64_t number) {
    std::shared_ptr<Chunk>* oldest = nullptr;
    for (auto& chunk : chunks_) {
        if (chunk->file == file && chunk->number == number) return &chunk;
        if (chunk.use_count() != 1) continue;
        if (oldest == nullptr || chunk->last_read < (*oldest)->last_read) oldest = &chunk;
    }
    if (chunks_.size() < catch_up_chunks) {
        chunks_.push_back(std::make_shared<Chunk>());
        oldest = &chunks_.back();
        (*oldest)->bytes = std::make_unique_for_overwrite<char[]>(catch_up_chunk_bytes);
    }
    if (oldest == nullptr) return nullptr;
    (*oldest)->file = file;
    (*oldest)->number = number;
    (*oldest)->filled = 0;
    return oldest;
}

Result<void> CatchUpPool::fill(Chunk& chunk, const HistoryFile& file, std::uint64_t end) {
    // Behind what is filled, so pieces handed out earlier keep their bytes.
    const std::uint64_t begin = chunk.number * catch_up_chunk_bytes;
    const auto stop =
        static_cast<std::size_t>(std::min<std::uint64_t>(catch_up_chunk_bytes, end - begin));
    RINGSIDE_ASSERT(chunk.filled < stop);
    const std::size_t want = stop - chunk.filled;
    ++file_reads_;
    const auto got = file.read(begin + chunk.filled, chunk.bytes.get() + chunk.filled, want);
    if (!got) return std::unexpected(got.error());
    // Published bytes were in the file: somebody else cut it.
    if (*got != want) return std::unexpected(Error{EIO, "history is shorter than its log"});
    chunk.filled = stop;
    return {};
}

void CatchUpPool::trim() noexcept {
    std::erase_if(chunks_, [](const std::shared_ptr<Chunk>& chunk) {
        return chunk.use_count() == 1 && !chunk->read_since_trim;
    });
    for (const auto& chunk : chunks_)
        chunk->read_since_trim = false;
}

bool LogReader::Remembered::holds(std::uint64_t position) const noexcept {
    return segment != nullptr && position >= segment->begin &&
           position < segment->end.load(std::memory_order_relaxed);
}

LogPiece LogReader::Remembered::piece(std::uint64_t position, std::uint64_t end) const noexcept {
    const std::uint64_t stop = std::min(end, segment->end.load(std::memory_order_relaxed));
    return LogPiece{{segment->bytes.get() + (position - segment->begin), stop - position}, pin};
}

Result<LogPiece> LogReader::read(std::uint64_t position, std::uint64_t end) {
    RINGSIDE_ASSERT(position < end);
    for (const Remembered& remembered : remembered_) {
        if (remembered.holds(position)) return remembered.piece(position, end);
    }
    if (position >= memory_begins_after_) {
        if (const Remembered* found = remember(position)) return found->piece(position, end);
        memory_begins_after_ = position + 1;
    }
    return pool_.read(*log_.file(), position, end);
}

const LogReader::Remembered* LogReader::remember(std::uint64_t position) {
    std::shared_ptr<const LogSegment> segment = log_.segment_at(position);
    if (segment == nullptr) return nullptr;
    const LogSegment* const bare = segment.get();
    // The pin is a counter of our own around the one reference that we hold.
    Remembered found{bare, std::make_shared<std::shared_ptr<const LogSegment>>(std::move(segment))};
    const bool newer =
        remembered_[0].segment == nullptr || bare->begin > remembered_[0].segment->begin;
    if (newer) std::swap(remembered_[0], remembered_[1]);
    Remembered& place = remembered_[newer ? 0 : 1];
    place = std::move(found);
    return &place;
}

}  // namespace ringside
