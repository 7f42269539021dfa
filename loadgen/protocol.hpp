#pragma once

#include <cstdint>

namespace ringside::loadgen {

/// What the server speaks: the chat protocol, or one of those that such servers are compared with.
enum class Protocol : std::uint8_t { chat, redis, nats };

[[nodiscard]] constexpr const char* protocol_name(Protocol protocol) noexcept {  // "redis"
    switch (protocol) {
        case Protocol::chat:
            return "chat";
        case Protocol::redis:
            return "redis";
        case Protocol::nats:
            return "nats";
    }
    return "";
}

}  // namespace ringside::loadgen
