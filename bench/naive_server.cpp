// The naive server: a plain first form of a chat server, which nobody should run. It is measured
// beside the others as the point to start from.
//
// 1. A thread for each client, which reads with blocking calls: a frame's header, then its text.
// 2. Who sends a message appends it to the room's file under the room's mutex, and then, before
//    the next message of that room, sends it to one member after the other.
// 3. A member is a position in the file: what lies behind it is read from the file again for each
//    member, and sent with one blocking send(2) per field of the frame. A delivery is thus two
//    pread and four send (request, status, length, text), each a segment of its own. A member
//    that does not read holds up its room; one in the lobby, everybody there.
// 4. What is no matter of architecture is as in the other servers: the rules of the protocol, the
//    frames, TCP_NODELAY, mimalloc. Better than in many a first form are a mutex for each room and
//    an encoding for all members.
// 5. It leaves out what a load does not need, which favours it: no sync, no index, no checksums, no
//    metrics, no time limits, no drain, no recovery (the data folder must be empty; the files
//    are its own format), no extensions.
// 6. Clients beyond clients_max, or for whom there is no thread, are closed as they come, with a
//    line on standard error.
//
// Locks: Server::mutex_ (names of rooms, lobby) or Room::mutex, never both; Client::sending last.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "common/assert.hpp"
#include "common/chat_rules.hpp"
#include "common/clock.hpp"
#include "common/disk_io.hpp"
#include "common/history_file.hpp"
#include "common/name_registry.hpp"
#include "common/options.hpp"
#include "common/server_start.hpp"
#include "common/socket_ops.hpp"
#include "common/wire.hpp"

namespace ringside::bench {

namespace {

/// Enough for the largest load. A thread takes some of the mappings that a process may have
/// (vm.max_map_count: 65,530), for its stack, its guard and its heap; at 14,000 none was left.
constexpr std::size_t clients_max = 10'000;
/// Rooms, of which each has a file open; create_chat beyond it fails.
constexpr std::size_t rooms_max = 2'000;

struct Options {
    std::string listen = "127.0.0.1:5000";
    std::string port_file;
    std::string data;
};

struct Client;

struct Room {
    UniqueFd history;  // frames, back to back

    std::mutex mutex;  // guards what follows, and the members' positions
    std::uint64_t end = 0;
    std::vector<Client*> members;
    LocalTimeText time;
};

struct Client {
    explicit Client(UniqueFd fd) noexcept : socket(std::move(fd)) {}

