#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/result.hpp"
#include "common/slot_id.hpp"
#include "common/sync_thread.hpp"
#include "common/unique_fd.hpp"

namespace ringside::pipeline {

// How stages talk: fixed-size messages through pipes, one pipe into each stage.
//
// 1. A session is owned by one stage at a time. Its owner lets go of it (no epoll set, no list of
//    the stage knows it any more), then writes the message; from then on only the reader of the
//    pipe may touch it. The pipe orders the two threads' memory.
// 2. Messages name a session by slot and generation, never by a descriptor number.
// 3. Both ends are non-blocking. What a full pipe does not take stays with its sender
// (HandoffOutlet)
//    and is written when the pipe has room, so two stages that hand over to each other cannot
//    wait for each other.
// 4. What can wait that way is bounded: each session is in one message at most, each room has at
//    most one message of its own under way.
// 5. Messages of one sender arrive in order. A write is a whole number of messages and at most
//    PIPE_BUF bytes, so the kernel takes all of it or nothing and never mixes two writers.

struct Handoff {
    enum class Kind : std::uint32_t {
        session,     // to a stage: `session` is yours now
        room_empty,  // room → lobby: no member is left after `count` arrivals
        room_stop,   // lobby → room: nothing more will come; end
        room_ended,  // room → lobby: the log is released, the thread ends
        drain,       // server → stage → its rooms: take leave of everyone until `count` (ns)
        upstream_ended,  // server → stage: no session will arrive any more
        wake,            // sync thread → room: look into your inbox of finished syncs
    };
    Kind kind = Kind::session;
    std::uint32_t room = 0;
    SlotId session{};
    std::uint64_t count = 0;
};

/// Messages that one read or write of a pipe moves at most.
inline constexpr std::size_t handoff_batch_max = 4096 / sizeof(Handoff);

// A stage's inbox: the pipe that all its senders write to. The reading side belongs to one thread.
class HandoffInbox final : public Waker {
 public:
    /// Throws StartError where the kernel gives no pipe.
    HandoffInbox();

    [[nodiscard]] int read_fd() const noexcept { return read_end_.get(); }
    [[nodiscard]] int write_fd() const noexcept { return write_end_.get(); }
    /// What has come, at most handoff_batch_max; empty where nothing has. Valid until the next
    /// call.
    [[nodiscard]] std::span<const Handoff> receive() noexcept;
    /// Any thread: makes the reader's epoll return. A pipe that is full does so by itself.
    void wake() noexcept override;

 private:
    UniqueFd read_end_;
    UniqueFd write_end_;
    std::array<Handoff, handoff_batch_max> batch_{};
};

// One sender's way into an inbox, which outlives it. Thread-confined.
class HandoffOutlet {
 public:
    HandoffOutlet(const HandoffInbox& inbox, std::uint32_t token) noexcept
        : fd_(inbox.write_fd()), token_(token) {}

    /// Queues; flush() writes.
    void send(const Handoff& message) { pending_.push_back(message); }
    /// Writes what the pipe takes; true where nothing is left. Returns the writes it made by
    /// `writes`.
    [[nodiscard]] bool flush(std::uint64_t& writes) noexcept;
    [[nodiscard]] bool pending() const noexcept { return written_ != pending_.size(); }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// How the owner's epoll set names it.
    [[nodiscard]] std::uint32_t token() const noexcept { return token_; }

 private:
    friend class StageThread;

    int fd_;
    std::uint32_t token_;
    std::vector<Handoff> pending_;
    std::size_t written_ = 0;  // of pending_, from its front
    // Owner's: in its list of outlets to flush; its epoll set waits for room in the pipe.
    bool listed_ = false;
    bool watched_ = false;
};

}  // namespace ringside::pipeline
