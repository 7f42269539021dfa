#include "pipeline/conversation.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "common/limits.hpp"
#include "common/stall.hpp"

namespace ringside::pipeline {

namespace {

constexpr std::size_t receive_bytes = std::size_t{64} * 1024;

// What one session may be sent of a long history in a turn.
constexpr std::size_t flush_bytes = catch_up_chunk_bytes;

// A closing session whose peer takes nothing is given up after this long where --write-timeout is
// off: it has said goodbye already and holds a slot and a name.
constexpr std::uint64_t closing_ns_max = 10'000'000'000;

constexpr std::uint64_t sweep_period_ns_min = 10'000'000;
constexpr std::uint64_t sweep_period_ns_max = 250'000'000;

// A quarter of the smallest limit, so that none is overrun by more than a quarter.
std::uint64_t sweep_period(const TimeLimits& limits) noexcept {
    std::uint64_t smallest = closing_ns_max;
    for (const std::uint64_t limit :
         {limits.handshake_ns, limits.frame_ns, limits.idle_ns, limits.write_ns}) {
        if (limit != 0) smallest = std::min(smallest, limit);
    }
    return std::clamp(smallest / 4, sweep_period_ns_min, sweep_period_ns_max);
}

constexpr bool over(std::uint64_t since_ns, std::uint64_t limit_ns, std::uint64_t now_ns) noexcept {
    // `since` may be another stage's time and a moment ahead.
    return since_ns != 0 && limit_ns != 0 && now_ns > since_ns && now_ns - since_ns >= limit_ns;
}

// The peer went away: as normal as a disconnect request.
constexpr bool peer_is_gone(int code) noexcept {
    return code == EPIPE || code == ECONNRESET;
}

}  // namespace

ConversationStage::ConversationStage(std::string name, ringside::Stage place, Shared& shared,
                                     const HandoffInbox& disconnect, Waker* over)
    : StageThread(std::move(name), shared.counters, over),
      shared_(shared),
      place_(place),
      sweep_period_ns_(sweep_period(shared.options.time)),
      disconnect_(disconnect, first_free_token),
      receive_buffer_(std::make_unique_for_overwrite<char[]>(receive_bytes)) {}

// ---- sessions come ----

void ConversationStage::on_handoff(const Handoff& message) noexcept {
    if (message.kind == Handoff::Kind::session) {
        arrive(message.session);
    } else {
        on_message(message);
    }
}

void ConversationStage::arrive(SlotId id) noexcept {
    Session& session = shared_.sessions.at(id);
    session.member = static_cast<std::uint32_t>(members_.size());
    members_.push_back(&session);
    on_arrival(session);
    // Of leave_chat: in the lobby the list is due.
    if (session.times != nullptr) session.times->answered();
    touch(session);
    if (draining()) {
        constexpr Drop why = Drop::drain;
        session.lingers = true;
        close_in_order(session, &why);
    } else {
        work_off(session);  // what a client sent ahead came along in the decoder
    }
}

// ---- reading ----

void ConversationStage::on_session_event(SlotId id, std::uint32_t events) noexcept {
    Session& session = shared_.sessions.at(id);
    RINGSIDE_ASSERT(session.registered && session.departure == Departure::none);
    touch(session);
    if ((events & EPOLLOUT) != 0) session.full = false;
    if ((events & EPOLLIN) != 0) {
        receive(session);
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        close_now(session, nullptr);
    }
}

void ConversationStage::receive(Session& session) noexcept {
    if (session.input_left || held(session)) return;
    const ssize_t got =
        ::recv(session.socket.get(), receive_buffer_.get(), receive_bytes, MSG_DONTWAIT);
    count_call();
    if (got > 0) {
        const auto bytes = static_cast<std::size_t>(got);
        counters().add(Metric::bytes_in_total, bytes);
        session.decoder.feed({receive_buffer_.get(), bytes});
        if (session.times != nullptr) session.times->received(bytes, now_ns());
        work_off(session);
        session.decoder.keep_rest();
    } else if (got == 0) {
        session.answers_only = true;
        close_in_order(session, nullptr);
    } else if (errno != EAGAIN && errno != EINTR) {
        constexpr Drop why = Drop::connection_error;
        close_now(session, peer_is_gone(errno) ? nullptr : &why);
    }
}

bool ConversationStage::held(const Session& session) const noexcept {
    return session.closing || session.departure != Departure::none || session.leaves_room ||
           session.waits || session.outbox.list_pending() ||
           session.outbox.private_bytes() > private_bytes_max;
}

void ConversationStage::work_off(Session& session) noexcept {
    session.input_left = false;
    while (!held(session)) {
        ClientFrame frame;
        const FrameDecoder::Next next = session.decoder.peek(frame);
        if (next == FrameDecoder::Next::need_more) return;
        const Decision decision = next == FrameDecoder::Next::frame
                                      ? shared_.rules.decide(place_, frame)
                                      : shared_.rules.frame_too_long();
        if (session.times != nullptr) session.times->open(decision, frame);
        if (handle(session, decision, frame.text) == Verdict::later) break;
        if (session.times != nullptr && !session.leaves_room) session.times->answered();
        session.last_frame_ns = now_ns();
        session.frame_begun_ns = 0;
        if (next == FrameDecoder::Next::frame) session.decoder.consume();
    }
    session.input_left = session.decoder.unread_bytes() != 0;
}

ConversationStage::Verdict ConversationStage::handle(Session& session, const Decision& decision,
                                                     std::string_view text) noexcept {
    if (session.unpublished != 0 && decision.action != Action::post_message) {
        // Whether its messages were stored is answered before anything that it asks later.
        session.waits = true;
        return Verdict::later;
    }
    switch (decision.action) {
        case Action::refuse:
            refuse(session, decision.answer, decision.reason);
            return Verdict::taken;
        case Action::refuse_and_close: {
            refuse(session, decision.answer, decision.reason);
            session.lingers = true;
            session.answers_only = true;
            constexpr Drop why = Drop::frame_too_long;
            close_in_order(session, &why);
            return Verdict::taken;
        }
        case Action::disconnect:
            session.lingers = true;
            session.answers_only = true;
            close_in_order(session, nullptr);
            return Verdict::taken;
        case Action::take_name:
        case Action::create_room:
        case Action::join_room:
        case Action::post_message:
        case Action::leave_room:
            break;
    }
    return on_request(session, decision, text);
}

void ConversationStage::refuse(Session& session, Request request, std::string_view why) noexcept {
    session.outbox.answer(request, Status::failure, why);
    counters().add(Metric::refusals_total);
    touch(session);
}

void ConversationStage::release(Session& session) noexcept {
    session.waits = false;
    touch(session);
}

// ---- the turn ----

void ConversationStage::touch(Session& session) noexcept {
    if (std::exchange(session.touched, true)) return;
    touched_.push_back(&session);
}

void ConversationStage::look_again(Session& session) noexcept {
    if (std::exchange(session.again, true)) return;
    again_.push_back(&session);
}

void ConversationStage::end_turn() noexcept {
    stall(now_ns(), shared_.options.inject_stall_ns);
    catch_up_left_ = catch_up_bytes_per_turn;
    std::swap(again_, looking_);
    for (Session* session : looking_) {
        session->again = false;
        touch(*session);
        if (session->input_left) work_off(*session);
    }
    looking_.clear();
    if (now_ns() >= sweep_at_ns_) sweep_or_put_off();
    if (draining() && now_ns() >= drain_deadline_ns_) {
        for (Session* session : members_)
            close_now(*session, nullptr);
    }
    before_flush();
    // By index: both may touch further sessions.
    for (std::size_t i = 0; i < touched_.size(); ++i)
        static_cast<void>(flush(*touched_[i]));
    for (std::size_t i = 0; i < touched_.size(); ++i)
        settle(*touched_[i]);
    touched_.clear();
    after_settle();
    counters().set(Metric::connections, members_.size());
}

std::uint64_t ConversationStage::wait_until() const noexcept {
    if (!again_.empty()) return 0;
    const bool deadline = draining() && !members_.empty();
    return std::min(
        {sweep_at_ns_, wake_at_ns_, deadline ? drain_deadline_ns_ : Epoll::wait_forever});
}

// ---- sending ----

void ConversationStage::flush_members() noexcept {
    for (Session* session : members_) {
        if (session->touched || session->full) continue;
        if (flush(*session) == Flushed::look) touch(*session);
    }
}

bool ConversationStage::catches_up(const Session& session) const noexcept {
    const std::uint64_t lag = session.outbox.lag_bytes();
    if (lag <= short_history_bytes) return false;
    return lag > staged_bytes_max || !session.outbox.caught_up_once();
}

ConversationStage::Flushed ConversationStage::flush(Session& session) noexcept {
    if (session.departure == Departure::disconnect) return Flushed::clean;
    if (session.closing && !session.left_log && session.unpublished == 0) {
        on_closing(session);
        session.left_log = true;
    }
    if (session.full) return Flushed::clean;
    const bool history = catches_up(session);
    std::size_t budget = history ? std::min(flush_bytes, catch_up_left_) : SIZE_MAX;
    while (budget != 0) {
        const Result<std::string_view> piece = session.outbox.next_piece();
        if (!piece && piece.error().code == EAGAIN) break;
        if (!piece) return lose_history(session, piece.error());
        if (piece->empty()) {
            session.blocked_since_ns = 0;
            return Flushed::clean;
        }
        const std::size_t sent = send_piece(session, piece->substr(0, budget));
        if (sent == 0) return Flushed::look;
        budget -= history ? sent : 0;
        catch_up_left_ -= history ? sent : 0;
    }
    look_again(session);
    return Flushed::clean;
}

// Returns the bytes where all of them were taken, 0 where the socket is full now or dead.
std::size_t ConversationStage::send_piece(Session& session, std::string_view bytes) noexcept {
    const ssize_t result =
        ::send(session.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    const int code = result < 0 ? errno : 0;
    const std::size_t taken = result > 0 ? static_cast<std::size_t>(result) : 0;
    count_call();
    counters().add(Metric::sends_total);
    counters().add(Metric::deliveries_total, session.outbox.sent(taken));
    if (taken != 0) {
        counters().add(Metric::bytes_out_total, taken);
        if (session.blocked_since_ns != 0) session.blocked_since_ns = now_ns();
    }
    if (taken == bytes.size()) return taken;
    if (code == 0 || code == EAGAIN || code == EINTR || code == ENOBUFS || code == ENOMEM) {
        session.full = true;
        if (session.blocked_since_ns == 0) session.blocked_since_ns = now_ns();
    } else {
        constexpr Drop why = Drop::connection_error;
        close_now(session, peer_is_gone(code) ? nullptr : &why);
    }
    return 0;
}

ConversationStage::Flushed ConversationStage::lose_history(Session& session,
                                                           const Error& error) noexcept {
    shared_.log.write(LogLevel::error, "history cannot be read",
                      {{"user", PeerText{session.user}}, {"error", error.text()}});
    constexpr Drop why = Drop::storage;
    close_now(session, &why);
    return Flushed::look;
}

// ---- settling ----

void ConversationStage::settle(Session& session) noexcept {
    session.touched = false;
    if (session.departure == Departure::none) {
        if (session.closing && session.left_log && !session.outbox.owes()) {
            session.departure = Departure::disconnect;
        } else if (!session.closing && session.leaves_room && !session.outbox.leaving()) {
            session.departure = Departure::onward;
        }
    }
    if (session.departure != Departure::none) {
        depart(session);
        return;
    }
    if (session.input_left && !held(session)) look_again(session);
    set_clocks(session);
    set_interest(session);
}

void ConversationStage::set_clocks(Session& session) noexcept {
    const bool waits_for_peer = !session.input_left && !held(session);
    if (!waits_for_peer || !session.decoder.mid_frame()) {
        session.frame_begun_ns = 0;
    } else if (session.frame_begun_ns == 0) {
        session.frame_begun_ns = now_ns();
    }
    if (limit_runs(session)) sweep_at_ns_ = std::min(sweep_at_ns_, now_ns() + sweep_period_ns_);
}

void ConversationStage::set_interest(Session& session) noexcept {
    const bool reads = !session.input_left && !held(session);
    const std::uint32_t wanted = (reads ? EPOLLIN : 0U) | (session.full ? EPOLLOUT : 0U);
    if (session.registered && session.interest == wanted) return;
    const std::uint64_t token = token_of(session.id);
    const int fd = session.socket.get();
    const Result<void> done =
        session.registered ? epoll().modify(fd, wanted, token) : epoll().add(fd, wanted, token);
    count_call();
    if (done) {
        session.registered = true;
        session.interest = wanted;
        return;
    }
    shared_.log.write(LogLevel::error, "cannot wait for a connection",
                      {{"user", PeerText{session.user}}, {"error", done.error().text()}});
    constexpr Drop why = Drop::connection_error;
    close_now(session, &why);
}

// ---- sessions go ----

void ConversationStage::send_onward(Session& session) noexcept {
    RINGSIDE_ASSERT(session.departure == Departure::none && !session.closing);
    session.departure = Departure::onward;
    touch(session);
}

void ConversationStage::close_in_order(Session& session, const Drop* why) noexcept {
    if (session.closing || session.departure != Departure::none) return;
    session.closing = true;
    note_close(session, why);
    touch(session);
}

void ConversationStage::close_now(Session& session, const Drop* why) noexcept {
    if (session.departure == Departure::disconnect) return;
    // An orderly close that is cut short was noted when it began.
    if (!session.closing || why != nullptr) note_close(session, why);
    session.lingers = false;
    session.departure = Departure::disconnect;
    session.outbox.drop_log();
    touch(session);
}

void ConversationStage::note_close(const Session& session, const Drop* why) noexcept {
    if (why != nullptr) counters().drop(*why);
    // A drain closes everybody: that is one line of its own, not one per client.
    const bool worth_a_line = why != nullptr && *why != Drop::drain;
    const LogLevel level = worth_a_line ? LogLevel::info : LogLevel::debug;
    if (!shared_.log.enabled(level)) return;
    shared_.log.write(level, why != nullptr ? "connection dropped" : "connection closed",
                      {{"reason", why != nullptr ? drop_name(*why) : "client"},
                       {"user", PeerText{session.user}},
                       {"slot", session.id.slot}});
}

void ConversationStage::depart(Session& session) noexcept {
    on_departure(session);
    if (std::exchange(session.registered, false)) {
        epoll().remove(session.socket.get());
        count_call();
    }
    RINGSIDE_ASSERT(members_[session.member] == &session);
    members_[session.member] = members_.back();
    members_[session.member]->member = session.member;
    members_.pop_back();
    if (std::exchange(session.again, false)) std::erase(again_, &session);
    const bool goes_onward = session.departure == Departure::onward;
    HandoffOutlet& outlet = goes_onward ? onward(session) : disconnect_;
    const SlotId id = session.id;
    session.reset_ownership();
    post(outlet, {.kind = Handoff::Kind::session, .room = 0, .session = id, .count = 0});
}

void ConversationStage::start_drain(std::uint64_t deadline_ns) noexcept {
    drain_deadline_ns_ = deadline_ns;
    constexpr Drop why = Drop::drain;
    for (Session* session : members_) {
        session->lingers = true;
        close_in_order(*session, &why);
    }
}

// ---- time limits ----

bool ConversationStage::limit_runs(const Session& session) const noexcept {
    const TimeLimits& limits = shared_.options.time;
    return (awaits_name() && limits.handshake_ns != 0) || limits.idle_ns != 0 ||
           (session.frame_begun_ns != 0 && limits.frame_ns != 0) ||
           (session.blocked_since_ns != 0 && (limits.write_ns != 0 || session.closing)) ||
           (session.full && limits.lag_bytes_max != 0);
}

// Where the stage itself stood still (the lobby waits for the disk), what clients sent meanwhile is
// to be read before they are judged. One period is enough for all of it.
void ConversationStage::sweep_or_put_off() noexcept {
    if (batch_was_full() && !std::exchange(put_off_, true)) {
        sweep_at_ns_ = now_ns() + sweep_period_ns_;
        return;
    }
    put_off_ = false;
    sweep();
}

void ConversationStage::sweep() noexcept {
    sweep_at_ns_ = Epoll::wait_forever;
    bool again = false;
    for (Session* session : members_) {
        if (session->departure != Departure::none || !limit_runs(*session)) continue;
        again = true;
        if (!session->registered) continue;  // came this turn: it was not read yet
        if (const std::optional<Drop> why = overdue(*session)) close_now(*session, &*why);
    }
    if (again) sweep_at_ns_ = now_ns() + sweep_period_ns_;
}

std::optional<Drop> ConversationStage::overdue(Session& session) noexcept {
    const TimeLimits& limits = shared_.options.time;
    const std::uint64_t now = now_ns();
    if (awaits_name() && !session.closing && over(session.accepted_ns, limits.handshake_ns, now)) {
        return Drop::handshake_timeout;
    }
    if (over(session.frame_begun_ns, limits.frame_ns, now)) return Drop::frame_timeout;
    const std::uint64_t heard_ns = std::max(session.accepted_ns, session.last_frame_ns);
    if (!held(session) && over(heard_ns, limits.idle_ns, now)) return Drop::idle_timeout;
    const std::uint64_t write_ns =
        limits.write_ns == 0 && session.closing ? closing_ns_max : limits.write_ns;
    if (over(session.blocked_since_ns, write_ns, now)) {
        // epoll reports a socket as writable only when a third of it is free again: a peer that
        // takes little is asked once more before it is given up.
        session.full = false;
        static_cast<void>(flush(session));
        touch(session);
        // Not full: the turn had no bytes left to offer it, so nothing was learnt of it.
        if (session.full && over(session.blocked_since_ns, write_ns, now)) {
            return Drop::slow_consumer;
        }
    }
    if (limits.lag_bytes_max != 0 && session.outbox.caught_up_once() &&
        session.outbox.lag_bytes() > limits.lag_bytes_max) {
        return Drop::lag;
    }
    return std::nullopt;
}

}  // namespace ringside::pipeline
