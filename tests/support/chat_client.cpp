#include "support/chat_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <ostream>
#include <system_error>

namespace ringside::test {

namespace {

// No answer and no list of a test is longer; a torn stream read as a header nearly always is.
constexpr std::uint64_t plausible_length = std::uint64_t{16} << 20;
constexpr std::size_t receive_bytes = std::size_t{256} * 1024;

[[noreturn]] void fail(const std::string& what) {
    throw ClientError(what);
}

void check(int result, const char* operation) {
    if (result < 0) fail(std::string(operation) + ": " + std::generic_category().message(errno));
}

void set_option(int fd, int level, int name, int value) {
    check(::setsockopt(fd, level, name, &value, sizeof value), "setsockopt");
}

std::string shown(std::string_view text) {
    constexpr std::size_t shown_bytes = 80;
    std::string out;
    for (const char byte : text.substr(0, shown_bytes)) {
        const bool plain = byte >= 0x20 && byte < 0x7F;
        out += plain ? std::string(1, byte) : byte == '\n' ? "\\n" : "?";
    }
    if (text.size() > shown_bytes) out += "… (" + std::to_string(text.size()) + " bytes)";
    return out;
}

std::string shown(const Frame& frame) {
    return "{request " + std::to_string(static_cast<std::uint32_t>(frame.request)) +
           (frame.status == Status::success ? " success \"" : " failure \"") + shown(frame.text) +
           "\"}";
}

int milliseconds_until(std::chrono::steady_clock::time_point until) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Frame& frame) {
    return out << shown(frame);
}

Frame success(Request request, std::string_view text) {
    return {request, Status::success, std::string(text)};
}

Message message_of(const Frame& frame) {
    const std::size_t tab = frame.text.find('\t');
    constexpr std::size_t time_bytes = 17;  // HH:MM:SS MM/DD/YY
    if (frame.request != Request::receive_message || frame.status != Status::success ||
        tab == std::string::npos || frame.text.size() < tab + 1 + time_bytes + 1 ||
        frame.text[tab + 1 + time_bytes] != '\n') {
        fail("expected a message, got " + shown(frame));
    }
    return {frame.text.substr(0, tab), frame.text.substr(tab + 1, time_bytes),
            frame.text.substr(tab + 1 + time_bytes + 1)};
}

std::string client_frame(Request request, std::string_view text) {
    std::string bytes;
    append_client_frame(bytes, request, text);
    return bytes;
}

ChatClient::ChatClient(std::uint16_t port, int receive_buffer_bytes)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    check(socket_.get(), "socket");
    if (receive_buffer_bytes != 0) {
        set_option(socket_.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    }
    set_option(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    check(::connect(socket_.get(), static_cast<sockaddr*>(static_cast<void*>(&storage)),
                    sizeof address),
          "connect");
}

void ChatClient::send_raw(std::string_view bytes) {
    const Clock::time_point until = Clock::now() + patience;
    while (!bytes.empty()) {
        const ssize_t count =
            ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            throw ClosedError("the server closed the connection; before that: " + last_);
        }
        if (errno != EAGAIN) check(-1, "send");
        pollfd ready{socket_.get(), POLLOUT, 0};
        const int polled = ::poll(&ready, 1, milliseconds_until(until));
        check(polled, "poll");
        if (polled == 0) fail("the server did not take the client's bytes in time");
    }
}

void ChatClient::send(Request request, std::string_view text) {
    send_raw(client_frame(request, text));
}

bool ChatClient::receive(Clock::time_point until) {
    pollfd ready{socket_.get(), POLLIN, 0};
    const int polled = ::poll(&ready, 1, milliseconds_until(until));
    check(polled, "poll");
    if (polled == 0) {
        fail("nothing came in time; last: " + (last_.empty() ? "nothing at all" : last_) + "; " +
             std::to_string(input_.size() - input_read_) + " bytes of an unfinished frame");
    }
    input_.erase(0, input_read_);
    input_read_ = 0;
    const std::size_t size = input_.size();
    input_.resize(size + receive_bytes);
    const ssize_t count = ::recv(socket_.get(), input_.data() + size, receive_bytes, 0);
    const int error = errno;
    input_.resize(size + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count < 0 && error != ECONNRESET) {
        errno = error;
        check(-1, "recv");
    }
    return count > 0;
}

std::optional<Frame> ChatClient::next_frame() {
    const std::string_view unread = std::string_view(input_).substr(input_read_);
    if (unread.size() < server_header_bytes) return std::nullopt;
    const ServerHeader header = load_server_header(unread.data());
    constexpr auto request_max = static_cast<std::uint32_t>(Request::checkpoint);
    if (header.request > request_max || header.status > 1 || header.length > plausible_length) {
        fail("not a frame: request " + std::to_string(header.request) + ", status " +
             std::to_string(header.status) + ", length " + std::to_string(header.length) +
             "; before it: " + last_);
    }
    const std::size_t bytes = server_header_bytes + static_cast<std::size_t>(header.length);
    if (unread.size() < bytes) return std::nullopt;
    Frame frame{static_cast<Request>(header.request), static_cast<Status>(header.status),
                std::string(unread.substr(server_header_bytes, bytes - server_header_bytes))};
    input_read_ += bytes;
    last_ = shown(frame);
    return frame;
}

std::optional<Frame> ChatClient::read_or_closed(std::chrono::milliseconds deadline) {
    const Clock::time_point until = Clock::now() + deadline;
    for (;;) {
        if (std::optional<Frame> frame = next_frame()) return frame;
        if (!receive(until)) return std::nullopt;
    }
}

Frame ChatClient::read(std::chrono::milliseconds deadline) {
    std::optional<Frame> frame = read_or_closed(deadline);
    if (!frame) throw ClosedError("the server closed the connection; before that: " + last_);
    return *std::move(frame);
}

void ChatClient::expect_closed(std::chrono::milliseconds deadline) {
    if (const std::optional<Frame> frame = read_or_closed(deadline)) {
        fail("expected the server to close, got " + shown(*frame));
    }
    if (input_.size() != input_read_) fail("the server closed inside a frame");
}

bool ChatClient::readable() const {
    if (input_.size() != input_read_) return true;
    pollfd ready{socket_.get(), POLLIN, 0};
    return ::poll(&ready, 1, 0) > 0;
}

Frame ChatClient::ask(Request request, std::string_view text) {
    send(request, text);
    return read();
}

void ChatClient::fence() {
    constexpr std::uint32_t unknown = 4711;
    const Frame answer = ask(static_cast<Request>(unknown));
    if (answer.request != Request::wrong_request || answer.status != Status::failure) {
        fail("expected nothing but the refusal of an unknown request, got " + shown(answer));
    }
}

void ChatClient::finish_sending() {
    check(::shutdown(socket_.get(), SHUT_WR), "shutdown");
}

void ChatClient::close() {
    socket_.reset();
}

void ChatClient::reset() {
    const linger off{.l_onoff = 1, .l_linger = 0};
    check(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &off, sizeof off), "setsockopt");
    socket_.reset();
}

}  // namespace ringside::test
