#include "common/wire.hpp"

#include "common/assert.hpp"

namespace ringside {

namespace {

char* store_text(char* out, std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

}  // namespace

std::string_view request_name(Request request) noexcept {
    switch (request) {
        case Request::set_name:
            return "set_name";
        case Request::create_chat:
            return "create_chat";
        case Request::connect_chat:
            return "connect_chat";
        case Request::send_message:
            return "send_message";
        case Request::leave_chat:
            return "leave_chat";
        case Request::disconnect:
            return "disconnect";
        case Request::receive_message:
            return "receive_message";
        case Request::wrong_request:
            return "wrong_request";
        case Request::get_chats:
            return "get_chats";
        case Request::hello:
            return "hello";
        case Request::checkpoint:
            return "checkpoint";
    }
    return "a request unknown to the protocol";
}

void append_client_frame(std::string& out, Request request, std::string_view text) {
    char header[client_header_bytes];
    store_client_header(header, request, text.size());
    out.append(header, sizeof header).append(text);
}

void append_server_frame(std::string& out, Request request, Status status, std::string_view text) {
    char header[server_header_bytes];
    store_server_header(header, request, status, text.size());
    out.append(header, sizeof header).append(text);
}

std::size_t message_frame_bytes(std::string_view user, std::string_view time,
                                std::string_view text) noexcept {
    return server_header_bytes + user.size() + 1 + time.size() + 1 + text.size();
}

std::size_t store_message_frame(char* out, std::string_view user, std::string_view time,
                                std::string_view text) noexcept {
    const std::size_t bytes = message_frame_bytes(user, time, text);
    store_server_header(out, Request::receive_message, Status::success,
                        bytes - server_header_bytes);
    char* end = store_text(out + server_header_bytes, user);
    *end++ = '\t';
    end = store_text(end, time);
    *end++ = '\n';
    end = store_text(end, text);
    RINGSIDE_ASSERT(end == out + bytes);
    return bytes;
}

}  // namespace ringside
