#include "loadgen/nats_dialect.hpp"

#include <array>

namespace ringside::loadgen {

void NatsDialect::encode(std::string& out, Request request, std::string_view text) {
    if (request == Request::send_message) {
        std::array<char, 20> digits{};
        const auto end =
            std::to_chars(digits.data(), digits.data() + digits.size(), text.size()).ptr;
        out.append("PUB ").append(session_.room()).append(" ").append(digits.data(), end);
        out.append("\r\n").append(text).append("\r\n");
        return;
    }
    session_.ask(request, text);
    switch (request) {
        case Request::set_name:
            // `echo`: a publisher gets its own messages. The name is of letters and digits.
            out.append(R"(CONNECT {"verbose":false,"pedantic":false,"echo":true,"name":")");
            out.append(text).append("\"}\r\n");
            break;
        case Request::create_chat:
            break;
        case Request::connect_chat:
            message_start_.assign("MSG ").append(text).append(" 1 ");
            out.append("SUB ").append(text).append(" 1\r\n");
            break;
        case Request::leave_chat:
            out.append("UNSUB 1\r\n");
            break;
        case Request::send_message:
        case Request::disconnect:
        case Request::receive_message:
        case Request::wrong_request:
        case Request::get_chats:
        case Request::hello:
        case Request::checkpoint:
            RINGSIDE_ASSERT(!"no request of a virtual user");
    }
    out.append("PING\r\n");
}

Taken NatsDialect::take_line(std::string_view bytes) noexcept {
    const std::size_t end = bytes.find("\r\n");
    if (end != std::string_view::npos) return {Taken::What::frame, end + 2};
    if (!std::string_view("IP-M").contains(bytes.front())) return {};
    return rest_of_line;
}

}  // namespace ringside::loadgen
