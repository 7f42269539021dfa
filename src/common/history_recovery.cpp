#include "common/history_recovery.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "common/assert.hpp"
#include "common/disk_io.hpp"
#include "common/history_format.hpp"
#include "common/limits.hpp"
#include "common/wire.hpp"

namespace ringside {

namespace {

using EntryOrDamage = std::optional<IndexEntry>;

/// Index entries by number, read in blocks.
class EntryReader {
 public:
    EntryReader(int fd, std::uint64_t count) noexcept : fd_(fd), count_(count) {}

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// Nothing where the entry is damaged or beyond the end.
    Result<EntryOrDamage> at(std::uint64_t number) {
        if (number >= count_) return EntryOrDamage{};
        const std::uint64_t block = number / block_entries;
        if (block != block_) {
            const std::uint64_t offset =
                index_header_bytes + block * block_entries * index_entry_bytes;
            const auto got = read_fully(fd_, bytes_.data(), bytes_.size(), offset);
            if (!got) return std::unexpected(got.error());
            block_ = block;
            filled_ = *got;
        }
        const std::size_t start = (number % block_entries) * index_entry_bytes;
        if (start + index_entry_bytes > filled_) return EntryOrDamage{};
        return decode_entry(bytes_.data() + start);
    }

 private:
    static constexpr std::uint64_t block_entries = 128;

    int fd_;
    std::uint64_t count_;
    std::uint64_t block_ = UINT64_MAX;
    std::size_t filled_ = 0;
    std::array<char, block_entries * index_entry_bytes> bytes_;
};

/// Frames of the chat file from a position on, one after the other.
class FrameReader {
 public:
    FrameReader(int fd, std::uint64_t position, std::uint64_t end) noexcept
        : fd_(fd), read_position_(position), end_(end) {}

    /// The next frame, valid until the next call; empty where none that is whole and well-formed
    /// follows.
    Result<std::string_view> next() {
        for (;;) {
            const std::string_view ready(buffer_.get() + taken_, filled_ - taken_);
            const std::size_t need = probe_message_frame(ready);
            if (need == 0) return std::string_view{};
            if (need <= ready.size()) {
                taken_ += need;
                return ready.substr(0, need);
            }
            const std::size_t left_in_file = static_cast<std::size_t>(end_ - read_position_);
            if (need - ready.size() > left_in_file) return std::string_view{};
            if (auto filled = fill(need); !filled) return std::unexpected(filled.error());
        }
    }

 private:
    static constexpr std::size_t buffer_bytes = std::size_t{256} * 1024;

    /// Moves the unread rest to the front and reads until at least `need` bytes are ready.
    Result<void> fill(std::size_t need) {
        const std::size_t kept = filled_ - taken_;
        if (need > capacity_) {
            const std::uint64_t all = kept + (end_ - read_position_);
            const auto useful =
                static_cast<std::size_t>(std::min<std::uint64_t>(all, buffer_bytes));
            capacity_ = std::max(need, useful);
            auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
            if (kept != 0) std::memcpy(larger.get(), buffer_.get() + taken_, kept);
            buffer_ = std::move(larger);
        } else if (kept != 0) {
            std::memmove(buffer_.get(), buffer_.get() + taken_, kept);
        }
        taken_ = 0;
        filled_ = kept;
        const auto want = static_cast<std::size_t>(
            std::min<std::uint64_t>(capacity_ - kept, end_ - read_position_));
        const auto got =
            read_fully(fd_, buffer_.get() + kept, want, history_header_bytes + read_position_);
        if (!got) return std::unexpected(got.error());
        if (*got != want) return std::unexpected(Error{EIO, "history shrank while read"});
        filled_ += want;
        read_position_ += want;
        return {};
    }

    int fd_;
    std::uint64_t read_position_;  // log position of what fill() reads next
    std::uint64_t end_;            // log position behind the last byte of the file
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t taken_ = 0;
    std::size_t filled_ = 0;
};

/// A message boundary: `number` messages end at or before `position`.
struct Boundary {
    std::uint64_t number = 0;
    std::uint64_t position = 0;
};

class Recovery {
 public:
    Recovery(int chat_fd, int index_fd, std::uint64_t epoch) noexcept
        : chat_fd_(chat_fd), index_fd_(index_fd), epoch_(epoch), entries_(index_fd, 0) {}

