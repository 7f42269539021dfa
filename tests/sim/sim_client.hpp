#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/socket_ops.hpp"
#include "common/wire.hpp"
#include "loadgen/server_frames.hpp"
#include "support/random.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::uring {

/// What one client got of one room, from connect_chat to its leave or the connection's end.
struct Stay {
    std::string room;
    std::string tag;                 // begins the text of every message sent in it, and of no other
    std::string bytes{};             // the receive_message frames, as they came
    std::uint64_t sent = 0;          // messages sent
    std::uint64_t own = 0;           // of these, received
    bool left = false;               // by leave_chat, answered
    bool drained = false;            // the server's orderly end came in it
    std::uint64_t known_stored = 0;  // so many bytes of the room were seen in its file
};

/// What all clients of a simulated world have in common.
struct ClientSetup {
    Io& io;  // the clients' loop
    Random& random;
    SocketAddress server;
    std::filesystem::path data;        // the server's folder: what was received must be in it
    std::uint64_t write_limit_ns = 0;  // who reads nothing for that long may be dropped
    std::size_t message_bytes_max = 0;
    unsigned actions = 0;  // of each client, before it rests
    bool resets = false;   // a connection may get lost by itself
};

// One client of the simulation: acts by chance and judges what comes back on the spot (Catch2's
// REQUIRE). It sends one request that has an answer at a time, messages as it likes.
//
// 1. act() does one thing, once its time has come and nothing is awaited; after `actions` things it
//    rests: it reads what comes and stays where it is.
// 2. A lost connection is an error of the server unless something happened that allows it.
// 3. The stays are judged against the rooms' histories when the world has ended.
class SimClient {
 public:
    SimClient(const ClientSetup& setup, std::uint32_t number);
    SimClient(const SimClient&) = delete;
    SimClient& operator=(const SimClient&) = delete;

    [[nodiscard]] SlotId id() const noexcept { return id_; }
    /// When act() has something to do, if nothing happens before.
    [[nodiscard]] std::uint64_t due_ns() const noexcept;
    void act(std::uint64_t now_ns);
    void on_event(const IoEvent& event);

    /// Has done all it wanted, has all that its room holds or the list as it is.
    [[nodiscard]] bool at_rest(std::string_view newest_list) const;
    /// The server is about to end every connection.
    void expect_end() noexcept { end_allowed_ = no_more_ = true; }
    [[nodiscard]] bool gone() const noexcept { return place_ == Place::offline; }
    [[nodiscard]] const std::vector<Stay>& stays() const noexcept { return stays_; }
    /// For a failing test: where it stands, in one line.
    [[nodiscard]] std::string describe() const;

 private:
    enum class Place : std::uint8_t { offline, connecting, unnamed, lobby, room, closing };
    enum class Awaits : std::uint8_t {
        nothing,
        name,
        first_list,
        room_made,
        joined,
        refusal,
        list
    };

    void connect();
    void act_in_lobby();
    void act_in_room();
    void hold_for_a_while(std::uint64_t now_ns);
    void send_messages();
    void send(Request request, std::string_view text, Awaits answer);
    void push();
    void vanish();
    void say_goodbye();
    void on_sent(std::int32_t result);
    void on_frame(const ServerHeader& header, std::string_view text);
    void on_success(Request request, std::string_view text);
    void on_failure(Request request, std::string_view reason);
    void on_message(std::string_view text);
    void on_list(std::string_view text);
    void on_lost();
    [[nodiscard]] std::string some_room() const;

    ClientSetup setup_;
    std::uint32_t number_;
    std::string name_;
    SlotId id_{};
    Place place_ = Place::offline;
    Awaits awaits_ = Awaits::nothing;
    Request refused_ = Request::wrong_request;  // what a refusal is awaited for
    std::string wanted_room_;
    // Creations after which a list showed the room: a refusal may follow, if it is another's.
    unsigned creations_shown_ = 0;
    std::string list_;
    loadgen::ServerFrameReader reader_;
    std::string outbox_;
    std::unique_ptr<std::string> offered_;  // not null exactly while a send is in flight
    bool full_ = false;                     // between a short send and `writable`
    bool end_allowed_ = false;              // this connection may end now
    bool no_more_ = false;                  // and no other follows
    bool stalled_ = false;                  // it stopped reading for longer than it may
    std::uint64_t next_action_ns_ = 0;
    std::uint64_t held_until_ns_ = 0;  // not 0: it does not read
    unsigned actions_left_;
    std::uint32_t stay_count_ = 0;
    std::vector<Stay> stays_;  // the last one is current exactly while in a room
};

}  // namespace ringside::uring
