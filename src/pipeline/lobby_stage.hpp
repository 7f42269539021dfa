#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "pipeline/conversation.hpp"
#include "pipeline/room_stage.hpp"

namespace ringside::pipeline {

// The lobby: clients with a name that are in no room. It creates rooms, tells everyone in it of
// them, and starts and ends the rooms' threads.
//
// 1. Creating a room and opening a room's log may block on the disk; that is the lobby's own time.
//    Members of rooms are not delayed by it.
// 2. A room's thread is started by the first who joins and ended by the last who leaves, and the
//    lobby alone decides both. It counts what it has sent to the room; the room, when empty, says
//    how many it has seen (room_empty). Equal: nobody is under way, and since nobody else sends
//    sessions there, nobody will be; the lobby sends room_stop. Not equal: somebody is under way;
//    the lobby does nothing, the room will speak up again when it is empty again.
// 3. Between room_stop and room_ended the log still belongs to the old thread. Who wants to join
//    meanwhile waits in the lobby, its request unanswered, until room_ended; then the log is free.
// 4. Counting happens when the session is handed over, at the end of the turn, and the comparison
//    after it. A session that is lost between its connect_chat and the end of the turn is
//    not counted; a room that was started for it alone is stopped again.
class LobbyStage final : public ConversationStage {
 public:
    LobbyStage(Shared& shared, const HandoffInbox& disconnect, Waker* over);
    ~LobbyStage() override;

 private:
    /// A room's thread, from its start to its join.
    struct RoomRun {
        RoomRun(std::unique_ptr<RoomStage> room_stage, std::uint32_t token)
            : stage(std::move(room_stage)), outlet(stage->inbox(), token) {}

        std::unique_ptr<RoomStage> stage;
        HandoffOutlet outlet;
        std::uint64_t sent = 0;  // sessions handed over
        std::uint64_t seen = 0;  // of these, such as the room had seen when it was last empty
        bool stopping = false;   // room_stop was sent
    };

    void begin() noexcept override;
    [[nodiscard]] Verdict on_request(Session& session, const Decision& decision,
                                     std::string_view text) noexcept override;
    void on_arrival(Session& session) noexcept override;
    void on_departure(Session& session) noexcept override;
    void on_message(const Handoff& message) noexcept override;
    void before_flush() noexcept override;
    void after_settle() noexcept override;
    [[nodiscard]] HandoffOutlet& onward(const Session& session) noexcept override;
    [[nodiscard]] bool finished() const noexcept override;

    [[nodiscard]] Verdict create_room(Session& session, std::string_view name) noexcept;
    [[nodiscard]] Verdict join_room(Session& session, std::string_view name) noexcept;
    /// The reason in words where the room's thread cannot be started; else empty.
    [[nodiscard]] std::string_view start_room(const Room& room) noexcept;
    void log_repairs() noexcept;
    void end_room(std::uint32_t number) noexcept;

    const HandoffInbox& disconnect_inbox_;
    std::unordered_map<std::uint32_t, std::unique_ptr<RoomRun>> runs_;  // by the room's number
    std::vector<std::uint32_t> maybe_empty_;  // rooms to compare `sent` and `seen` of
    std::uint64_t broadcast_version_ = 0;     // of the list that everyone here was owed last
    bool upstream_ended_ = false;
};

}  // namespace ringside::pipeline
