#include "pipeline/accept_stage.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "common/limits.hpp"

namespace ringside::pipeline {

namespace {

constexpr int accepts_per_turn = 64;

// Errors that concern the one connection that was to be accepted (accept(2), "Error handling").
constexpr bool concerns_one_connection(int code) noexcept {
    switch (code) {
        case EINTR:
        case ECONNABORTED:
        case EPERM:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

}  // namespace

AcceptStage::AcceptStage(Shared& shared, UniqueFd listener, const HandoffInbox& name_entry,
                         Waker* over)
    : StageThread("accept", shared.counters, over),
      shared_(shared),
      listener_(std::move(listener)),
      name_entry_(name_entry, first_free_token + 1) {
    RINGSIDE_ASSERT(static_cast<bool>(listener_));
}

void AcceptStage::begin() noexcept {
    watch_listener();
}

void AcceptStage::watch_listener() noexcept {
    resume_at_ns_ = UINT64_MAX;
    const SlotId token{first_free_token, 0};
    const Result<void> added = epoll().add(listener_.get(), EPOLLIN, token_of(token));
    count_call();
    if (!added) pause(added.error().code);
}

void AcceptStage::on_handoff(const Handoff& message) noexcept {
    RINGSIDE_ASSERT(message.kind == Handoff::Kind::drain);
    listener_.reset();  // which takes it out of the epoll set, too
    resume_at_ns_ = UINT64_MAX;
}

void AcceptStage::on_session_event(SlotId, std::uint32_t) noexcept {
    RINGSIDE_ASSERT(false);  // sessions are not in this epoll set
}

void AcceptStage::on_token_event(std::uint32_t token) noexcept {
    if (token != first_free_token) {
        StageThread::on_token_event(token);
        return;
    }
    for (int i = 0; i < accepts_per_turn && accept_one(); ++i) {
    }
}

bool AcceptStage::accept_one() noexcept {
    if (!listener_) return false;
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int code = socket ? 0 : errno;
    count_call();
    if (socket) {
        pause_ns_ = 0;
        admit(std::move(socket));
        return true;
    }
    if (code == EAGAIN) return false;
    if (concerns_one_connection(code)) return true;
    epoll().remove(listener_.get());
    count_call();
    pause(code);
    return false;
}

void AcceptStage::admit(UniqueFd socket) noexcept {
    Session* const session =
        shared_.sessions.take(std::move(socket), shared_.rules.limits().frame_length_max, now_ns());
    if (session == nullptr) {
        counters().drop(Drop::server_full);
        if (std::exchange(full_logged_, true)) return;
        shared_.log.write(LogLevel::warn, "connection refused: the server is full",
                          {{"max_connections", shared_.options.connections_max}});
        return;
    }
    full_logged_ = false;
    session->times = RequestTimes::make(shared_.log);
    counters().add(Metric::connections_total);
    post(name_entry_,
         {.kind = Handoff::Kind::session, .room = 0, .session = session->id, .count = 0});
}

void AcceptStage::pause(int code) noexcept {
    counters().add(Metric::accept_errors_total);
    pause_ns_ = std::clamp(pause_ns_ * 2, accept_pause_ns_min, accept_pause_ns_max);
    resume_at_ns_ = now_ns() + pause_ns_;
    // One line each time accepting begins to fail, not one per attempt.
    if (pause_ns_ > accept_pause_ns_min) return;
    shared_.log.write(
        LogLevel::warn, "accepting pauses",
        {{"error", Error{code, "accept"}.text()}, {"open_connections", shared_.sessions.taken()}});
}

void AcceptStage::end_turn() noexcept {
    if (listener_ && now_ns() >= resume_at_ns_) watch_listener();
}

std::uint64_t AcceptStage::wait_until() const noexcept {
    return resume_at_ns_;
}

}  // namespace ringside::pipeline
