#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

// The two files of a room (docs/architecture.md "Data on disk"; the same for every server).
//
//   NAME.chat: header (history_header_bytes), then receive_message frames, back to back. A log
//              position p stands at file offset history_header_bytes + p.
//   NAME.idx:  a small header (index_header_bytes), then one fixed-size IndexEntry per message.
//
// NAME is the room's name with every byte other than A-Z a-z 0-9 - _ written as %XX.
//
// 1. One owner appends; any thread may read() below a published end; the sync thread calls sync().
// 2. append() is all or nothing: what failed half-way is truncated away again before it returns.
//    Entries wait in memory, until there are index_entries_waiting_max of them or more; they are
//    written before the next append then, before a sync, and at the end. What a crash takes of
//    them is made anew at the next opening, as in 4.
// 3. open() verifies the tail: what does not match its sum at the end is cut off (`cut_bytes`);
//    damage below the offset known to be synced is EBADMSG, and nothing is changed on disk.
// 4. A missing or shorter index is rebuilt from the frames themselves (history_recovery.hpp).
// 5. A process that appends ignores SIGXFSZ, so that a file size limit is an error like any other.

inline constexpr std::size_t history_header_bytes = 256;
/// What create() has under way begins so; leftovers are removed at start-up. No file stem does.
inline constexpr std::string_view history_temporary_prefix = ".new-";

/// One message in NAME.idx, little-endian, 32 bytes.
struct IndexEntry {
    std::uint64_t end = 0;        // log position behind the message's frame
    std::int64_t wall_ns = 0;     // when it was appended; rebuilt: that of the entry before
    std::uint64_t synced = 0;     // log position known to be synced when it was appended
    std::uint32_t crc = 0;        // CRC-32C of the frame
    std::uint32_t entry_crc = 0;  // CRC-32C of the 28 bytes before
};
inline constexpr std::size_t index_entry_bytes = 32;

/// CRC-32C (Castagnoli, RFC 3720 section 12.1), as iSCSI and ext4 use it.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes) noexcept;

/// What the directory needs of a room without opening its log.
struct HistoryHeader {
    std::string room;
    std::uint64_t epoch = 0;   // random, made with the room
    std::uint64_t number = 0;  // rooms are listed in the order of this number
};

class HistoryFile {
 public:
    struct Recovery {
        std::uint64_t cut_bytes = 0;        // damaged tail that was cut off
        std::uint64_t rebuilt_entries = 0;  // index entries made anew
    };

    /// Where a file stands when it is opened; made by recover_history().
    struct State {
        std::uint64_t end = 0;
        std::uint64_t message_count = 0;
        std::uint64_t synced = 0;
    };

    HistoryFile(UniqueFd chat, UniqueFd index, std::uint64_t epoch, const State& state) noexcept;
    /// Writes the entries that wait; a failure is made up for by the next opening.
    ~HistoryFile();
    HistoryFile(const HistoryFile&) = delete;
    HistoryFile& operator=(const HistoryFile&) = delete;

    /// Creates both files under a temporary name, syncs them where `durable`, renames, and syncs
    /// the folder; after it returned the room survives. EEXIST where the room has files already.
    [[nodiscard]] static Result<void> create(const std::filesystem::path& folder,
                                             const HistoryHeader& header, bool durable);
    /// The header alone, for the scan at start-up. EBADMSG where it is no header.
    [[nodiscard]] static Result<HistoryHeader> read_header(const std::filesystem::path& chat_file);
    /// Opens for appending and reading. EBADMSG: damaged below what was synced (quarantine).
    [[nodiscard]] static Result<std::shared_ptr<HistoryFile>> open(
        const std::filesystem::path& folder, std::string_view room, Recovery& recovery);
    /// NAME for a room's name, without folder and ending.
    [[nodiscard]] static std::string file_stem(std::string_view room);

    /// Appends whole frames, scattered over `pieces`, and one entry each: `entries` have `end`,
    /// `wall_ns` and `crc` set, the rest is filled in here. Undone on any failure; where even that
    /// fails, every later append() fails the same way. Fails too, with nothing done, where entries
    /// that wait must be written first and cannot be.
    [[nodiscard]] Result<void> append(std::span<const std::string_view> pieces,
                                      std::span<const IndexEntry> entries);
    /// Writes the entries that wait. Any thread.
    [[nodiscard]] Result<void> write_entries() noexcept;
    /// Reads up to `size` bytes from `position` on; fewer only at the end of the file. Any thread.
    [[nodiscard]] Result<std::size_t> read(std::uint64_t position, char* out,
                                           std::size_t size) const noexcept;
    /// Writes the entries that wait, then fdatasync of both files; on success every frame appended
    /// before the call is synced, and its entry unless that could not be written. After
    /// one failure every later call fails the same way: a failed sync is never retried, since the
    /// kernel takes the pages for clean then. One thread at a time, any.
    [[nodiscard]] Result<void> sync() noexcept;
    /// The same for many files by one syncfs (which tells of write errors since Linux 5.8) on
    /// `file_system`, which all of them are in. False: not known to be synced, or one of them
    /// failed before; sync() of each tells. The thread that calls sync().
    [[nodiscard]] static bool sync_together(std::span<HistoryFile* const> files,
                                            int file_system) noexcept;

    /// Asked when nobody syncs any more: the last holder of the file does.
    [[nodiscard]] bool sync_failed() const noexcept { return sync_error_.code != 0; }

    /// Log position behind the last message. Owner only.
    [[nodiscard]] std::uint64_t end() const noexcept {
        return end_.load(std::memory_order_relaxed);
    }
    /// Messages in the file. Owner only.
    [[nodiscard]] std::uint64_t message_count() const noexcept { return message_count_; }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    /// Unlike an address never used again in this process: a key for caches. Any thread.
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }

 private:
    [[nodiscard]] Result<void> undo_append(const Error& cause) noexcept;
    void keep_entries(std::span<const IndexEntry> entries);
    /// What a sync that begins now covers; nothing where the entries of it are not written.
    [[nodiscard]] std::optional<std::uint64_t> begin_sync() noexcept;

    const UniqueFd chat_;
    const UniqueFd index_;
    const std::uint64_t epoch_;
    const std::uint64_t identity_;

    // Written by the owner after an append is whole (release), so that sync() (acquire) only
    // counts as synced what was written before its fdatasync began. Owner reads relaxed.
    std::atomic<std::uint64_t> end_;
    // Log position known synced. sync() writes, append() reads; relaxed: no other memory hangs on
    // it, and too small a value is harmless.
    std::atomic<std::uint64_t> synced_;

    // Guards the next two, between the owner, who adds entries, and the thread that syncs.
    std::mutex entries_mutex_;
    std::string entries_waiting_;    // encoded; those behind the written ones
    std::uint64_t entries_written_;  // in the index file

    // Owner only.
    bool entries_due_ = false;  // as many as may wait: written before the next append
    std::uint64_t message_count_;
    Error append_error_{};  // set for good when a failed append could not be undone
    // Syncing thread only; the last holder once that has let go.
    Error sync_error_{};  // set for good by the first failure
};

}  // namespace ringside
