#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "common/log_reader.hpp"
#include "common/room_directory.hpp"
#include "common/room_log.hpp"
#include "common/sync_thread.hpp"
#include "pipeline/conversation.hpp"

namespace ringside::pipeline {

// One room that has members: its thread owns the room's log (common/room_log.hpp).
//
// 1. A turn stages what came, commits it by one write, publishes it, then sends to every member.
//    With --fsync always publishing waits for the sync thread's word, and the turn goes on.
// 2. A message is in `unpublished_` from stage() until it is published or has failed; then its
//    sender is told of a failure, or sees its own copy.
// 3. While a session has messages in there, none of its other requests is worked off. So failures
//    keep their place among its answers, and a leave is always at the published end: everything of
//    its own is below it.
// 4. Starting and ending is the lobby's decision (lobby_stage.hpp). When nobody is left and nothing
//    is unpublished, the room says how many arrivals it has seen; when the lobby has sent no more
//    than that it answers with room_stop. Then the log is released, before room_ended is sent.
class RoomStage final : public ConversationStage {
 public:
    /// Throws StartError where the kernel gives no pipe or epoll set.
    RoomStage(Shared& shared, const Room& room, std::shared_ptr<RoomLog> log,
              const HandoffInbox& lobby, const HandoffInbox& disconnect);
    ~RoomStage() override;

 private:
    struct Unpublished {
        std::uint64_t end;  // log position behind the message
        Session* sender;    // null where it has gone meanwhile
    };

    [[nodiscard]] Verdict on_request(Session& session, const Decision& decision,
                                     std::string_view text) noexcept override;
    void on_arrival(Session& session) noexcept override;
    void on_closing(Session& session) noexcept override;
    void on_departure(Session& session) noexcept override;
    void on_message(const Handoff& message) noexcept override;
    void before_flush() noexcept override;
    void after_settle() noexcept override;
    [[nodiscard]] HandoffOutlet& onward(const Session&) noexcept override { return lobby_; }
    [[nodiscard]] bool finished() const noexcept override { return stopped_; }

    [[nodiscard]] Verdict stage_message(Session& session, std::string_view text) noexcept;
    void take_syncs() noexcept;
    void commit() noexcept;
    void publish(std::uint64_t end) noexcept;
    /// Whatever was to follow `end` is lost: its senders are told.
    void fail_after(std::uint64_t end) noexcept;
    void settle_message(const Unpublished& message, bool stored) noexcept;
    void release_waiting() noexcept;
    void trim_pool() noexcept;
    void stop() noexcept;

    const Room& room_;
    HandoffOutlet lobby_;
    std::shared_ptr<RoomLog> log_;  // null once the room has stopped
    CatchUpPool pool_;
    LogReader reader_;
    SyncInbox syncs_;
    std::vector<SyncDone> done_;  // reused by take_syncs()

    SystemWallClock wall_clock_;
    LocalTimeText time_text_;
    std::int64_t wall_ns_ = 0;  // of this turn's messages; 0: not read yet

    std::vector<Unpublished> unpublished_;   // in the order of their ends
    std::vector<Session*> waiting_;          // for staged_bytes_max to go down
    std::uint64_t pool_reads_counted_ = 0;   // of pool_.file_reads()
    std::uint64_t trim_at_ns_ = UINT64_MAX;  // UINT64_MAX: the pool has no buffers
    std::uint64_t arrivals_ = 0;
    std::uint64_t reported_ = 0;  // arrivals when the room last said that it is empty
    bool published_ = false;      // the published end moved in this turn
    bool fenced_;                 // a sync failed: nothing will be published any more
    bool stopped_ = false;
};

}  // namespace ringside::pipeline
