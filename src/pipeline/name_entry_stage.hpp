#pragma once

#include "pipeline/conversation.hpp"

namespace ringside::pipeline {

// Where connections come first: they get a name or leave. Who has one goes to the lobby. A
// connection without a name after --handshake-timeout is closed here.
class NameEntryStage final : public ConversationStage {
 public:
    NameEntryStage(Shared& shared, const HandoffInbox& lobby, const HandoffInbox& disconnect,
                   Waker* over);

 private:
    [[nodiscard]] Verdict on_request(Session& session, const Decision& decision,
                                     std::string_view text) noexcept override;
    void on_arrival(Session&) noexcept override {}
    void on_message(const Handoff& message) noexcept override;
    [[nodiscard]] HandoffOutlet& onward(const Session&) noexcept override { return lobby_; }
    [[nodiscard]] bool awaits_name() const noexcept override { return true; }
    [[nodiscard]] bool finished() const noexcept override;

    HandoffOutlet lobby_;
};

}  // namespace ringside::pipeline
