#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/history_file.hpp"
#include "common/result.hpp"

namespace ringside {

// The bytes of a room's two files (docs/data_on_disk.md). Pure functions; integers little-endian.
//
//   NAME.chat  0 "RINGCHAT"   8 u32 version  12 u32 name bytes  16 u64 epoch  24 u64 number
//             32 name (80)  112 zero (140)  252 u32 CRC-32C of the 252 bytes before
//   NAME.idx   0 "RINGINDX"   8 u32 version  12 zero (4)        16 u64 epoch  24 zero (4)
//             28 u32 CRC-32C of the 28 bytes before; then the entries

inline constexpr std::uint32_t history_version = 1;
inline constexpr std::size_t index_header_bytes = 32;

using HeaderBytes = std::array<char, history_header_bytes>;
using IndexHeaderBytes = std::array<char, index_header_bytes>;

[[nodiscard]] HeaderBytes encode_header(const HistoryHeader& header) noexcept;
/// EBADMSG: no header, a damaged one, or another version's.
[[nodiscard]] Result<HistoryHeader> decode_header(std::string_view bytes);

/// The epoch ties an index to its chat file, so that the index of another is recognised.
[[nodiscard]] IndexHeaderBytes encode_index_header(std::uint64_t epoch) noexcept;

/// Writes index_entry_bytes, with the sum over them; `entry.entry_crc` is not looked at.
void encode_entry(const IndexEntry& entry, char* out) noexcept;
/// Nothing where the sum is wrong.
[[nodiscard]] std::optional<IndexEntry> decode_entry(const char* bytes) noexcept;

/// Bytes of the receive_message frame at the start of `bytes` if it is whole and well-formed;
/// otherwise, how many bytes it takes to tell: more than `bytes` holds, or 0 where it is no frame.
[[nodiscard]] std::size_t probe_message_frame(std::string_view bytes) noexcept;

}  // namespace ringside
