#include "pipeline/disconnect_stage.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"

namespace ringside::pipeline {

namespace {

constexpr std::uint64_t linger_ns = 1'000'000'000;
constexpr std::uint64_t sweep_period_ns = 100'000'000;
constexpr std::size_t discard_bytes = std::size_t{64} * 1024;

}  // namespace

DisconnectStage::DisconnectStage(Shared& shared, Waker* over)
    : StageThread("disconnect", shared.counters, over),
      shared_(shared),
      discard_buffer_(std::make_unique_for_overwrite<char[]>(discard_bytes)) {}

void DisconnectStage::on_handoff(const Handoff& message) noexcept {
    if (message.kind == Handoff::Kind::upstream_ended) {
        upstream_ended_ = true;
        deadline_ns_ = message.count;
        sweep_at_ns_ = lingering_.empty() ? UINT64_MAX : std::min(sweep_at_ns_, deadline_ns_);
        return;
    }
    RINGSIDE_ASSERT(message.kind == Handoff::Kind::session);
    Session& session = shared_.sessions.at(message.session);
    if (!session.user.empty()) shared_.names.release(session.user);
    if (session.lingers) {
        linger(session);
    } else {
        close_later(session);
    }
}

void DisconnectStage::linger(Session& session) noexcept {
    const int fd = session.socket.get();
    const bool shut = ::shutdown(fd, SHUT_WR) == 0;
    count_call();
    const bool watched = shut && epoll().add(fd, EPOLLIN, token_of(session.id)).has_value();
    count_call();
    if (!watched) {
        close_later(session);  // the peer is gone, or there is no memory to be polite
        return;
    }
    session.registered = true;
    session.member = static_cast<std::uint32_t>(lingering_.size());
    const std::uint64_t until = std::min(now_ns() + linger_ns, deadline_ns_);
    lingering_.push_back({&session, until});
    sweep_at_ns_ = std::min(sweep_at_ns_, std::min(now_ns() + sweep_period_ns, until));
}

void DisconnectStage::on_session_event(SlotId id, std::uint32_t) noexcept {
    Session& session = shared_.sessions.at(id);
    RINGSIDE_ASSERT(session.registered);
    const ssize_t got =
        ::recv(session.socket.get(), discard_buffer_.get(), discard_bytes, MSG_DONTWAIT);
    const bool over = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    count_call();
    if (over) close_later(session);
}

void DisconnectStage::close_later(Session& session) noexcept {
    if (std::exchange(session.touched, true)) return;
    closing_.push_back(&session);
}

void DisconnectStage::end_turn() noexcept {
    if (now_ns() >= sweep_at_ns_) sweep();
    for (Session* session : closing_)
        close(*session);
    closing_.clear();
    counters().set(Metric::connections, lingering_.size());
}

void DisconnectStage::sweep() noexcept {
    sweep_at_ns_ = UINT64_MAX;
    for (const Lingering& entry : lingering_) {
        const std::uint64_t until = std::min(entry.until_ns, deadline_ns_);
        if (now_ns() >= until) {
            close_later(*entry.session);
        } else {
            sweep_at_ns_ = std::min({sweep_at_ns_, until, now_ns() + sweep_period_ns});
        }
    }
}

void DisconnectStage::close(Session& session) noexcept {
    if (session.registered) {
        const std::uint32_t place = session.member;
        RINGSIDE_ASSERT(lingering_[place].session == &session);
        lingering_[place] = lingering_.back();
        lingering_[place].session->member = place;
        lingering_.pop_back();
    }
    const SlotId id = session.id;
    session.socket.reset();  // which takes it out of the epoll set, too
    count_call();
    shared_.sessions.free(id);
}

std::uint64_t DisconnectStage::wait_until() const noexcept {
    return sweep_at_ns_;
}

bool DisconnectStage::finished() const noexcept {
    return upstream_ended_ && lingering_.empty();
}

}  // namespace ringside::pipeline
