#pragma once

#include "common/chat_rules.hpp"
#include "common/wire.hpp"
#include "uring_async/chat/connection.hpp"

namespace ringside::uring {

// The story of one client, told in straight lines: what it asked for, what the server does, what
// is waited for in between. It runs in a coroutine that exists only while there is work: from the
// arrival of input until no whole frame is left.
//
// 1. A frame is peeked, decided on by the rules, carried out, consumed. Before each wait the
//    decoder keeps what is unread; after it a frame peeked earlier is peeked again.
// 2. A story may wait for the owner of a room, for a job on the disk, for its own output; never
//    with a lock, never in a catch block.
// 3. A connection that is closing still gets the reply its story waits for, so that memberships
//    are always given back; it works off nothing further.
class Session {
 public:
    explicit Session(Connection& connection) noexcept;

    /// Entry of the coroutine; `argument` is the Connection.
    static void run(void* argument) noexcept;

 private:
    void tell();
    [[nodiscard]] bool over() const noexcept;
    [[nodiscard]] bool waits_for_owner(Action action);
    void say_goodbye();
    void act(const Decision& decision, const ClientFrame& frame);
    void refuse(Request request, std::string_view reason);
    void refuse_and_linger(const Decision& decision);
    void take_name(std::string_view name);
    void create_room(std::string_view name);
    void join_room(std::string_view name);
    void post(std::string_view text);
    void leave_room();
    void wait_for(Connection::Wait what);

    Connection& connection_;
    Worker& worker_;
};

}  // namespace ringside::uring
