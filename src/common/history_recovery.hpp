#pragma once

#include <cstdint>

#include "common/history_file.hpp"
#include "common/result.hpp"

namespace ringside {

// What opening a history file does before anybody may append to it.
//
// 1. Appending writes frames first, entries second; a sync covers both. So below the newest
//    `synced` that a valid entry names, all frames and entries are good unless the disk itself
//    failed; behind it a crash may have left anything, good frames behind bad ones included.
// 2. Verification walks frame by frame from there on (from 0 where the index is damaged in a way
//    that (1) does not explain). A frame with a valid entry must have its end and its sum; a frame
//    without one must be a well-formed receive_message frame without zeros, and gets an entry.
// 3. The walk ends at the first frame that fails. Behind `synced`: the rest is cut off. Below it:
//    EBADMSG, and both files stay as they are, for a person to look at.
// 4. Without an index nobody knows what was synced. Then no more is cut than one torn append can
//    have left (twice staged_bytes_max); more is EBADMSG too.
// 5. Every repair may be interrupted at any point: the next opening ends in the same state.
//
// Called by HistoryFile::open() alone, on the thread that opens; may read the whole file.

/// Both descriptors are open for reading and writing; the chat file's header was read.
[[nodiscard]] Result<HistoryFile::State> recover_history(int chat_fd, int index_fd,
                                                         std::uint64_t epoch,
                                                         HistoryFile::Recovery& recovery);

}  // namespace ringside