    Result<HistoryFile::State> run(HistoryFile::Recovery& done) {
        if (auto r = measure(); !r) return std::unexpected(r.error());
        const auto start = choose_start();
        if (!start) return std::unexpected(start.error());
        if (auto r = walk(*start); !r) return std::unexpected(r.error());
        if (may_not_cut()) return std::unexpected(Error{EBADMSG, "history is damaged"});
        if (auto r = repair(done); !r) return std::unexpected(r.error());
        return HistoryFile::State{
            .end = good_.position, .message_count = good_.number, .synced = synced_};
    }

 private:
    /// Sizes of both files, and whether the index is this chat file's.
    Result<void> measure() {
        const auto chat = file_bytes(chat_fd_);
        if (!chat) return std::unexpected(chat.error());
        if (*chat < history_header_bytes) return std::unexpected(Error{EBADMSG, "history header"});
        chat_end_ = *chat - history_header_bytes;

        const auto index = file_bytes(index_fd_);
        if (!index) return std::unexpected(index.error());
        index_bytes_ = *index;
        IndexHeaderBytes header{};
        const auto got = read_fully(index_fd_, header.data(), header.size(), 0);
        if (!got) return std::unexpected(got.error());
        index_known_ = *got == header.size() && header == encode_index_header(epoch_);
        if (!index_known_) return {};
        entries_ = EntryReader(index_fd_, (*index - index_header_bytes) / index_entry_bytes);
        return {};
    }

    /// Where the walk begins: behind what is known synced, or at 0 where the index below that is
    /// not as it must be.
    Result<Boundary> choose_start() {
        const auto newest = newest_valid();
        if (!newest) return std::unexpected(newest.error());
        if (!*newest) return Boundary{};
        const auto last = entries_.at(**newest);
        if (!last) return std::unexpected(last.error());
        synced_ = (*last)->synced;
        std::uint64_t trusted = synced_;
        if ((*last)->end > history_verify_bytes_max) {
            trusted = std::max(trusted, (*last)->end - history_verify_bytes_max);
        }
        const auto start = first_boundary_from(trusted, **newest);
        if (!start) return std::unexpected(start.error());
        // What is synced ends where a message ends; if the index disagrees, it is damaged.
        if (!*start || (trusted == synced_ && (*start)->position != synced_)) return Boundary{};
        return **start;
    }

    /// Number of the last entry whose sum is right.
    Result<std::optional<std::uint64_t>> newest_valid() {
        for (std::uint64_t number = entries_.count(); number-- > 0;) {
            const auto entry = entries_.at(number);
            if (!entry) return std::unexpected(entry.error());
            if (*entry) return std::optional(number);
        }
        return std::optional<std::uint64_t>{};
    }

    /// The first message boundary at or above `position`, found by halving; nothing where an entry
    /// on the way is damaged.
    Result<std::optional<Boundary>> first_boundary_from(std::uint64_t position,
                                                        std::uint64_t newest) {
        if (position == 0) return std::optional(Boundary{});
        std::uint64_t low = 0;
        std::uint64_t high = newest;  // its end is at or above position, or the index is damaged
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            const auto entry = entries_.at(middle);
            if (!entry) return std::unexpected(entry.error());
            if (!*entry) return std::optional<Boundary>{};
            if ((*entry)->end < position) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        const auto entry = entries_.at(low);
        if (!entry) return std::unexpected(entry.error());
        if (!*entry || (*entry)->end < position || (*entry)->end > chat_end_) {
            return std::optional<Boundary>{};
        }
        return std::optional(Boundary{low + 1, (*entry)->end});
    }

    /// Follows frames and entries from `start` to the first that is damaged, or the end.
    Result<void> walk(Boundary start) {
        good_ = start;
        FrameReader frames(chat_fd_, start.position, chat_end_);
        for (;;) {
            const auto frame = frames.next();
            if (!frame) return std::unexpected(frame.error());
            if (frame->empty()) return {};
            const auto entry = entries_.at(good_.number);
            if (!entry) return std::unexpected(entry.error());
            const std::uint64_t end = good_.position + frame->size();
            if (*entry) {
                if ((*entry)->end != end || (*entry)->crc != crc32c(*frame)) return {};
            } else {
                // Nothing vouches for the text. A page that never reached the disk reads as zeros,
                // which no message holds.
                if (frame->substr(server_header_bytes).find('\0') != frame->npos) return {};
                if (!first_missing_) first_missing_ = good_;
            }
            good_ = Boundary{good_.number + 1, end};
        }
    }

