#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/room_log.hpp"
#include "common/wire.hpp"

namespace ringside {

/// The room list as one finished get_chats frame, shared by everybody it is due to. Immutable.
struct RoomList {
    std::uint64_t version = 0;
    std::string frame;
};

// What one connection is owed, and in which order: the same for every server.
//
// Three sources feed a connection: its few private bytes (answers), a range of its room's log, and
// the newest room list. next_piece() hands out one contiguous piece at a time; sent() says how much
// of it the socket took. The rules:
//
// 1. A frame that has begun goes out whole before anything else does: a log range runs to the
//    frame boundary fixed when it began, a list and the private bytes to their end.
// 2. Between frames: private bytes first, then the log, then the list. A list due while the log is
//    still being drained (leave_chat) thus follows the last message of the room.
// 3. At most one piece is out at a time (one send in flight per connection); the outbox pins what
//    the piece points into until sent().
// 4. Lists may be skipped: only the newest that is due is sent.
//
// Thread: the connection's owner. Nothing here blocks; a read of the history file may touch the
// disk.
class Outbox {
 public:
    // ---- what becomes due ----
    void answer(Request request, Status status, std::string_view text);
    /// The log is due from `position` on, until leave(). `reader` outlives the membership.
    void join(LogReader& reader, std::uint64_t position);
    /// The log is due up to `end` only; then the outbox forgets the reader.
    void leave(std::uint64_t end);
    /// Forgets the log at once: the connection is closing.
    void drop_log() noexcept;
    /// `list` is due, unless it is older than one handed out already.
    void owe_list(std::shared_ptr<const RoomList> list);

    // ---- sending ----
    /// The next piece to send; empty where nothing is due. EAGAIN: a catch-up buffer must come
    /// free first, ask again next turn. Any other error: the history cannot be read, close.
    [[nodiscard]] Result<std::string_view> next_piece();
    /// The socket took `bytes` of the piece handed out last (0 where it took none).
    void sent(std::size_t bytes) noexcept;

    // ---- what its owner asks ----
    /// True between next_piece() and sent().
    [[nodiscard]] bool piece_out() const noexcept;
    /// Anything left to send now?
    [[nodiscard]] bool owes() const noexcept;
    /// A list is due and was not yet handed out: the client's next request waits (its answer would
    /// otherwise overtake the list that answers the request before it).
    [[nodiscard]] bool list_pending() const noexcept;
    /// leave() was called and messages before it are still to be handed out.
    [[nodiscard]] bool leaving() const noexcept;
    [[nodiscard]] std::size_t private_bytes() const noexcept;
    /// Published bytes not sent yet; 0 outside a room.
    [[nodiscard]] std::uint64_t lag_bytes() const noexcept;
    /// Caught up with the room at least once since join(): --max-lag counts from then on.
    [[nodiscard]] bool caught_up_once() const noexcept;
};

}  // namespace ringside
