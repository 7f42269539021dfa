#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/frame_decoder.hpp"
#include "common/unique_fd.hpp"

namespace ringside::test {

/// What the fake server does wrong, once, with the message number `FakeChatServer::fault_at` of the
/// first room, to its second member, unless it says otherwise.
enum class Fault : std::uint8_t {
    none,
    drop,            // that member does not get it
    drop_for_all,    // nobody gets it
    deaf,            // nor any message after it
    repeat,          // it gets it twice
    repeat_for_all,  // everybody does
    swap,            // it gets it after the next one
    swap_for_all,    // everybody does
    corrupt,         // one character of the text is another one
    corrupt_name,    // the sender's name is another one
    corrupt_time,    // the time is another one than the other members get
    misdirect,       // a member of the second room gets it as well
    unasked_list,    // it gets a room list after it
    unknown_frame,   // it gets a frame with request 77 after it
    refuse_room,     // create_chat is answered with a failure
    refuse,          // the sender gets a failure, nobody the message
    hang_up,         // its connection is closed
    no_leave,        // leave_chat is never answered
    late_message,    // a message comes after the list that answers leave_chat
    forgetful_list,  // the list that answers leave_chat lacks the first room
    unasked_answer,  // create_chat failure comes after the list that answers leave_chat
    torn_end,        // half a frame comes before the end that answers disconnect
    no_end,          // disconnect does not end the connection
};

// A chat server of few lines, for tests of the load generator: one thread, blocking sends, right in
// everything but the fault it was asked for. It keeps nothing on disk.
class FakeChatServer {
 public:
    static constexpr std::size_t fault_at = 20;

    explicit FakeChatServer(Fault fault = Fault::none);
    /// Closes all connections.
    ~FakeChatServer();
    FakeChatServer(const FakeChatServer&) = delete;
    FakeChatServer& operator=(const FakeChatServer&) = delete;

    /// "127.0.0.1:PORT".
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

 private:
    struct Room {
        std::string name;
        std::vector<std::string> frames;
        std::vector<int> members;
        std::vector<std::string> held;  // by member: what was swapped and comes later
    };
    struct Client {
        UniqueFd fd;
        FrameDecoder decoder{65536};
        std::string name;  // empty: unnamed
        Room* room = nullptr;
    };

    void serve();
    void accept_client();
    /// False where the client is gone.
    bool read_client(Client& client);
    void handle(Client& client, const ClientFrame& frame);
    void create_room(const std::string& name);
    void join(Client& client, std::string_view name);
    void publish(Client& sender, std::string_view text);
    void deliver(Room& room, std::size_t member, std::size_t number);
    void deliver_wrongly(Room& room, std::size_t member, std::size_t number);
    void leave(Client& client);
    [[nodiscard]] std::string list() const;
    void send(int fd, const std::string& bytes);

    Fault fault_;
    UniqueFd listener_;
    UniqueFd stop_;  // an eventfd
    std::string address_;
    std::map<int, std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Room>> rooms_;
    std::vector<int> hang_up_;  // descriptors to close after this round
    std::thread thread_;
};

}  // namespace ringside::test
