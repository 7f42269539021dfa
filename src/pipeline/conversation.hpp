#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/shared.hpp"
#include "pipeline/stage.hpp"

namespace ringside::pipeline {

// A stage that talks with clients: name entry, the lobby, a room. Here is what the three do alike:
// reading, cutting frames, sending what the outbox owes, time limits, and letting go of sessions.
// What a request means there is the derived class's.
//
// One turn: read from every socket that is ready and work off its frames → before_flush(): a room
// commits and publishes, the lobby broadcasts → one send per session that owes bytes → settle: each
// touched session gets its clocks and its interest in events, or leaves.
//
// 1. Nothing waits for a client. A read takes what is there, at most receive_bytes of one client a
//    turn; a frame that is not whole stays in the decoder.
// 2. A session is not read while its own last request is not done with: its answers pile up
//    (private_bytes_max), its list was not handed out, it is leaving, or it closes.
// 3. A socket that takes less than offered is left alone until EPOLLOUT.
// 4. Whoever catches up with a long history gets flush_bytes a turn, all of them together
//    catch_up_bytes_per_turn, so that live messages never wait for them.
// 5. Who has work left that no event will announce is in `again_`; the turn does not wait then.
// 6. Limits are checked by a sweep over all members, and only while somebody has a limit running.
// 7. Who says goodbye, by disconnect or by closing, gets the message that has begun and its answers
//    and no more of the room; in a drain everybody gets all that is due.
class ConversationStage : public StageThread {
 public:
    ConversationStage(std::string name, ringside::Stage place, Shared& shared,
                      const HandoffInbox& disconnect, Waker* over);

 protected:
    enum class Verdict : std::uint8_t {
        taken,  // the request is worked off
        later,  // it stays in the decoder and comes again after release(); `waits` is set
    };

    // ---- what a request means here ----
    [[nodiscard]] virtual Verdict on_request(Session& session, const Decision& decision,
                                             std::string_view text) noexcept = 0;
    virtual void on_arrival(Session& session) noexcept = 0;
    /// Everything that came this turn was worked off; nothing is sent yet.
    virtual void before_flush() noexcept {}
    /// Who leaves has left; hand-offs may still be posted.
    virtual void after_settle() noexcept {}
    /// `session` closes; its outbox may be told where the log ends for it.
    virtual void on_closing(Session&) noexcept {}
    /// Last look before the session goes; lists of the derived class forget it.
    virtual void on_departure(Session&) noexcept {}
    virtual void on_message(const Handoff& message) noexcept = 0;
    /// Where a session that goes onward goes.
    [[nodiscard]] virtual HandoffOutlet& onward(const Session& session) noexcept = 0;
    /// The name's time limit runs here.
    [[nodiscard]] virtual bool awaits_name() const noexcept { return false; }

    // ---- what the derived class uses ----
    void refuse(Session& session, Request request, std::string_view why) noexcept;
    /// Lets the session's requests be worked off again; for one whose `waits` is set.
    void release(Session& session) noexcept;
    /// The session is flushed and settled at the end of this turn.
    void touch(Session& session) noexcept;
    /// It goes onward at the end of this turn.
    void send_onward(Session& session) noexcept;
    /// Reads no more; closes when everything due is sent. `why`: null for a normal close.
    void close_in_order(Session& session, const Drop* why) noexcept;
    /// Closes without sending more.
    void close_now(Session& session, const Drop* why) noexcept;
    /// Something came due for many: flushes every member, touches those that need a closer look.
    void flush_members() noexcept;
    void start_drain(std::uint64_t deadline_ns) noexcept;
    /// The next turn comes at `at_ns` at the latest; UINT64_MAX takes that back.
    void wake_at(std::uint64_t at_ns) noexcept { wake_at_ns_ = at_ns; }

    [[nodiscard]] Shared& shared() noexcept { return shared_; }
    [[nodiscard]] const std::vector<Session*>& members() const noexcept { return members_; }
    [[nodiscard]] bool draining() const noexcept { return drain_deadline_ns_ != 0; }
    /// For the outlets of derived classes.
    static constexpr std::uint32_t onward_token = first_free_token + 1;

    // ---- StageThread ----
    void on_handoff(const Handoff& message) noexcept final;
    void on_session_event(SlotId id, std::uint32_t events) noexcept final;
    void end_turn() noexcept final;
    [[nodiscard]] std::uint64_t wait_until() const noexcept final;

 private:
    enum class Flushed : std::uint8_t { clean, look };

    void arrive(SlotId id) noexcept;
    void receive(Session& session) noexcept;
    void work_off(Session& session) noexcept;
    [[nodiscard]] Verdict handle(Session& session, const Decision& decision,
                                 std::string_view text) noexcept;
    [[nodiscard]] bool held(const Session& session) const noexcept;
    Flushed flush(Session& session) noexcept;
    [[nodiscard]] std::size_t send_piece(Session& session, std::string_view bytes) noexcept;
    Flushed lose_history(Session& session, const Error& error) noexcept;
    [[nodiscard]] bool catches_up(const Session& session) const noexcept;
    void settle(Session& session) noexcept;
    void set_clocks(Session& session) noexcept;
    void set_interest(Session& session) noexcept;
    void look_again(Session& session) noexcept;
    void depart(Session& session) noexcept;
    void note_close(const Session& session, const Drop* why) noexcept;
    void sweep_or_put_off() noexcept;
    void sweep() noexcept;
    [[nodiscard]] bool limit_runs(const Session& session) const noexcept;
    [[nodiscard]] std::optional<Drop> overdue(Session& session) noexcept;

    Shared& shared_;
    const ringside::Stage place_;
    const std::uint64_t sweep_period_ns_;
    HandoffOutlet disconnect_;
    std::unique_ptr<char[]> receive_buffer_;
    std::vector<Session*> members_;
    std::vector<Session*> touched_;
    std::vector<Session*> again_;             // to look at next turn without waiting
    std::vector<Session*> looking_;           // again_ of the turn before, while it is worked off
    std::uint64_t catch_up_left_ = 0;         // bytes that this turn may still spend on history
    std::uint64_t sweep_at_ns_ = UINT64_MAX;  // UINT64_MAX: no limit is running
    bool put_off_ = false;                    // a sweep that was due was put off once
    std::uint64_t wake_at_ns_ = UINT64_MAX;   // for the derived class
    std::uint64_t drain_deadline_ns_ = 0;     // 0: not draining
};

}  // namespace ringside::pipeline
