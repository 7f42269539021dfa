#include "pipeline/room_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/assert.hpp"

namespace ringside::pipeline {

namespace {

// How often buffers of the catch-up pool that nobody reads are given back.
constexpr std::uint64_t trim_period_ns = 1'000'000'000;

}  // namespace

RoomStage::RoomStage(Shared& shared, const Room& room, std::shared_ptr<RoomLog> log,
                     const HandoffInbox& lobby, const HandoffInbox& disconnect)
    : ConversationStage(fmt::format("room {}", room.number), ringside::Stage::room, shared,
                        disconnect, nullptr),
      room_(room),
      lobby_(lobby, onward_token),
      log_(std::move(log)),
      reader_(*log_, pool_),
      syncs_(inbox()),
      // A room ends with everything published, or fenced.
      fenced_(log_->published_end() != log_->committed_end()) {
    RINGSIDE_ASSERT(log_->staged_bytes() == 0);
}

RoomStage::~RoomStage() {
    RINGSIDE_ASSERT(members().empty() && unpublished_.empty());
}

// ---- members ----

void RoomStage::on_arrival(Session& session) noexcept {
    RINGSIDE_ASSERT(!stopped_);
    ++arrivals_;
    session.outbox.join(reader_, 0);
}

void RoomStage::on_closing(Session& session) noexcept {
    // Who has asked to leave knows where its part of the log ends.
    if (session.leaves_room) return;
    session.outbox.leave(session.answers_only ? 0 : log_->published_end());
}

void RoomStage::on_departure(Session& session) noexcept {
    RINGSIDE_ASSERT(!session.outbox.leaving());
    if (std::exchange(session.waits, false)) std::erase(waiting_, &session);
    if (std::exchange(session.unpublished, 0) == 0) return;
    for (Unpublished& message : unpublished_) {
        if (message.sender == &session) message.sender = nullptr;
    }
}

void RoomStage::on_message(const Handoff& message) noexcept {
    switch (message.kind) {
        case Handoff::Kind::wake:
            return;  // before_flush() looks into the inbox of syncs
        case Handoff::Kind::drain:
            start_drain(message.count);
            return;
        case Handoff::Kind::room_stop:
            stop();
            return;
        case Handoff::Kind::session:
        case Handoff::Kind::room_empty:
        case Handoff::Kind::room_ended:
        case Handoff::Kind::upstream_ended:
            break;
    }
    RINGSIDE_ASSERT(false);
}

// ---- requests ----

ConversationStage::Verdict RoomStage::on_request(Session& session, const Decision& decision,
                                                 std::string_view text) noexcept {
    if (decision.action == Action::post_message) return stage_message(session, text);
    RINGSIDE_ASSERT(decision.action == Action::leave_room);
    RINGSIDE_ASSERT(session.unpublished == 0);
    session.leaves_room = true;
    session.outbox.leave(log_->published_end());
    touch(session);
    return Verdict::taken;
}

ConversationStage::Verdict RoomStage::stage_message(Session& session,
                                                    std::string_view text) noexcept {
    if (!log_->writable(now_ns())) {
        refuse(session, Request::send_message, reason::storage_failed);
        return Verdict::taken;
    }
    if (log_->staged_end() - log_->published_end() >= staged_bytes_max) {
        counters().add(Metric::held_messages_total);
        session.waits = true;
        waiting_.push_back(&session);
        return Verdict::later;
    }
    if (wall_ns_ == 0) wall_ns_ = wall_clock_.now_ns();
    log_->stage(session.user, time_text_.at(wall_ns_), wall_ns_, text);
    ++session.unpublished;
    unpublished_.push_back({log_->staged_end(), &session});
    if (session.times != nullptr) session.times->put_off(log_->staged_end());
    return Verdict::taken;
}

// ---- the log ----

void RoomStage::before_flush() noexcept {
    if (stopped_) return;
    published_ = false;
    take_syncs();
    commit();
    wall_ns_ = 0;
    if (published_) flush_members();
}

void RoomStage::commit() noexcept {
    const std::size_t bytes = log_->staged_bytes();
    if (bytes == 0) return;
    const Result<void> done = log_->commit(now_ns());
    if (!done) {
        counters().add(Metric::append_failures_total);
        shared().log.write(LogLevel::error, "messages could not be stored",
                           {{"room", PeerText{room_.name}}, {"error", done.error().text()}});
        fail_after(log_->committed_end());
        return;
    }
    counters().add(Metric::appends_total);
    counters().add(Metric::appended_bytes_total, bytes);
    const std::uint64_t end = log_->committed_end();
    shared().sync.appended(log_->file(), end, syncs_, room_.number);
    if (shared().sync.policy().mode != FsyncPolicy::Mode::always) publish(end);
}

void RoomStage::take_syncs() noexcept {
    syncs_.take(done_);
    for (const SyncDone& sync : done_) {
        if (fenced_) return;
        if (sync.error.code == 0) {
            if (sync.end > log_->published_end()) publish(sync.end);
            continue;
        }
        fenced_ = true;
        log_->fence();
        shared().log.write(LogLevel::error, "history could not be synced; the room is read-only",
                           {{"room", PeerText{room_.name}}, {"error", sync.error.text()}});
        fail_after(log_->published_end());
    }
}

void RoomStage::publish(std::uint64_t end) noexcept {
    log_->publish(end);
    published_ = true;
    const auto first_left = std::ranges::find_if(
        unpublished_, [end](const Unpublished& message) { return message.end > end; });
    counters().add(Metric::messages_in_total,
                   static_cast<std::uint64_t>(first_left - unpublished_.begin()));
    for (auto message = unpublished_.begin(); message != first_left; ++message) {
        settle_message(*message, true);
    }
    unpublished_.erase(unpublished_.begin(), first_left);
    release_waiting();
}

void RoomStage::fail_after(std::uint64_t end) noexcept {
    const auto first_lost = std::ranges::find_if(
        unpublished_, [end](const Unpublished& message) { return message.end > end; });
    for (auto message = first_lost; message != unpublished_.end(); ++message) {
        settle_message(*message, false);
    }
    unpublished_.erase(first_lost, unpublished_.end());
    release_waiting();
}

void RoomStage::settle_message(const Unpublished& message, bool stored) noexcept {
    Session* const sender = message.sender;
    if (sender == nullptr) return;
    RINGSIDE_ASSERT(sender->unpublished > 0);
    if (!stored) refuse(*sender, Request::send_message, reason::storage_failed);
    if (sender->times != nullptr) sender->times->settled(message.end);
    if (--sender->unpublished == 0) release(*sender);
}

void RoomStage::release_waiting() noexcept {
    for (Session* session : waiting_)
        release(*session);
    waiting_.clear();
}

// ---- the end ----

void RoomStage::trim_pool() noexcept {
    counters().add(Metric::catch_up_reads_total, pool_.file_reads() - pool_reads_counted_);
    pool_reads_counted_ = pool_.file_reads();
    if (now_ns() >= trim_at_ns_) {
        pool_.trim();
        trim_at_ns_ = UINT64_MAX;
    }
    if (pool_.buffers() != 0 && trim_at_ns_ == UINT64_MAX) trim_at_ns_ = now_ns() + trim_period_ns;
    wake_at(trim_at_ns_);
}

void RoomStage::after_settle() noexcept {
    trim_pool();
    counters().set(Metric::members, members().size());
    if (stopped_ || !members().empty() || arrivals_ == reported_) return;
    if (!fenced_ && log_->committed_end() != log_->published_end()) return;  // a sync will wake us
    reported_ = arrivals_;
    post(lobby_, {.kind = Handoff::Kind::room_empty,
                  .room = room_.number,
                  .session = {},
                  .count = arrivals_});
}

void RoomStage::stop() noexcept {
    RINGSIDE_ASSERT(members().empty() && unpublished_.empty());
    RINGSIDE_ASSERT(log_->staged_bytes() == 0);
    log_.reset();
    stopped_ = true;
    post(lobby_,
         {.kind = Handoff::Kind::room_ended, .room = room_.number, .session = {}, .count = 0});
}

}  // namespace ringside::pipeline
