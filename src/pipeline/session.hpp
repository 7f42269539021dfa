#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/frame_decoder.hpp"
#include "common/metrics.hpp"
#include "common/outbox.hpp"
#include "common/request_times.hpp"
#include "common/slot_id.hpp"
#include "common/unique_fd.hpp"

namespace ringside::pipeline {

/// Where a session goes when its stage lets go of it at the end of the turn.
enum class Departure : std::uint8_t {
    none,
    onward,      // to the stage that follows in the life of a session; the stage knows which
    disconnect,  // to the disconnect stage
};

// One client. Touched only by the stage that owns it at the time (handoff.hpp rule 1); everything
// in it travels along.
struct Session {
    Session(SlotId slot_id, UniqueFd fd, std::uint64_t frame_length_max, std::uint64_t now_ns)
        : id(slot_id), socket(std::move(fd)), decoder(frame_length_max), accepted_ns(now_ns) {}

    const SlotId id;
    UniqueFd socket;  // closed by the disconnect stage, nowhere else
    FrameDecoder decoder;
    Outbox outbox;
    std::string user;                     // empty until it has a name
    std::unique_ptr<RequestTimes> times;  // null unless requests are logged

    // Times, monotonic; 0: the limit in question is not running.
    std::uint64_t accepted_ns;
    std::uint64_t last_frame_ns = 0;
    std::uint64_t frame_begun_ns = 0;    // a frame has begun that is not whole yet
    std::uint64_t blocked_since_ns = 0;  // the socket is full: when it last took anything

    // How it ends. `closing`: nothing more is read, what is due still goes out, then it leaves for
    // the disconnect stage. `lingers`: the peer may be sending still, so the close waits for its
    // end. `answers_only`: of what is due, the room's messages are not sent any more.
    bool closing = false;
    bool lingers = false;
    bool answers_only = false;

    // What follows belongs to the owner alone and is reset when it lets go of the session.
    Departure departure = Departure::none;
    bool registered = false;        // in the owner's epoll set, with `interest`
    bool touched = false;           // in the list of those to flush and settle this turn
    bool again = false;             // in the list of those to look at next turn without waiting
    bool full = false;              // the socket took less than it was offered: EPOLLOUT is awaited
    bool input_left = false;        // whole frames may stand in the decoder
    bool waits = false;             // its next request is put off until the owner releases it
    bool leaves_room = false;       // leave_chat was accepted (room)
    bool left_log = false;          // the outbox knows where the log ends for it (room)
    std::uint32_t interest = 0;     // EPOLLIN, EPOLLOUT
    std::uint32_t member = 0;       // its place in the owner's list of members
    std::uint32_t room = 0;         // which room it joins or waits for (lobby)
    std::uint32_t unpublished = 0;  // own messages staged and not yet published (room)

    /// Forgets what only the stage that lets go of it knew.
    void reset_ownership() noexcept;
};

// The slots. A session's slot is taken by the accept stage and freed by the disconnect stage; in
// between only its owner looks it up. The generation of a slot changes each time it is taken.
class SessionTable {
 public:
    explicit SessionTable(std::size_t sessions_max);
    ~SessionTable();

    /// Null where all slots are taken; the descriptor is then closed.
    [[nodiscard]] Session* take(UniqueFd fd, std::uint64_t frame_length_max, std::uint64_t now_ns);
    /// Owner only: asserts that the session is alive.
    [[nodiscard]] Session& at(SlotId id) noexcept;
    /// Owner only: its socket is closed already; the session is gone.
    void free(SlotId id);
    [[nodiscard]] std::size_t taken() const;

 private:
    struct Slot {
        std::uint32_t generation = 0;
        std::unique_ptr<Session> session;
    };
    std::vector<Slot> slots_;
    mutable std::mutex mutex_;  // guards free_ alone
    std::vector<std::uint32_t> free_;
};

}  // namespace ringside::pipeline
