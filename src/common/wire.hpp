#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ringside {

// The frames of docs/protocol.md. All integers are little-endian on the wire, whatever the host.
// Bytes are `char` throughout: a frame, its text and a range of a room's log are string_views.

/// Requests that exist; a client may send any other 32-bit value, so decoders keep the raw number.
enum class Request : std::uint32_t {
    set_name = 0,
    create_chat = 1,
    connect_chat = 2,
    send_message = 3,
    leave_chat = 4,
    disconnect = 5,
    receive_message = 6,
    wrong_request = 7,
    get_chats = 8,
    hello = 9,
    checkpoint = 10,
};

/// "set_name"; any other value is "a request unknown to the protocol".
[[nodiscard]] std::string_view request_name(Request request) noexcept;

enum class Status : std::uint32_t { success = 0, failure = 1 };

/// Bytes before the text of a client's frame: u32 request, u64 length.
inline constexpr std::size_t client_header_bytes = 12;
/// Bytes before the text of a server's frame: u32 request, u32 status, u64 length.
inline constexpr std::size_t server_header_bytes = 16;

struct ClientHeader {
    std::uint32_t request = 0;
    std::uint64_t length = 0;
};

struct ServerHeader {
    std::uint32_t request = 0;
    std::uint32_t status = 0;
    std::uint64_t length = 0;
};

/// A client's frame: the raw request value and its text (borrowed from the decoder).
struct ClientFrame {
    std::uint32_t request = 0;
    std::string_view text;
};

/// Little-endian loads and stores; `bytes` has room for the integer. Inline: every frame passes
/// here.
[[nodiscard]] inline std::uint32_t load_u32(const char* bytes) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    return value;
}

[[nodiscard]] inline std::uint64_t load_u64(const char* bytes) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    return value;
}

inline void store_u32(char* bytes, std::uint32_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    std::memcpy(bytes, &value, sizeof value);
}

inline void store_u64(char* bytes, std::uint64_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    std::memcpy(bytes, &value, sizeof value);
}

/// `bytes` holds at least the header's size.
[[nodiscard]] inline ClientHeader load_client_header(const char* bytes) noexcept {
    return {load_u32(bytes), load_u64(bytes + 4)};
}

[[nodiscard]] inline ServerHeader load_server_header(const char* bytes) noexcept {
    return {load_u32(bytes), load_u32(bytes + 4), load_u64(bytes + 8)};
}

inline void store_client_header(char* bytes, Request request, std::uint64_t length) noexcept {
    store_u32(bytes, static_cast<std::uint32_t>(request));
    store_u64(bytes + 4, length);
}

inline void store_server_header(char* bytes, Request request, Status status,
                                std::uint64_t length) noexcept {
    store_u32(bytes, static_cast<std::uint32_t>(request));
    store_u32(bytes + 4, static_cast<std::uint32_t>(status));
    store_u64(bytes + 8, length);
}

/// Appends one whole frame to `out`.
void append_client_frame(std::string& out, Request request, std::string_view text);
void append_server_frame(std::string& out, Request request, Status status, std::string_view text);

/// Bytes of the receive_message frame for a message: header, `user TAB time LF text`.
[[nodiscard]] std::size_t message_frame_bytes(std::string_view user, std::string_view time,
                                              std::string_view text) noexcept;
/// Writes that frame to `out`, which has room for message_frame_bytes(); returns the bytes written.
std::size_t store_message_frame(char* out, std::string_view user, std::string_view time,
                                std::string_view text) noexcept;

}  // namespace ringside
