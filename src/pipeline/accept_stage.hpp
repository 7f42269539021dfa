#pragma once

#include <cstdint>

#include "pipeline/shared.hpp"
#include "pipeline/stage.hpp"

namespace ringside::pipeline {

// The first stage: accepts, gives each connection its slot and hands it to name entry.
//
// 1. Without a free slot (--max-connections) the connection is closed at once and counted.
// 2. Out of descriptors or memory, accepting pauses, 10 ms at first and up to 1 s: the listener
//    stays readable then and would keep the loop spinning. Waiting clients stay in the backlog.
class AcceptStage final : public StageThread {
 public:
    AcceptStage(Shared& shared, UniqueFd listener, const HandoffInbox& name_entry, Waker* over);

 private:
    void begin() noexcept override;
    void on_handoff(const Handoff& message) noexcept override;
    void on_session_event(SlotId id, std::uint32_t events) noexcept override;
    void on_token_event(std::uint32_t token) noexcept override;
    void end_turn() noexcept override;
    [[nodiscard]] std::uint64_t wait_until() const noexcept override;
    [[nodiscard]] bool finished() const noexcept override { return !listener_; }

    /// False where there is nothing more to accept for now.
    [[nodiscard]] bool accept_one() noexcept;
    void admit(UniqueFd socket) noexcept;
    void watch_listener() noexcept;
    void pause(int code) noexcept;

    Shared& shared_;
    UniqueFd listener_;  // empty once the server drains
    HandoffOutlet name_entry_;
    std::uint64_t resume_at_ns_ = UINT64_MAX;  // UINT64_MAX: not paused
    std::uint64_t pause_ns_ = 0;               // how long the last pause was; 0 after a success
    bool full_logged_ = false;                 // one line each time the server becomes full
};

}  // namespace ringside::pipeline
