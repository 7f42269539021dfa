#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "loadgen/nats_dialect.hpp"
#include "loadgen/protocol.hpp"
#include "loadgen/redis_dialect.hpp"
#include "loadgen/server_frames.hpp"

namespace ringside::loadgen {

// The chat protocol itself, in the form of the other dialects: nothing is translated.
class ChatDialect {
 public:
    static void encode(std::string& out, Request request, std::string_view text) {
        append_client_frame(out, request, text);
    }
    template <typename Handler, typename Respond>
    [[nodiscard]] bool feed(std::string_view chunk, Handler&& handle, Respond&&) {
        return frames_.feed(chunk, handle);
    }
    [[nodiscard]] bool mid_frame() const noexcept { return frames_.mid_frame(); }
    [[nodiscard]] static std::string_view nonsense() noexcept {
        return "the start of a frame longer than 64 MiB";
    }

 private:
    ServerFrameReader frames_;
};

/// One connection's translation; visited once per chunk and per request, never per message
/// received.
using Dialect = std::variant<ChatDialect, RedisDialect, NatsDialect>;

[[nodiscard]] inline Dialect make_dialect(Protocol protocol) {
    switch (protocol) {
        case Protocol::chat:
            break;
        case Protocol::redis:
            return RedisDialect{};
        case Protocol::nats:
            return NatsDialect{};
    }
    return ChatDialect{};
}

}  // namespace ringside::loadgen
