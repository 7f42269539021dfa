#include "conformance/chat_server.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
#include <utility>

namespace ringside::test {

namespace {

std::string text_of(const Frame& frame) {
    std::ostringstream out;
    out << frame;
    return out.str();
}

std::filesystem::path metrics_file(const TempFolder& folder) {
    return folder / "server.prom";
}

void require(bool holds, const std::string& expected, const Frame& frame) {
    if (!holds) throw ClientError("expected " + expected + ", got " + text_of(frame));
}

std::vector<std::string> lines_of(const Frame& frame) {
    require(frame.request == Request::get_chats && frame.status == Status::success, "the room list",
            frame);
    require(frame.text.empty() || frame.text.back() == '\n', "a list that ends its lines", frame);
    std::vector<std::string> names;
    std::istringstream lines(frame.text);
    for (std::string line; std::getline(lines, line);)
        names.push_back(line);
    return names;
}

}  // namespace

ChatServer::ChatServer(std::vector<std::string> options) : options_(std::move(options)) {
    start();
}

ChatServer::~ChatServer() noexcept(false) {
    if (!process_->running()) return;
    if (std::uncaught_exceptions() == 0) {
        stop();
        return;
    }
    // The test has failed already, and another exception would end the whole suite.
    try {
        const ProcessEnd end = process_->stop();
        if (end.code != 0) std::cerr << "the server: " << end.error_text;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
}

void ChatServer::start(Disk disk) {
    std::vector<std::string> all = options_;
    for (std::string word : {std::string("--metrics-textfile"), metrics_file(folder_).string(),
                             std::string("--metrics-interval"), std::string("100ms")}) {
        all.push_back(std::move(word));
    }
    process_ = std::make_unique<ServerProcess>(tested_server(), folder_.path(), all, disk);
}

std::optional<std::uint64_t> ChatServer::find_metric(std::string_view name,
                                                     std::string_view label) const {
    std::ifstream file(metrics_file(folder_));
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(std::string(name) + "{") || !line.contains(label)) continue;
        return std::stoull(line.substr(line.rfind(' ') + 1));
    }
    return std::nullopt;
}

std::uint64_t ChatServer::metric(std::string_view name, std::string_view label) const {
    const std::optional<std::uint64_t> value = find_metric(name, label);
    if (!value) throw ClientError("no metric " + std::string(name) + " in the file");
    return *value;
}

// A server that was started this moment may not have written its file yet.
void ChatServer::await_metric(std::string_view name, std::uint64_t value,
                              std::string_view label) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    // The file's renewal has no descriptor to wait on.
    for (auto now = find_metric(name, label); now != value; now = find_metric(name, label)) {
        if (std::chrono::steady_clock::now() > until) {
            throw ClientError(std::string(name) + " is " +
                              (now ? std::to_string(*now) : "not in the file") + ", not " +
                              std::to_string(value));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void ChatServer::stop() {
    const ProcessEnd end = process_->stop();
    INFO(end.error_text);
    CHECK(end.code == 0);
}

void ChatServer::kill9() {
    process_->kill9();
}

ChatClient in_lobby(const ChatServer& server, std::string_view name) {
    ChatClient client(server.port());
    enter(client, name);
    return client;
}

ChatClient in_room(const ChatServer& server, std::string_view name, std::string_view room) {
    ChatClient client(server.port());
    const std::vector<std::string> rooms = enter(client, name);
    if (std::find(rooms.begin(), rooms.end(), room) == rooms.end()) create_room(client, room);
    join(client, room);
    return client;
}

std::vector<std::string> enter(ChatClient& client, std::string_view name) {
    const Frame answer = client.ask(Request::set_name, name);
    require(answer == success(Request::set_name, ""), "the name to be taken", answer);
    return read_list(client);
}

std::vector<std::string> enter_when_free(ChatClient& client, std::string_view name) {
    const auto until = std::chrono::steady_clock::now() + patience;
    Frame answer = client.ask(Request::set_name, name);
    while (answer.status != Status::success) {
        require(std::chrono::steady_clock::now() < until, "the name to become free", answer);
        answer = client.ask(Request::set_name, name);
    }
    return read_list(client);
}

void create_room(ChatClient& client, std::string_view room) {
    const Frame answer = client.ask(Request::create_chat, room);
    const std::vector<std::string> rooms = lines_of(answer);
    require(std::find(rooms.begin(), rooms.end(), room) != rooms.end(), "the new room in the list",
            answer);
}

void join(ChatClient& client, std::string_view room) {
    const Frame answer = client.ask(Request::connect_chat, room);
    require(answer == success(Request::connect_chat, room), "to be in the room", answer);
}

void leave(ChatClient& client) {
    client.send(Request::leave_chat);
    read_list(client);
}

void say(ChatClient& client, std::string_view text) {
    client.send(Request::send_message, text);
}

std::vector<std::string> read_list(ChatClient& client) {
    return lines_of(client.read());
}

Message expect_message(ChatClient& client, std::string_view user, std::string_view text) {
    const Frame frame = client.read();
    Message message = message_of(frame);
    require(message.user == user && message.text == text,
            std::string(user) + "'s message \"" + std::string(text.substr(0, 80)) + '"', frame);
    return message;
}

void expect_refusal(const Frame& frame, Request request) {
    require(frame.request == request && frame.status == Status::failure,
            "failure of request " + std::to_string(static_cast<std::uint32_t>(request)), frame);
    const auto printable = [](char byte) { return byte >= 0x20 && byte < 0x7F; };
    require(frame.text.size() >= 10 && frame.text.size() <= 120 &&
                std::all_of(frame.text.begin(), frame.text.end(), printable),
            "a reason in words", frame);
}

std::vector<std::string> read_until(ChatClient& client, std::string_view text) {
    std::vector<std::string> messages;
    for (;;) {
        const Message message = message_of(client.read());
        messages.push_back(message.user + ": " + message.text);
        if (message.text == text) return messages;
    }
}

std::vector<std::string> history_of(const ChatServer& server, std::string_view room) {
    static std::atomic<int> readers{0};  // how many histories were read; makes names unique
    const std::string reader = "reader" + std::to_string(readers.fetch_add(1));
    ChatClient client = in_room(server, reader, room);
    const std::string marker = "the end of what " + reader + " wanted";
    say(client, marker);
    std::vector<std::string> messages = read_until(client, marker);
    messages.pop_back();
    return messages;
}

void Pace::step() {
    const auto now = std::chrono::steady_clock::now();
    longest_ = longest_until(now);
    last_ = now;
}

std::chrono::steady_clock::duration Pace::longest_until(
    std::chrono::steady_clock::time_point end) const {
    return std::max(longest_, end - last_);
}

void keeping_pace(std::chrono::milliseconds limit, const std::vector<std::string>& options,
                  const std::function<void(ChatServer&, Pace&)>& attempt) {
    constexpr int attempts = 5;
    for (int i = 1;; ++i) {
        ChatServer server(options);
        Pace pace;
        try {
            return attempt(server, pace);
        } catch (const ClosedError& closed) {
            const auto longest = pace.longest_until(closed.when());
            if (i == attempts || longest < limit / 2) throw;
            std::cerr << "tried again, since a client came "
                      << std::chrono::duration_cast<std::chrono::milliseconds>(longest).count()
                      << " ms after its last step: " << closed.what() << '\n';
        }
    }
}

bool begins_with(const std::vector<std::string>& whole, const std::vector<std::string>& piece) {
    return piece.size() <= whole.size() && std::equal(piece.begin(), piece.end(), whole.begin());
}

}  // namespace ringside::test
