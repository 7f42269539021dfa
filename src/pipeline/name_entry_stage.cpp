#include "pipeline/name_entry_stage.hpp"

#include "common/assert.hpp"

namespace ringside::pipeline {

NameEntryStage::NameEntryStage(Shared& shared, const HandoffInbox& lobby,
                               const HandoffInbox& disconnect, Waker* over)
    : ConversationStage("name entry", ringside::Stage::unnamed, shared, disconnect, over),
      lobby_(lobby, onward_token) {}

ConversationStage::Verdict NameEntryStage::on_request(Session& session, const Decision& decision,
                                                      std::string_view text) noexcept {
    RINGSIDE_ASSERT(decision.action == Action::take_name);
    RINGSIDE_ASSERT(session.user.empty());
    if (shared().names.take(text)) {
        session.user = text;  // released by the disconnect stage, whatever happens in between
        session.outbox.answer(Request::set_name, Status::success, {});
        send_onward(session);  // the lobby adds the room list
    } else {
        refuse(session, Request::set_name, reason::name_taken);
    }
    return Verdict::taken;
}

void NameEntryStage::on_message(const Handoff& message) noexcept {
    // The accept stage has ended before this is sent, so nobody comes after it.
    RINGSIDE_ASSERT(message.kind == Handoff::Kind::drain);
    start_drain(message.count);
}

bool NameEntryStage::finished() const noexcept {
    return draining() && members().empty();
}

}  // namespace ringside::pipeline
