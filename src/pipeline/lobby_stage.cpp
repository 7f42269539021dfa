#include "pipeline/lobby_stage.hpp"

#include <cerrno>
#include <exception>
#include <utility>

#include "common/assert.hpp"

namespace ringside::pipeline {

namespace {

// Rooms are named by number in the epoll set, behind the base class's own tokens.
constexpr std::uint32_t first_room_token = 16;

}  // namespace

LobbyStage::LobbyStage(Shared& shared, const HandoffInbox& disconnect, Waker* over)
    : ConversationStage("lobby", ringside::Stage::lobby, shared, disconnect, over),
      disconnect_inbox_(disconnect) {}

LobbyStage::~LobbyStage() {
    RINGSIDE_ASSERT(runs_.empty());
}

void LobbyStage::begin() noexcept {
    broadcast_version_ = shared().directory.list_version();
    counters().set(Metric::rooms, shared().directory.size());
}

// ---- sessions ----

void LobbyStage::on_arrival(Session& session) noexcept {
    session.outbox.owe_list(shared().directory.list());
}

ConversationStage::Verdict LobbyStage::on_request(Session& session, const Decision& decision,
                                                  std::string_view text) noexcept {
    if (decision.action == Action::create_room) return create_room(session, text);
    RINGSIDE_ASSERT(decision.action == Action::join_room);
    return join_room(session, text);
}

ConversationStage::Verdict LobbyStage::create_room(Session& session,
                                                   std::string_view name) noexcept {
    const Result<const Room*> room = shared().directory.create(name);
    if (room) {
        counters().set(Metric::rooms, shared().directory.size());
        // before_flush() tells everyone; its creator is owed the list at once, so that its next
        // request waits for it.
        session.outbox.owe_list(shared().directory.list());
        return Verdict::taken;
    }
    const Error& error = room.error();
    if (error.code != EEXIST) {
        shared().log.write(LogLevel::error, "room could not be created",
                           {{"room", PeerText{name}}, {"error", error.text()}});
    }
    refuse(session, Request::create_chat, reason::of_failed_create(error.code));
    return Verdict::taken;
}

ConversationStage::Verdict LobbyStage::join_room(Session& session, std::string_view name) noexcept {
    const Room* const room = shared().directory.find(name);
    if (room == nullptr) {
        refuse(session, Request::connect_chat, reason::room_unknown);
        return Verdict::taken;
    }
    const auto run = runs_.find(room->number);
    if (run != runs_.end() && run->second->stopping) {
        session.room = room->number;
        session.waits = true;
        return Verdict::later;
    }
    if (run == runs_.end()) {
        const std::string_view why = start_room(*room);
        if (!why.empty()) {
            refuse(session, Request::connect_chat, why);
            return Verdict::taken;
        }
    }
    session.room = room->number;
    session.outbox.answer(Request::connect_chat, Status::success, room->name);
    send_onward(session);
    return Verdict::taken;
}

void LobbyStage::on_departure(Session& session) noexcept {
    session.waits = false;
}

HandoffOutlet& LobbyStage::onward(const Session& session) noexcept {
    RoomRun& run = *runs_.at(session.room);
    RINGSIDE_ASSERT(!run.stopping);
    ++run.sent;
    return run.outlet;
}

void LobbyStage::before_flush() noexcept {
    if (shared().directory.list_version() == broadcast_version_) return;
    const std::shared_ptr<const RoomList> list = shared().directory.list();
    broadcast_version_ = list->version;
    for (Session* session : members()) {
        if (session->closing || session->departure != Departure::none) continue;
        session->outbox.owe_list(list);
        touch(*session);
    }
}

// ---- rooms ----

void LobbyStage::log_repairs() noexcept {
    for (const RoomRepair& repair : shared().directory.take_repairs()) {
        // Entries that a kill left unwritten cost nothing; bytes that were cut are gone.
        const LogLevel level = repair.recovery.cut_bytes != 0 ? LogLevel::warn : LogLevel::info;
        shared().log.write(level, "room repaired",
                           {{"room", PeerText{repair.room}},
                            {"cut_bytes", repair.recovery.cut_bytes},
                            {"rebuilt_entries", repair.recovery.rebuilt_entries}});
    }
}

std::string_view LobbyStage::start_room(const Room& room) noexcept {
    Result<std::shared_ptr<RoomLog>> log = shared().directory.open_log(room);
    log_repairs();
    if (!log) {
        shared().log.write(LogLevel::error, "room could not be opened",
                           {{"room", PeerText{room.name}}, {"error", log.error().text()}});
        return reason::of_failed_join(log.error().code);
    }
    try {
        auto stage = std::make_unique<RoomStage>(shared(), room, std::move(*log), inbox(),
                                                 disconnect_inbox_);
        auto run = std::make_unique<RoomRun>(std::move(stage), first_room_token + room.number);
        run->stage->start();
        runs_.emplace(room.number, std::move(run));
    } catch (const std::exception& problem) {
        // Out of descriptors or threads: this room, now; others serve.
        shared().log.write(LogLevel::error, "room could not be started",
                           {{"room", PeerText{room.name}}, {"error", problem.what()}});
        return reason::room_unavailable;
    }
    maybe_empty_.push_back(room.number);
    return {};
}

void LobbyStage::on_message(const Handoff& message) noexcept {
    switch (message.kind) {
        case Handoff::Kind::room_empty:
            runs_.at(message.room)->seen = message.count;
            maybe_empty_.push_back(message.room);
            return;
        case Handoff::Kind::room_ended:
            end_room(message.room);
            return;
        case Handoff::Kind::drain:
            start_drain(message.count);
            for (const auto& [number, run] : runs_) {
                if (!run->stopping) post(run->outlet, message);
            }
            return;
        case Handoff::Kind::upstream_ended:
            upstream_ended_ = true;
            return;
        case Handoff::Kind::session:
        case Handoff::Kind::room_stop:
        case Handoff::Kind::wake:
            break;
    }
    RINGSIDE_ASSERT(false);
}

void LobbyStage::after_settle() noexcept {
    for (const std::uint32_t number : maybe_empty_) {
        const auto found = runs_.find(number);
        if (found == runs_.end()) continue;
        RoomRun& run = *found->second;
        if (run.stopping || run.sent != run.seen) continue;
        run.stopping = true;
        post(run.outlet,
             {.kind = Handoff::Kind::room_stop, .room = number, .session = {}, .count = 0});
    }
    maybe_empty_.clear();
}

void LobbyStage::end_room(std::uint32_t number) noexcept {
    const auto run = runs_.find(number);
    RINGSIDE_ASSERT(run != runs_.end() && run->second->stopping);
    run->second->stage->join();  // it has nothing left to do but to end its turn
    forget(run->second->outlet);
    runs_.erase(run);
    for (Session* session : members()) {
        if (session->waits && session->room == number) release(*session);
    }
}

bool LobbyStage::finished() const noexcept {
    return draining() && upstream_ended_ && members().empty() && runs_.empty();
}

}  // namespace ringside::pipeline
