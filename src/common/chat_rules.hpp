#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/limits.hpp"
#include "common/wire.hpp"

namespace ringside {

/// Where a session stands (docs/protocol.md "A session").
enum class Stage : std::uint8_t { unnamed, lobby, room };

enum class Action : std::uint8_t {
    refuse,            // answer with failure and the reason; nothing else changes
    refuse_and_close,  // the same, then close: the stream cannot be trusted
    take_name,         // the text is a legal name; whether it is free is the registry's to say
    create_room,       // the text is a legal room name; whether it is new, the directory's
    join_room,         // the text names a room; whether it exists, the directory's
    post_message,      // the text is a legal message
    leave_room,
    disconnect,
};

/// What to do with a frame. For the two refusals `answer` is the request value of the reply and
/// `reason` its text, which lives as long as the rules.
struct Decision {
    Action action = Action::refuse;
    Request answer = Request::wrong_request;
    std::string_view reason;
};

/// Reasons that depend on state outside the rules; every server gives the same words.
namespace reason {
inline constexpr std::string_view name_taken = "This name is in use; choose another.";
inline constexpr std::string_view room_exists = "A room with this name exists already.";
inline constexpr std::string_view room_unknown = "There is no room with this name.";
inline constexpr std::string_view room_unreadable =
    "The history of this room is damaged; the room is closed.";
inline constexpr std::string_view room_unavailable =
    "The room cannot be opened now; try again later.";
inline constexpr std::string_view storage_failed =
    "The server could not store this; try again later.";

/// Why create_chat or connect_chat failed, by the error code of RoomDirectory::create() or
/// open_log().
[[nodiscard]] std::string_view of_failed_create(int code) noexcept;
[[nodiscard]] std::string_view of_failed_join(int code) noexcept;
}  // namespace reason

// The rules of the protocol as a pure function: no server has a second opinion. Immutable after
// construction, so any thread may ask.
class ChatRules {
 public:
    explicit ChatRules(const ChatLimits& limits);

    [[nodiscard]] const ChatLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] Decision decide(Stage stage, const ClientFrame& frame) const noexcept;
    /// For a length field above the limit.
    [[nodiscard]] Decision frame_too_long() const noexcept;

 private:
    ChatLimits limits_;
    // Reasons that name a limit, formatted once.
    std::string user_name_too_long_;
    std::string room_name_too_long_;
    std::string message_too_long_;
    std::string frame_too_long_;
};

}  // namespace ringside
