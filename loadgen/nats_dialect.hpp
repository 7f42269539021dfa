#pragma once

#include <string>
#include <string_view>

#include "loadgen/peer_session.hpp"
#include "loadgen/text_frames.hpp"

namespace ringside::loadgen {

// Translates between a virtual user, which speaks the chat protocol, and NATS' core protocol
// (https://docs.nats.io/reference/reference-protocols/nats-protocol). One connection.
//
// 1. A room is a subject. Nothing but PING has an answer, so one follows each request but
//    send_message: its PONG says that the server has done what was before it.
// 2. The server's own PINGs are answered at once.
// 3. A message's body is the payload alone. A message of the user's room is known by its start,
//    which is the same up to the payload's length.
class NatsDialect {
 public:
    /// Appends the command for a request; disconnect has none.
    void encode(std::string& out, Request request, std::string_view text);

    /// Calls `handle(const ServerHeader&, std::string_view text)` for each frame that a chat server
    /// would have sent, and `respond(std::string_view)` with what is to be sent back. False where
    /// the stream is broken.
    template <typename Handler, typename Respond>
    [[nodiscard]] bool feed(std::string_view chunk, Handler&& handle, Respond&& respond) {
        return frames_.feed(chunk,
                            [&](std::string_view bytes) { return take(bytes, handle, respond); });
    }
    [[nodiscard]] bool mid_frame() const noexcept { return frames_.mid_frame(); }
    [[nodiscard]] std::string_view nonsense() const noexcept { return frames_.nonsense(); }

 private:
    template <typename Handler, typename Respond>
    [[nodiscard]] Taken take(std::string_view bytes, Handler& handle, Respond& respond) {
        if (!message_start_.empty() && bytes.starts_with(message_start_)) [[likely]] {
            std::string_view payload;
            const Taken taken = take_counted(bytes, message_start_.size(), payload);
            if (taken.what == Taken::What::frame) {
                hand_on(handle, Request::receive_message, Status::success, payload);
            }
            return taken;
        }
        const Taken taken = take_line(bytes);
        if (taken.what != Taken::What::frame) return taken;
        const std::string_view line = bytes.substr(0, taken.bytes - 2);
        if (line == "PING") {
            respond(std::string_view("PONG\r\n"));
        } else if (line == "PONG" && session_.asked()) {
            session_.answer(handle);
        } else if (line.starts_with("-ERR")) {
            session_.refuse(handle, line);
        } else if (!line.starts_with("INFO ")) {
            return {};
        }
        return taken;
    }
    /// A line that begins like one of the server's.
    [[nodiscard]] static Taken take_line(std::string_view bytes) noexcept;

    TextFrames frames_;
    PeerSession session_;
    std::string message_start_;  // a message of the room, up to its length; empty before
};

}  // namespace ringside::loadgen
