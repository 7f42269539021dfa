#include "loadgen/redis_dialect.hpp"

#include <array>
#include <initializer_list>

namespace ringside::loadgen {

namespace {

void append_number(std::string& out, char type, std::size_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out += type;
    out.append(digits.data(), end).append("\r\n");
}

void append_bulk(std::string& out, std::string_view text) {
    append_number(out, '$', text.size());
    out.append(text).append("\r\n");
}

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
    append_number(out, '*', words.size());
    for (const std::string_view word : words)
        append_bulk(out, word);
}

// A push of three: its kind, the channel, and what follows.
std::string push_start(std::string_view kind, std::string_view channel, char third) {
    std::string out = ">3\r\n";
    append_bulk(out, kind);
    append_bulk(out, channel);
    return out + third;
}

// How much follows a line: bytes of its own, and further values.
struct Following {
    bool known = false;  // the type exists and its number makes sense
    std::size_t bytes = 0;
    std::size_t values = 0;
};

Following following(std::string_view line) noexcept {
    constexpr std::string_view simple = "+-:_#,(";
    constexpr std::string_view counted = "$=!";
    constexpr std::string_view aggregates = "*~>%";
    if (line.empty()) return {};
    if (simple.contains(line.front())) return {true, 0, 0};
    std::size_t count = 0;
    const char* const end = line.data() + line.size();
    const auto [read_to, problem] = std::from_chars(line.data() + 1, end, count);
    if (problem != std::errc{} || read_to != end || count > frame_bytes_max) return {};
    if (counted.contains(line.front())) return {true, count + 2, 0};
    if (aggregates.contains(line.front()))
        return {true, 0, line.front() == '%' ? 2 * count : count};
    return {};
}

}  // namespace

void RedisDialect::encode(std::string& out, Request request, std::string_view text) {
    if (request == Request::send_message) {
        ++publishes_;
        return append_command(out, {"PUBLISH", session_.room(), text});
    }
    session_.ask(request, text);
    switch (request) {
        case Request::set_name:
            confirmation_ = "%";
            return append_command(out, {"HELLO", "3", "SETNAME", text});
        case Request::create_chat:
            confirmation_ = "+PONG\r\n";
            return append_command(out, {"PING"});
        case Request::connect_chat:
            confirmation_ = push_start("subscribe", text, ':');
            message_start_ = push_start("message", text, '$');
            return append_command(out, {"SUBSCRIBE", text});
        case Request::leave_chat:
            confirmation_ = push_start("unsubscribe", session_.room(), ':');
            return append_command(out, {"UNSUBSCRIBE", session_.room()});
        case Request::send_message:
        case Request::disconnect:
        case Request::receive_message:
        case Request::wrong_request:
        case Request::get_chats:
        case Request::hello:
        case Request::checkpoint:
            break;
    }
    RINGSIDE_ASSERT(!"no request of a virtual user");
}

Taken RedisDialect::measure(std::string_view bytes) noexcept {
    std::size_t at = 0;
    for (std::size_t values = 1; values > 0; --values) {
        if (at < bytes.size() && !std::string_view("+-:_#,($=!*~>%").contains(bytes[at])) return {};
        const std::size_t line_end = bytes.find("\r\n", at);
        if (line_end == std::string_view::npos) return rest_of_line;
        const Following more = following(bytes.substr(at, line_end - at));
        if (!more.known) return {};
        at = line_end + 2 + more.bytes;
        if (at > bytes.size()) return {Taken::What::part, at - bytes.size()};
        values += more.values;
    }
    return {Taken::What::frame, at};
}

}  // namespace ringside::loadgen
