#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside {

// Every bound of the servers: its name, its default and what happens at it. The first block are
// the protocol's limits and options of both servers; the rest are fixed.

/// Limits of the protocol (docs/protocol.md), each an option `--max-…`. Bytes.
struct ChatLimits {
    std::size_t user_name_bytes_max = 32;    // --max-user-name: failure, connection stays
    std::size_t room_name_bytes_max = 64;    // --max-room-name: failure, connection stays
    std::size_t message_bytes_max = 4096;    // --max-message: failure, connection stays
    std::uint64_t frame_length_max = 65536;  // --max-frame-length: wrong_request failure, close
};

/// Time limits, each an option; nanoseconds, 0 means off.
struct TimeLimits {
    std::uint64_t handshake_ns = 10'000'000'000;  // --handshake-timeout: no name by then: close
    std::uint64_t frame_ns = 10'000'000'000;      // --frame-timeout: frame begun, not ended: close
    std::uint64_t idle_ns = 0;                    // --idle-timeout: no frame for that long: close
    std::uint64_t write_ns = 10'000'000'000;      // --write-timeout: peer takes no bytes: close
    std::uint64_t lag_bytes_max = 0;              // --max-lag: member further behind: close
};

/// A room name longer than this has no file name (each byte may take three, of 255).
inline constexpr std::size_t room_name_bytes_ceiling = 80;
/// No receive_message frame is larger, whatever the options say: what claims to be in a history
/// file is damage, and nothing of that size is allocated to find out.
inline constexpr std::size_t message_frame_bytes_ceiling = std::size_t{16} * 1024 * 1024;

/// Bytes a client may have sent while its earlier request waits; above it the connection is not
/// read until that goes on. What the kernel has received already still comes after the stop.
inline constexpr std::size_t unread_bytes_max = std::size_t{32} * 1024;
/// Answers queued for a client that does not read them; above it its requests are not worked off.
inline constexpr std::size_t private_bytes_max = std::size_t{64} * 1024;
/// Messages of one room that one commit writes; above it the next one is written before more.
inline constexpr std::size_t staged_bytes_max = std::size_t{1024} * 1024;

/// Segments of a room's log: a room starts with the smallest and doubles up to the largest while it
/// is busy; the log keeps the newest ones, older bytes are read from the file.
inline constexpr std::size_t segment_bytes_min = std::size_t{4} * 1024;
inline constexpr std::size_t segment_bytes_max = std::size_t{256} * 1024;
inline constexpr std::size_t segments_kept = 2;
/// A segment that was full within the first of these is followed by one twice as large; one that is
/// not full after the second is given up for one half as large.
inline constexpr std::uint64_t segment_fill_fast_ns = 100'000'000;
inline constexpr std::uint64_t segment_fill_slow_ns = 1'000'000'000;

/// Catching up from the file: size and number of the shared buffers of one thread (2 MiB in all).
/// A member that finds none free waits for its next turn.
inline constexpr std::size_t catch_up_chunk_bytes = std::size_t{64} * 1024;
inline constexpr std::size_t catch_up_chunks = 32;
/// What all members of a thread that catch up may be sent in one turn: above it they wait for the
/// next, so that live messages wait no longer than it takes to copy so much (a tenth of a
/// millisecond).
inline constexpr std::size_t catch_up_bytes_per_turn = 4 * catch_up_chunk_bytes;
/// Members of one room that the uring server serves in a turn; the others of a huge room wait for
/// the next, and small rooms do not wait for all of them.
inline constexpr std::size_t members_per_turn_max = 256;
/// A member that is less behind does not count as catching up.
inline constexpr std::uint64_t short_history_bytes = std::uint64_t{16} * 1024;

/// Opening a room verifies what was appended since the last sync that its index knows of, but not
/// more than the last so many bytes (--fsync never knows of none).
inline constexpr std::uint64_t history_verify_bytes_max = std::uint64_t{256} * 1024 * 1024;

/// Room logs kept open (two descriptors each) while nobody is in the room; least recently used go.
inline constexpr std::size_t idle_open_rooms_max = 64;

/// Index entries of a room that wait to be written by one call.
inline constexpr std::size_t index_entries_waiting_max = 32;

/// From so many files on that are due, one syncfs is cheaper than their fdatasyncs, though it also
/// writes what other programs left unwritten on that file system.
inline constexpr std::size_t sync_together_min = 16;

/// After an append failed a room refuses messages this long before it tries the disk again.
inline constexpr std::uint64_t storage_retry_ns = 1'000'000'000;

/// accept() out of descriptors or memory pauses this long at first, doubling up to the maximum.
inline constexpr std::uint64_t accept_pause_ns_min = 10'000'000;
inline constexpr std::uint64_t accept_pause_ns_max = 1'000'000'000;

}  // namespace ringside
