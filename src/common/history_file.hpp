#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
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
//   NAME.idx:  one fixed-size IndexEntry per message.
//
// NAME is the room's name with every byte other than A-Z a-z 0-9 - _ written as %XX.
//
// 1. One owner appends; any thread may read() below a published end; the sync thread calls sync().
// 2. append() is all or nothing: what failed half-way is truncated away again before it returns.
// 3. open() verifies the tail: what does not match its sum at the end is cut off (`cut_bytes`);
//    damage below the offset known to be synced is Damage::quarantined, nothing is changed.
// 4. A missing or shorter index is rebuilt from the frames themselves.

inline constexpr std::size_t history_header_bytes = 256;

/// One message in NAME.idx, little-endian, 32 bytes.
struct IndexEntry {
    std::uint64_t end = 0;        // log position behind the message's frame
    std::int64_t wall_ns = 0;     // when it was appended
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

    /// Appends `frames` (whole frames, scattered over `pieces`) and one entry each: `entries` have
    /// `end`, `wall_ns` and `crc` set, the rest is filled in here. Undone on any failure.
    [[nodiscard]] Result<void> append(std::span<const std::string_view> pieces,
                                      std::span<IndexEntry> entries);
    /// Reads up to `size` bytes from `position` on; fewer only at the end of the file.
    [[nodiscard]] Result<std::size_t> read(std::uint64_t position, char* out,
                                           std::size_t size) const;
    /// fdatasync of both files; on success everything appended before the call is synced. After
    /// one failure every later call fails the same way: a failed sync is never retried.
    [[nodiscard]] Result<void> sync();

    /// Log position behind the last message. Owner only.
    [[nodiscard]] std::uint64_t end() const noexcept;
    /// Messages in the file. Owner only.
    [[nodiscard]] std::uint64_t message_count() const noexcept;
    [[nodiscard]] std::uint64_t epoch() const noexcept;
};

}  // namespace ringside
