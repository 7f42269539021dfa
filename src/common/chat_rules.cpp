#include "common/chat_rules.hpp"

#include <fmt/core.h>
#include <simdjson.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "common/assert.hpp"

// The tables of docs/protocol.md, in their order: which stage knows which request, then what each
// text must look like. A request that a stage does not know is refused before its text is looked
// at, so a client always hears the more useful of two reasons.
//
// connect_chat's text is not held against the rules for names: a room made under wider limits must
// stay reachable, and what names no room is refused by the directory anyway. Text that comes with
// leave_chat or disconnect is ignored.

namespace ringside {

namespace {

constexpr std::string_view no_name_yet = "Choose a name first.";
constexpr std::string_view named_already = "You have a name already.";
constexpr std::string_view not_in_a_room = "You are not in a room.";
constexpr std::string_view in_a_room = "Leave this room first.";
constexpr std::string_view no_extensions = "Extensions are not offered.";
constexpr std::string_view unknown_request = "This request is unknown.";
constexpr std::string_view not_the_clients = "Only the server sends this request.";
constexpr std::string_view user_name_empty = "A user name needs at least 1 byte.";
constexpr std::string_view room_name_empty = "A room name needs at least 1 byte.";
constexpr std::string_view message_empty = "A message needs at least 1 byte.";
constexpr std::string_view not_utf8 = "This is not valid UTF-8.";
constexpr std::string_view name_characters = "A name has no spaces and no control characters.";
constexpr std::string_view message_characters =
    "A message has no control characters other than line feed and tab.";

constexpr Decision refuse(Request answer, std::string_view reason) noexcept {
    return {Action::refuse, answer, reason};
}

// 1 for C0 and DEL, else 0.
constexpr std::uint8_t is_control(char character, bool line_feed_and_tab_allowed) noexcept {
    const auto byte = static_cast<std::uint8_t>(character);
    const bool allowed = line_feed_and_tab_allowed & ((byte == '\n') | (byte == '\t'));
    return static_cast<std::uint8_t>(((byte < 0x20) | (byte == 0x7F)) & !allowed);
}

// All bytes are looked at, since texts are nearly always legal. A block's loop has a length that
// the compiler knows, so GCC makes a few vector instructions of it (bench/micro, decide).
bool has_control(std::string_view text, bool line_feed_and_tab_allowed) noexcept {
    constexpr std::size_t block_bytes = 16;
    std::array<std::uint8_t, block_bytes> found{};
    for (; text.size() >= block_bytes; text.remove_prefix(block_bytes)) {
        const char* const block = text.data();
        for (std::size_t i = 0; i < block_bytes; ++i)
            found[i] |= is_control(block[i], line_feed_and_tab_allowed);
    }
    for (std::size_t i = 0; i < text.size(); ++i)
        found[i] |= is_control(text[i], line_feed_and_tab_allowed);
    return found != std::array<std::uint8_t, block_bytes>{};
}

// Valid UTF-8 has U+0080 to U+009F as the bytes C2 80 to C2 9F and in no other way.
bool has_c1_control(std::string_view text) noexcept {
    constexpr char lead = '\xC2';
    for (std::size_t at = text.find(lead); at != text.npos; at = text.find(lead, at + 2)) {
        if (static_cast<unsigned char>(text[at + 1]) <= 0x9F) return true;
    }
    return false;
}

// The reason against `text` as a user's or a room's name; empty where it is legal.
std::string_view name_fault(std::string_view text, std::size_t bytes_max, std::string_view empty,
                            std::string_view too_long) noexcept {
    if (text.empty()) return empty;
    if (text.size() > bytes_max) return too_long;
    if (!simdjson::validate_utf8(text)) return not_utf8;
    if (has_control(text, false) || has_c1_control(text)) return name_characters;
    if (text.find(' ') != std::string_view::npos) return name_characters;
    return {};
}

std::string_view message_fault(std::string_view text, std::size_t bytes_max,
                               std::string_view too_long) noexcept {
    if (text.empty()) return message_empty;
    if (text.size() > bytes_max) return too_long;
    if (!simdjson::validate_utf8(text)) return not_utf8;
    if (has_control(text, true) || has_c1_control(text)) return message_characters;
    return {};
}

// Why `stage` does not know `request`.
constexpr std::string_view stage_fault(Stage stage, Request request) noexcept {
    switch (stage) {
        case Stage::unnamed:
            return no_name_yet;
        case Stage::lobby:
            return request == Request::set_name ? named_already : not_in_a_room;
        case Stage::room:
            return request == Request::set_name ? named_already : in_a_room;
    }
    RINGSIDE_ASSERT(false);
    return {};
}

constexpr Decision accept_or(std::string_view fault, Action action, Request request) noexcept {
    if (!fault.empty()) return refuse(request, fault);
    return {action, request, {}};
}

}  // namespace

std::string_view reason::of_failed_create(int code) noexcept {
    if (code == EEXIST) return room_exists;
    return code == EBADMSG ? room_unreadable : storage_failed;
}

std::string_view reason::of_failed_join(int code) noexcept {
    return code == EBADMSG ? room_unreadable : room_unavailable;
}

ChatRules::ChatRules(const ChatLimits& limits)
    : limits_(limits),
      user_name_too_long_(
          fmt::format("A user name has at most {} bytes.", limits.user_name_bytes_max)),
      room_name_too_long_(
          fmt::format("A room name has at most {} bytes.", limits.room_name_bytes_max)),
      message_too_long_(fmt::format("A message has at most {} bytes.", limits.message_bytes_max)),
      frame_too_long_(fmt::format("A frame's text has at most {} bytes; the connection is closed.",
                                  limits.frame_length_max)) {
    RINGSIDE_ASSERT(limits.room_name_bytes_max <= room_name_bytes_ceiling);
}

Decision ChatRules::decide(Stage stage, const ClientFrame& frame) const noexcept {
    const auto request = static_cast<Request>(frame.request);
    const std::string_view text = frame.text;
    switch (request) {
        case Request::set_name:
            if (stage != Stage::unnamed) return refuse(request, stage_fault(stage, request));
            return accept_or(
                name_fault(text, limits_.user_name_bytes_max, user_name_empty, user_name_too_long_),
                Action::take_name, request);
        case Request::create_chat:
            if (stage != Stage::lobby) return refuse(request, stage_fault(stage, request));
            return accept_or(
                name_fault(text, limits_.room_name_bytes_max, room_name_empty, room_name_too_long_),
                Action::create_room, request);
        case Request::connect_chat:
            if (stage != Stage::lobby) return refuse(request, stage_fault(stage, request));
            return {Action::join_room, request, {}};
        case Request::send_message:
            if (stage != Stage::room) return refuse(request, stage_fault(stage, request));
            return accept_or(message_fault(text, limits_.message_bytes_max, message_too_long_),
                             Action::post_message, request);
        case Request::leave_chat:
            if (stage != Stage::room) return refuse(request, stage_fault(stage, request));
            return {Action::leave_room, request, {}};
        case Request::disconnect:
            return {Action::disconnect, request, {}};
        case Request::hello:
            return refuse(request, no_extensions);
        case Request::receive_message:
        case Request::wrong_request:
        case Request::get_chats:
        case Request::checkpoint:
            return refuse(Request::wrong_request, not_the_clients);
    }
    return refuse(Request::wrong_request, unknown_request);
}

Decision ChatRules::frame_too_long() const noexcept {
    return {Action::refuse_and_close, Request::wrong_request, frame_too_long_};
}

}  // namespace ringside
