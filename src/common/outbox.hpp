#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/frame_count.hpp"
#include "common/log_reader.hpp"
#include "common/result.hpp"
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
// 1. A frame that has begun goes out whole before anything else does. A message of the log that a
//    full socket or the end of a chunk cut is finished first, and a list that has begun is.
// 2. Between frames: private bytes first, then the log, then the list, which waits for as long as
//    there is a room: a list due when leave_chat is worked off follows the last message.
// 3. At most one piece is out at a time (one send in flight per connection); the outbox pins what
//    the piece points into until sent(), and no longer: a member whose socket is full holds no
//    segment and no catch-up buffer, however long it stalls.
// 4. Lists may be skipped: only the newest that is due is sent.
//
// Thread: the connection's owner. Nothing here blocks; a read of the history file may touch the
// disk.
class Outbox {
 public:
    Outbox() noexcept = default;
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    // ---- what becomes due ----
    void answer(Request request, Status status, std::string_view text);
    /// The log is due from `position` on (a message boundary), until leave(). `reader` outlives the
    /// membership. A list that is due and not begun is forgotten: nobody in a room is told.
    void join(LogReader& reader, std::uint64_t position);
    /// The log is due up to `end` only, a message boundary, published or not yet; then the outbox
    /// forgets the reader. Where `end` has been passed, only a message that has begun is finished.
    void leave(std::uint64_t end);
    /// Forgets the log at once: the connection is closing. Where that tears a message that has
    /// begun, nothing more goes out; leave(0) is for a close that still has an answer to give.
    void drop_log() noexcept;
    /// `list` is due, unless it is older than one handed out already.
    void owe_list(std::shared_ptr<const RoomList> list);

    // ---- sending ----
    /// The next piece to send; empty where nothing is due. EAGAIN: a catch-up buffer must come
    /// free first, ask again next turn. Any other error: the history cannot be read, close.
    [[nodiscard]] Result<std::string_view> next_piece();
    /// The socket took `bytes` of the piece handed out last (0 where it took none). Returns how
    /// many messages of the room that completed (metric deliveries_total).
    std::uint64_t sent(std::size_t bytes) noexcept;

    // ---- what its owner asks ----
    /// True between next_piece() that returned bytes and sent().
    [[nodiscard]] bool piece_out() const noexcept { return source_ != Source::none; }
    /// Anything left to send now? Includes a piece that is out.
    [[nodiscard]] bool owes() const noexcept;
    /// A list is due and was not yet handed out: the client's next request waits (its answer would
    /// otherwise overtake the list that answers the request before it).
    [[nodiscard]] bool list_pending() const noexcept { return list_due_ != nullptr; }
    /// leave() was called and messages before it are still to be sent; the reader is still needed.
    [[nodiscard]] bool leaving() const noexcept { return reader_ != nullptr && end_ != no_end; }
    [[nodiscard]] std::size_t private_bytes() const noexcept;
    /// Published bytes due and not sent yet; 0 outside a room.
    [[nodiscard]] std::uint64_t lag_bytes() const noexcept;
    /// Caught up with the room at least once since join(): --max-lag counts from then on.
    [[nodiscard]] bool caught_up_once() const noexcept { return caught_up_once_; }

 private:
    enum class Source : std::uint8_t { none, private_bytes, log, list };
    static constexpr std::uint64_t no_end = UINT64_MAX;

    /// Where the log that may be handed out now ends; position_ where none may.
    [[nodiscard]] std::uint64_t log_limit() const noexcept;
    /// drop_log() cut a message: whatever followed would be read as its rest.
    [[nodiscard]] bool torn() const noexcept { return reader_ == nullptr && !count_.at_boundary(); }
    [[nodiscard]] std::string_view hand_out(Source source, std::string_view bytes) noexcept;
    [[nodiscard]] Result<std::string_view> hand_out_log(std::uint64_t end);
    void keep_private_piece();
    void private_sent(std::size_t bytes) noexcept;
    std::uint64_t log_sent(std::size_t bytes) noexcept;
    void list_sent(std::size_t bytes) noexcept;
    void forget_log_if_left() noexcept;

    // The piece that is out, and what keeps its bytes alive where that is not a member below.
    const char* piece_ = nullptr;
    std::shared_ptr<const void> pin_;

    std::string private_;  // answers; the first private_sent_ bytes are sent

    LogReader* reader_ = nullptr;  // the room's; null outside a room
    std::uint64_t position_ = 0;   // of the log: everything before it is sent
    std::uint64_t end_ = no_end;   // of the log: where leave() ended it
    FrameCount count_;             // of the log's bytes sent since join()

    std::shared_ptr<const RoomList> list_due_;  // not begun
    std::shared_ptr<const RoomList> list_out_;  // begun; its first list_sent_ bytes are sent
    std::uint64_t list_version_ = 0;            // of the newest list begun

    std::uint32_t piece_bytes_ = 0;
    std::uint32_t private_sent_ = 0;
    std::uint32_t list_sent_ = 0;
    Source source_ = Source::none;
    bool caught_up_once_ = false;
};

}  // namespace ringside