    const UniqueFd socket;
    std::mutex sending;  // held for a whole frame, as others send to this client too
    // Of its own thread.
    Stage stage = Stage::unnamed;
    std::string name;
    Room* room = nullptr;
    // Guarded by the room's mutex.
    std::uint64_t position = 0;
};

[[nodiscard]] bool receive(int fd, char* out, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const ssize_t got = ::recv(fd, out, bytes, 0);
        if (got <= 0) return false;
        out += got;
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

[[nodiscard]] bool send_field(int fd, std::string_view field) noexcept {
    while (!field.empty()) {
        const ssize_t sent = ::send(fd, field.data(), field.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        field.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// False where the client is gone, or as good as: what it got may be cut, so nothing follows.
[[nodiscard]] bool send_fields(Client& client, const char* header, std::string_view text) noexcept {
    const std::lock_guard lock(client.sending);
    const int fd = client.socket.get();
    const bool whole = send_field(fd, {header, 4}) && send_field(fd, {header + 4, 4}) &&
                       send_field(fd, {header + 8, 8}) && send_field(fd, text);
    if (!whole) ::shutdown(fd, SHUT_RDWR);  // its own thread sees the end and takes it out
    return whole;
}

void answer(Client& client, Request request, Status status, std::string_view text) noexcept {
    char header[server_header_bytes];
    store_server_header(header, request, status, text.size());
    static_cast<void>(send_fields(client, header, text));
}

/// Sends what the member has not got; the room's mutex is held.
void deliver(const Room& room, Client& member) {
    std::string text;
    while (member.position < room.end) {
        char header[server_header_bytes];
        const int file = room.history.get();
        const auto head = read_fully(file, header, sizeof header, member.position);
        if (!head || *head != sizeof header) return;
        text.resize(load_server_header(header).length);
        const auto got =
            read_fully(file, text.data(), text.size(), member.position + sizeof header);
        if (!got || *got != text.size()) return;
        if (!send_fields(member, header, text)) return;
        member.position += sizeof header + text.size();
    }
}

class Server {
 public:
    Server(UniqueFd listener, std::string data, std::size_t clients)
        : listener_(std::move(listener)),
          data_(std::move(data)),
          clients_max_(clients),
          rules_(ChatLimits{}) {}

    [[noreturn]] void accept_all();

 private:
    void admit(UniqueFd socket);
    void serve(Client& client);
    [[nodiscard]] bool read_frame(Client& client, std::string& text, ClientFrame& frame);
    /// False where the connection is over.
    [[nodiscard]] bool act(Client& client, const ClientFrame& frame);
    void take_name(Client& client, std::string_view name);
    void create_room(Client& client, std::string_view name);
    void join_room(Client& client, std::string_view name);
    void post(Client& client, std::string_view text);
    void leave_members(Client& client);
    void enter_lobby(Client& client);
    void leave_lobby(Client& client);

    const UniqueFd listener_;
    const std::filesystem::path data_;
    const std::size_t clients_max_;
    const ChatRules rules_;
    const SystemWallClock wall_;
    NameRegistry names_;
    std::mutex mutex_;  // guards what follows; a room itself lives as long as the server
    std::map<std::string, std::unique_ptr<Room>, std::less<>> rooms_;
    std::string list_;  // the text of get_chats
    std::vector<Client*> lobby_;
    // 0 … clients_max. Relaxed: only counted, it guards nothing.
    std::atomic<std::size_t> clients_{0};
};

void Server::accept_all() {
    for (;;) {
        pollfd waiting{listener_.get(), POLLIN, 0};
        ::poll(&waiting, 1, -1);
        UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) continue;
        admit(std::move(socket));
    }
}

void Server::admit(UniqueFd socket) {
    if (clients_.load(std::memory_order_relaxed) >= clients_max_) {
        std::fprintf(stderr, "naive-server: connection refused: %zu clients are the most\n",
                     clients_max_);
        return;
    }
    clients_.fetch_add(1, std::memory_order_relaxed);
    try {
        std::thread([this, client = std::make_unique<Client>(std::move(socket))] {
            serve(*client);
            clients_.fetch_sub(1, std::memory_order_relaxed);
        }).detach();
    } catch (const std::system_error& problem) {
        clients_.fetch_sub(1, std::memory_order_relaxed);
        std::fprintf(stderr, "naive-server: connection refused: no thread (%s)\n", problem.what());
    }
}

void Server::serve(Client& client) {
    std::string text;
    ClientFrame frame;
    while (read_frame(client, text, frame) && act(client, frame)) {
    }
    if (client.stage == Stage::room) leave_members(client);
    if (client.stage == Stage::lobby) leave_lobby(client);
    if (!client.name.empty()) names_.release(client.name);
}

bool Server::read_frame(Client& client, std::string& text, ClientFrame& frame) {
    char bytes[client_header_bytes];
    if (!receive(client.socket.get(), bytes, sizeof bytes)) return false;
    const ClientHeader header = load_client_header(bytes);
    if (header.length > rules_.limits().frame_length_max) {
        const Decision decision = rules_.frame_too_long();
        answer(client, decision.answer, Status::failure, decision.reason);
        return false;
    }
    text.resize(header.length);
    if (!receive(client.socket.get(), text.data(), text.size())) return false;
    frame = {header.request, text};
    return true;
}

bool Server::act(Client& client, const ClientFrame& frame) {
    const Decision decision = rules_.decide(client.stage, frame);
    switch (decision.action) {
        case Action::refuse:
        case Action::refuse_and_close:
            answer(client, decision.answer, Status::failure, decision.reason);
            return decision.action == Action::refuse;
        case Action::take_name:
            take_name(client, frame.text);
            return true;
        case Action::create_room:
            create_room(client, frame.text);
            return true;
        case Action::join_room:
            join_room(client, frame.text);
            return true;
        case Action::post_message:
            post(client, frame.text);
            return true;
        case Action::leave_room:
            leave_members(client);
            enter_lobby(client);
            return true;
        case Action::disconnect:
            return false;
    }
    RINGSIDE_ASSERT(false);
}

void Server::take_name(Client& client, std::string_view name) {
    if (!names_.take(name)) {
        return answer(client, Request::set_name, Status::failure, reason::name_taken);
    }
    client.name = name;
    answer(client, Request::set_name, Status::success, "");
    enter_lobby(client);
}

void Server::create_room(Client& client, std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (rooms_.contains(name)) {
        return answer(client, Request::create_chat, Status::failure, reason::room_exists);
    }
    auto room = std::make_unique<Room>();
    if (rooms_.size() < rooms_max) {
        const std::filesystem::path path = data_ / (HistoryFile::file_stem(name) + ".chat");
        room->history.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    }
    if (!room->history) {
        return answer(client, Request::create_chat, Status::failure, reason::storage_failed);
    }
    rooms_.emplace(name, std::move(room));
    list_.append(name).append("\n");
    for (Client* one : lobby_)
        answer(*one, Request::get_chats, Status::success, list_);
}

void Server::join_room(Client& client, std::string_view name) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = rooms_.find(name);
        if (found == rooms_.end()) {
            return answer(client, Request::connect_chat, Status::failure, reason::room_unknown);
        }
        client.room = found->second.get();
        std::erase(lobby_, &client);
    }
    client.stage = Stage::room;
    const std::lock_guard lock(client.room->mutex);
    answer(client, Request::connect_chat, Status::success, name);
    client.position = 0;
    deliver(*client.room, client);
    client.room->members.push_back(&client);
}

void Server::post(Client& client, std::string_view text) {
    Room& room = *client.room;
    const std::lock_guard lock(room.mutex);
    const std::string_view time = room.time.at(wall_.now_ns());
    std::string frame(message_frame_bytes(client.name, time, text), '\0');
    store_message_frame(frame.data(), client.name, time, text);
    if (!write_fully(room.history.get(), frame, room.end)) {
        return answer(client, Request::send_message, Status::failure, reason::storage_failed);
    }
    room.end += frame.size();
    for (Client* member : room.members)
        deliver(room, *member);
}

void Server::leave_members(Client& client) {
    const std::lock_guard lock(client.room->mutex);
    std::erase(client.room->members, &client);
}

void Server::enter_lobby(Client& client) {
    client.stage = Stage::lobby;
    const std::lock_guard lock(mutex_);
    answer(client, Request::get_chats, Status::success, list_);
    lobby_.push_back(&client);
}

void Server::leave_lobby(Client& client) {
    const std::lock_guard lock(mutex_);
    std::erase(lobby_, &client);
}

void make_data_folder(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (!error && std::filesystem::is_empty(path, error)) return;
    const std::string why =
        error ? error.message() : "it is not empty, and old histories are not read";
    throw StartError("--data " + path + ": " + why + ": give a new folder");
}

/// Serves until SIGTERM or SIGINT.
int run(const Options& options) {
    const std::size_t clients =
        connections_within(raise_descriptor_limit(), own_descriptors + rooms_max, clients_max);
    make_data_folder(options.data);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // also in the threads to come
    UniqueFd listener = open_listener(options.listen);
    const std::uint16_t port = or_start_error(local_port(listener.get()));
    Server server(std::move(listener), options.data, clients);
    {
        const PortFile port_file(options.port_file, port);
        std::thread([&server] { server.accept_all(); }).detach();
        int signal = 0;
        sigwait(&ends, &signal);
    }
    // Threads that sit in blocking calls cannot be ended in order; all that was said is in files.
    std::_Exit(0);
}

}  // namespace

}  // namespace ringside::bench

int main(int argc, char** argv) {
    using namespace ringside;
    CLI::App app("A plain first form of a chat server, for comparison only: docs/benchmarking.md.",
                 "naive-server");
    bench::Options options;
    add_address_option(app, "--listen", options.listen, "Where to listen; port 0: a free one.");
    add_path_option(app, "--port-file", options.port_file, "Write the port here once it accepts.");
    add_path_option(app, "--data", options.data, "A new folder for the histories.")->required();
    if (const auto code = parse_options(app, argc, argv)) return *code;
    try {
        return bench::run(options);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "naive-server: %s\n", problem.what());
        return 2;
    }
}
