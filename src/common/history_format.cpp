#include "common/history_format.hpp"

#include <isa-l.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/limits.hpp"
#include "common/wire.hpp"

namespace ringside {

namespace {

constexpr std::string_view chat_magic = "RINGCHAT";
constexpr std::string_view index_magic = "RINGINDX";

constexpr std::size_t version_at = 8;
constexpr std::size_t name_length_at = 12;
constexpr std::size_t epoch_at = 16;
constexpr std::size_t number_at = 24;
constexpr std::size_t name_at = 32;
constexpr std::size_t header_crc_at = history_header_bytes - 4;
constexpr std::size_t index_crc_at = index_header_bytes - 4;
constexpr std::size_t entry_crc_at = index_entry_bytes - 4;

static_assert(name_at + room_name_bytes_ceiling <= header_crc_at);

}  // namespace

std::uint32_t crc32c(std::string_view bytes) noexcept {
    // ISA-L neither presets nor inverts: RFC 3720 starts from all ones and inverts the end. Its
    // pointer lacks a const, and its length is an int.
    constexpr std::size_t call_bytes_max = std::size_t{1} << 30U;
    std::uint32_t crc = 0xFFFFFFFFU;
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, call_bytes_max);
        auto* start = reinterpret_cast<unsigned char*>(const_cast<char*>(part.data()));
        crc = ::crc32_iscsi(start, static_cast<int>(part.size()), crc);
        bytes.remove_prefix(part.size());
    }
    return ~crc;
}

HeaderBytes encode_header(const HistoryHeader& header) noexcept {
    RINGSIDE_ASSERT(!header.room.empty() && header.room.size() <= room_name_bytes_ceiling);
    HeaderBytes bytes{};
    chat_magic.copy(bytes.data(), chat_magic.size());
    store_u32(bytes.data() + version_at, history_version);
    store_u32(bytes.data() + name_length_at, static_cast<std::uint32_t>(header.room.size()));
    store_u64(bytes.data() + epoch_at, header.epoch);
    store_u64(bytes.data() + number_at, header.number);
    header.room.copy(bytes.data() + name_at, header.room.size());
    store_u32(bytes.data() + header_crc_at, crc32c({bytes.data(), header_crc_at}));
    return bytes;
}

Result<HistoryHeader> decode_header(std::string_view bytes) {
    const auto bad = [](const char* what) { return std::unexpected(Error{EBADMSG, what}); };
    if (bytes.size() < history_header_bytes) return bad("history header: too short");
    if (!bytes.starts_with(chat_magic)) return bad("history header: not a chat history");
    if (load_u32(bytes.data() + header_crc_at) != crc32c(bytes.substr(0, header_crc_at))) {
        return bad("history header: wrong checksum");
    }
    if (load_u32(bytes.data() + version_at) != history_version) {
        return bad("history header: another version's");
    }
    const std::size_t name_bytes = load_u32(bytes.data() + name_length_at);
    if (name_bytes == 0 || name_bytes > room_name_bytes_ceiling) {
        return bad("history header: impossible name length");
    }
    return HistoryHeader{.room = std::string(bytes.substr(name_at, name_bytes)),
                         .epoch = load_u64(bytes.data() + epoch_at),
                         .number = load_u64(bytes.data() + number_at)};
}

IndexHeaderBytes encode_index_header(std::uint64_t epoch) noexcept {
    IndexHeaderBytes bytes{};
    index_magic.copy(bytes.data(), index_magic.size());
    store_u32(bytes.data() + version_at, history_version);
    store_u64(bytes.data() + epoch_at, epoch);
    store_u32(bytes.data() + index_crc_at, crc32c({bytes.data(), index_crc_at}));
    return bytes;
}

void encode_entry(const IndexEntry& entry, char* out) noexcept {
    store_u64(out, entry.end);
    store_u64(out + 8, static_cast<std::uint64_t>(entry.wall_ns));
    store_u64(out + 16, entry.synced);
    store_u32(out + 24, entry.crc);
    store_u32(out + entry_crc_at, crc32c({out, entry_crc_at}));
}

std::optional<IndexEntry> decode_entry(const char* bytes) noexcept {
    const std::uint32_t entry_crc = load_u32(bytes + entry_crc_at);
    if (entry_crc != crc32c({bytes, entry_crc_at})) return std::nullopt;
    return IndexEntry{.end = load_u64(bytes),
                      .wall_ns = static_cast<std::int64_t>(load_u64(bytes + 8)),
                      .synced = load_u64(bytes + 16),
                      .crc = load_u32(bytes + 24),
                      .entry_crc = entry_crc};
}

std::size_t probe_message_frame(std::string_view bytes) noexcept {
    constexpr std::size_t text_bytes_min = 1 + 1 + LocalTimeText::bytes + 1 + 1;
    if (bytes.size() < server_header_bytes) return server_header_bytes;
    const ServerHeader header = load_server_header(bytes.data());
    if (header.request != static_cast<std::uint32_t>(Request::receive_message)) return 0;
    if (header.status != static_cast<std::uint32_t>(Status::success)) return 0;
    if (header.length < text_bytes_min) return 0;
    if (header.length > message_frame_bytes_ceiling - server_header_bytes) return 0;

    const std::size_t frame_bytes = server_header_bytes + static_cast<std::size_t>(header.length);
    if (bytes.size() < frame_bytes) return frame_bytes;
    // user TAB time LF text
    const std::string_view text =
        bytes.substr(server_header_bytes, frame_bytes - server_header_bytes);
    const std::size_t tab = text.find('\t');
    if (tab == 0 || tab == std::string_view::npos) return 0;
    const std::size_t line_feed = tab + 1 + LocalTimeText::bytes;
    if (line_feed + 1 >= text.size() || text[line_feed] != '\n') return 0;
    return frame_bytes;
}

}  // namespace ringside
