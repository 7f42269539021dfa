#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/chat_client.hpp"
#include "support/server_process.hpp"
#include "support/temp_folder.hpp"

// What every test of the suite does: run a server of its own and bring clients to a stage. All
// functions here report by ClientError, not by Catch2's macros, so that any thread may use them.

namespace ringside::test {

/// The server under test, as the command line of the suite names it.
[[nodiscard]] const Command& tested_server();

/// A running server with an empty data folder. Its end is a check of every test: SIGTERM must end
/// it with exit code 0, with whatever the test left connected.
class ChatServer {
 public:
    explicit ChatServer(std::vector<std::string> options = {});
    ChatServer(const ChatServer&) = delete;
    ChatServer& operator=(const ChatServer&) = delete;
    ~ChatServer() noexcept(false);

    [[nodiscard]] std::uint16_t port() const { return process_->port(); }
    [[nodiscard]] ServerProcess& process() { return *process_; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

    /// What the server's metrics say now; `label` picks one of several series.
    [[nodiscard]] std::uint64_t metric(std::string_view name, std::string_view label = {}) const;
    /// Waits until a metric has this value; ClientError where it does not get it in time.
    void await_metric(std::string_view name, std::uint64_t value,
                      std::string_view label = {}) const;

    void stop();  // SIGTERM; checks the exit code
    void kill9();
    void start(Disk disk = Disk::works);  // again, with the same folder and options

 private:
    [[nodiscard]] std::optional<std::uint64_t> find_metric(std::string_view name,
                                                           std::string_view label) const;

    TempFolder folder_;
    std::vector<std::string> options_;
    std::unique_ptr<ServerProcess> process_;
};

/// Connected, named, the first list read.
[[nodiscard]] ChatClient in_lobby(const ChatServer& server, std::string_view name);
/// In the room, which is created where it does not exist. Of its history nothing is read.
[[nodiscard]] ChatClient in_room(const ChatServer& server, std::string_view name,
                                 std::string_view room);

/// set_name; returns the names of the list that follows.
std::vector<std::string> enter(ChatClient& client, std::string_view name);
/// The same for a name that somebody just gave up: tries until it is free.
std::vector<std::string> enter_when_free(ChatClient& client, std::string_view name);
/// create_chat by a client in the lobby; reads the list.
void create_room(ChatClient& client, std::string_view room);
/// connect_chat; reads its success and nothing of the history.
void join(ChatClient& client, std::string_view room);
/// leave_chat by a client to whom no message is due; reads the list.
void leave(ChatClient& client);
void say(ChatClient& client, std::string_view text);

/// The next frame is the list; returns the names.
std::vector<std::string> read_list(ChatClient& client);
/// The next frame is this message; returns it.
Message expect_message(ChatClient& client, std::string_view user, std::string_view text);
/// The frame is `request` with status failure and a reason that can be shown to a person.
void expect_refusal(const Frame& frame, Request request);
/// Reads messages up to and with the one of that text; returns all as "user: text".
std::vector<std::string> read_until(ChatClient& client, std::string_view text);
/// The room's whole history, as "user: text", as one who joins now is given it.
[[nodiscard]] std::vector<std::string> history_of(const ChatServer& server, std::string_view room);

/// How far apart a client does what keeps it within a time limit. Begins when it is made.
class Pace {
 public:
    void step();  // right before the client does it
    /// The longest time between two steps, and from the last one until `end`.
    [[nodiscard]] std::chrono::steady_clock::duration longest_until(
        std::chrono::steady_clock::time_point end) const;

 private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::duration longest_{};
};

/// Runs `attempt` with a server of its own; in it, a client keeps within `limit`, and a server that
/// closes it all the same shows by a ClosedError. That says nothing where the machine let more than
/// half the limit pass between two steps of the client: then it is tried again, up to 5 times, and
/// a line on standard error says so.
void keeping_pace(std::chrono::milliseconds limit, const std::vector<std::string>& options,
                  const std::function<void(ChatServer&, Pace&)>& attempt);

/// True where `piece` is the beginning of `whole`.
[[nodiscard]] bool begins_with(const std::vector<std::string>& whole,
                               const std::vector<std::string>& piece);

}  // namespace ringside::test
