#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/peer_session.hpp"
#include "loadgen/text_frames.hpp"

namespace ringside::loadgen {

// Translates between a virtual user, which speaks the chat protocol, and Redis' publish/subscribe
// (RESP3, https://redis.io/docs/latest/develop/reference/protocol-spec). One connection.
//
// 1. A room is a channel. Both connecting and leaving are confirmed by a push; set_name is HELLO 3
//    (Redis 6 or later), which lets a connection that has subscribed publish as well; create_chat
//    is a PING, since channels need not be made.
// 2. PUBLISH is answered by a number, which is no answer in the chat protocol: it is counted off.
//    Answers come in the order of the commands, and none is asked for while another request waits.
// 3. A message's body is the payload alone. A message of the user's room is known by its start,
//    which is the same up to the payload's length.
class RedisDialect {
 public:
    /// Appends the command for a request; disconnect has none.
    void encode(std::string& out, Request request, std::string_view text);

    /// Calls `handle(const ServerHeader&, std::string_view text)` for each frame that a chat server
    /// would have sent. False where the stream is broken.
    template <typename Handler, typename Respond>
    [[nodiscard]] bool feed(std::string_view chunk, Handler&& handle, Respond&&) {
        return frames_.feed(chunk, [&](std::string_view bytes) { return take(bytes, handle); });
    }
    [[nodiscard]] bool mid_frame() const noexcept { return frames_.mid_frame(); }
    [[nodiscard]] std::string_view nonsense() const noexcept { return frames_.nonsense(); }

 private:
    template <typename Handler>
    [[nodiscard]] Taken take(std::string_view bytes, Handler& handle) {
        if (!message_start_.empty() && bytes.starts_with(message_start_)) [[likely]] {
            std::string_view payload;
            const Taken taken = take_counted(bytes, message_start_.size(), payload);
            if (taken.what == Taken::What::frame) {
                hand_on(handle, Request::receive_message, Status::success, payload);
            }
            return taken;
        }
        const Taken taken = measure(bytes);
        if (taken.what == Taken::What::frame) on_value(bytes.substr(0, taken.bytes), handle);
        return taken;
    }
    template <typename Handler>
    void on_value(std::string_view value, Handler& handle) {
        const std::string_view line = value.substr(1, value.find('\r') - 1);
        if (value.front() == '-' && publishes_ > 0) {
            --publishes_;
            hand_on(handle, Request::send_message, Status::failure, line);
        } else if (value.front() == '-') {
            session_.refuse(handle, line);
        } else if (value.front() == ':' && publishes_ > 0) {
            --publishes_;
        } else if (session_.asked() && value.starts_with(confirmation_)) {
            session_.answer(handle);
        } else {
            hand_on(handle, Request::wrong_request, Status::failure, value);
        }
    }
    /// A whole value of any type, with all that is in it.
    [[nodiscard]] static Taken measure(std::string_view bytes) noexcept;

    TextFrames frames_;
    PeerSession session_;
    std::string confirmation_;     // how the answer to what was asked begins
    std::string message_start_;    // a message of the room, up to its length; empty before
    std::uint32_t publishes_ = 0;  // without their number yet
};

}  // namespace ringside::loadgen
