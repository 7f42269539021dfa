#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pipeline/shared.hpp"
#include "pipeline/stage.hpp"

namespace ringside::pipeline {

// The last stage: the only place where a session's descriptor is closed.
//
// 1. The name is released first, so that who sees the close can take it at once; then the
//    descriptor is closed, then the slot is free.
// 2. A session that lingers had an answer or messages to read and may be sending still. Closing
//    with unread bytes would make the kernel send a reset, and that may overtake what the peer has
//    not read: so only the sending side is shut down, and what comes is read and thrown away until
//    the peer's end or for one second.
class DisconnectStage final : public StageThread {
 public:
    DisconnectStage(Shared& shared, Waker* over);

 private:
    struct Lingering {
        Session* session;
        std::uint64_t until_ns;
    };

    void on_handoff(const Handoff& message) noexcept override;
    void on_session_event(SlotId id, std::uint32_t events) noexcept override;
    void end_turn() noexcept override;
    [[nodiscard]] std::uint64_t wait_until() const noexcept override;
    [[nodiscard]] bool finished() const noexcept override;

    void linger(Session& session) noexcept;
    /// At the end of the turn, in which an event of the session may still be in hand.
    void close_later(Session& session) noexcept;
    void close(Session& session) noexcept;
    void sweep() noexcept;

    Shared& shared_;
    std::unique_ptr<char[]> discard_buffer_;
    std::vector<Lingering> lingering_;
    std::vector<Session*> closing_;
    std::uint64_t sweep_at_ns_ = UINT64_MAX;  // UINT64_MAX: nobody lingers
    std::uint64_t deadline_ns_ = UINT64_MAX;  // of the drain; nobody lingers longer
    bool upstream_ended_ = false;
};

}  // namespace ringside::pipeline