    [[nodiscard]] bool may_not_cut() const noexcept {
        if (good_.position < synced_) return true;
        const std::uint64_t damaged = chat_end_ - good_.position;
        return !index_known_ && damaged > torn_append_bytes_max;
    }

    Result<void> repair(HistoryFile::Recovery& done) {
        if (!index_known_) {
            // Emptied before it gets this room's header, so that it never vouches for old entries.
            if (auto r = truncate_file(index_fd_, 0); !r) return r;
            const IndexHeaderBytes header = encode_index_header(epoch_);
            if (auto r = write_fully(index_fd_, {header.data(), header.size()}, 0); !r) return r;
            index_bytes_ = index_header_bytes;
        }
        if (first_missing_) {
            if (auto r = rebuild_entries(*first_missing_, done); !r) return r;
        }
        // Frames first, and for good: the entries say that what follows is damaged. Without them
        // the next opening could take it for a message.
        if (chat_end_ != good_.position) {
            done.cut_bytes = chat_end_ - good_.position;
            const std::uint64_t chat_bytes = history_header_bytes + good_.position;
            if (auto r = truncate_file(chat_fd_, chat_bytes); !r) return r;
            if (::fdatasync(chat_fd_) != 0) return std::unexpected(last_error("fdatasync"));
        }
        const std::uint64_t index_end = index_header_bytes + good_.number * index_entry_bytes;
        if (index_bytes_ == index_end) return {};
        return truncate_file(index_fd_, index_end);
    }

    /// Writes the entries that are missing from `start` to the end of what is good.
    Result<void> rebuild_entries(Boundary start, HistoryFile::Recovery& done) {
        FrameReader frames(chat_fd_, start.position, good_.position);
        std::int64_t wall_ns = 0;
        if (start.number != 0) {
            const auto before = entries_.at(start.number - 1);
            if (!before) return std::unexpected(before.error());
            if (*before) wall_ns = (*before)->wall_ns;
        }
        std::string block;
        std::uint64_t block_start = start.number;
        for (Boundary at = start; at.number < good_.number;) {
            const auto frame = frames.next();
            if (!frame) return std::unexpected(frame.error());
            RINGSIDE_ASSERT(!frame->empty());
            at = Boundary{at.number + 1, at.position + frame->size()};
            auto entry = entries_.at(at.number - 1);
            if (!entry) return std::unexpected(entry.error());
            if (!*entry) {
                *entry = IndexEntry{at.position, wall_ns, synced_, crc32c(*frame), 0};
                ++done.rebuilt_entries;
            }
            wall_ns = (*entry)->wall_ns;
            block.resize(block.size() + index_entry_bytes);
            encode_entry(**entry, block.data() + block.size() - index_entry_bytes);
            if (block.size() < rebuild_block_bytes && at.number < good_.number) continue;
            const std::uint64_t offset = index_header_bytes + block_start * index_entry_bytes;
            if (auto r = write_fully(index_fd_, block, offset); !r) return r;
            index_bytes_ = std::max(index_bytes_, offset + block.size());
            block_start = at.number;
            block.clear();
        }
        return {};
    }

    // One commit stops taking messages at staged_bytes_max, whatever the size of the last.
    static constexpr std::size_t torn_append_bytes_max = 2 * staged_bytes_max;
    static constexpr std::size_t rebuild_block_bytes = std::size_t{128} * 1024;

    const int chat_fd_;
    const int index_fd_;
    const std::uint64_t epoch_;
    EntryReader entries_;

    std::uint64_t chat_end_ = 0;             // log position behind the last byte of the file
    std::uint64_t index_bytes_ = 0;          // size of the index file
    bool index_known_ = false;               // it has a header, and this room's
    std::uint64_t synced_ = 0;               // newest known synced position
    Boundary good_;                          // behind the last good frame
    std::optional<Boundary> first_missing_;  // before the first good frame without a valid entry
};

}  // namespace

Result<HistoryFile::State> recover_history(int chat_fd, int index_fd, std::uint64_t epoch,
                                           HistoryFile::Recovery& recovery) {
    return Recovery(chat_fd, index_fd, epoch).run(recovery);
}

}  // namespace ringside
