#include "pipeline/stage.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"

namespace ringside::pipeline {

namespace {

Epoll make_epoll() {
    Result<Epoll> epoll = Epoll::make();
    if (!epoll) {
        throw StartError(epoll.error().text() + "; raise the limit of open files (ulimit -n)");
    }
    return std::move(*epoll);
}

constexpr SlotId unpack(std::uint64_t token) noexcept {
    return {static_cast<std::uint32_t>(token), static_cast<std::uint32_t>(token >> 32U)};
}

}  // namespace

StageThread::StageThread(std::string name, CounterPool& counters, Waker* over)
    : name_(std::move(name)), counters_(counters), over_(over), epoll_(make_epoll()) {
    RINGSIDE_ASSERT(name_.size() <= 15);
    if (auto added = epoll_.add(inbox_.read_fd(), EPOLLIN, token_of({inbox_token, 0})); !added) {
        throw StartError(added.error().text());
    }
}

StageThread::~StageThread() {
    RINGSIDE_ASSERT(!thread_.joinable());
}

void StageThread::start() {
    RINGSIDE_ASSERT(!thread_.joinable());
    thread_ = std::thread([this] { run(); });
}

void StageThread::join() {
    RINGSIDE_ASSERT(thread_.joinable());
    thread_.join();
}

void StageThread::run() noexcept {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    now_ns_ = monotonic_ns();
    begin();
    while (!finished() || !unwritten_.empty())
        turn();
    is_over_.store(true);
    if (over_ != nullptr) over_->wake();
}

void StageThread::turn() noexcept {
    const std::uint64_t until = all_watched_ ? wait_until() : 0;
    std::uint64_t timeout = Epoll::wait_forever;
    if (until != Epoll::wait_forever) timeout = until > now_ns_ ? until - now_ns_ : 0;
    const std::span<epoll_event> ready = epoll_.wait(events_, timeout);
    ready_ = ready.size();
    now_ns_ = monotonic_ns();
    counters().add(Metric::ring_enters_total);
    counters().add(Metric::system_calls_total);
    counters().add(Metric::completions_total, ready.size());
    for (const epoll_event& event : ready) {
        const SlotId id = unpack(event.data.u64);
        if (id.generation != 0) {
            on_session_event(id, event.events);
        } else if (id.slot == inbox_token) {
            take_inbox();
        } else {
            on_token_event(id.slot);
        }
    }
    end_turn();
    flush_outlets();
}

void StageThread::take_inbox() noexcept {
    // One batch a turn: the epoll set is level-triggered, what is left shows up again.
    count_call();
    for (const Handoff& message : inbox_.receive())
        on_handoff(message);
}

void StageThread::on_token_event(std::uint32_t token) noexcept {
    const auto outlet = std::ranges::find(unwritten_, token, &HandoffOutlet::token);
    RINGSIDE_ASSERT(outlet != unwritten_.end());  // flush_outlets() does the rest
}

void StageThread::post(HandoffOutlet& outlet, const Handoff& message) {
    outlet.send(message);
    if (outlet.listed_) return;
    outlet.listed_ = true;
    unwritten_.push_back(&outlet);
}

void StageThread::flush_outlets() noexcept {
    all_watched_ = true;
    if (unwritten_.empty()) return;
    for (HandoffOutlet* outlet : unwritten_)
        flush_outlet(*outlet);
    std::erase_if(unwritten_, [](const HandoffOutlet* outlet) { return !outlet->listed_; });
}

void StageThread::flush_outlet(HandoffOutlet& outlet) noexcept {
    std::uint64_t writes = 0;
    const bool done = outlet.flush(writes);
    counters().add(Metric::system_calls_total, writes);
    counters().add(Metric::wakes_total, writes);
    if (done) {
        if (outlet.watched_) epoll_.remove(outlet.fd());
        outlet.watched_ = false;
        outlet.listed_ = false;
    } else if (!outlet.watched_) {
        // Out of memory for the epoll entry is survivable: the outlet stays listed and is tried
        // again each turn, for which no turn waits.
        outlet.watched_ =
            epoll_.add(outlet.fd(), EPOLLOUT, token_of({outlet.token(), 0})).has_value();
        if (!outlet.watched_) all_watched_ = false;
    }
}

void StageThread::forget(HandoffOutlet& outlet) noexcept {
    RINGSIDE_ASSERT(!outlet.pending());
    RINGSIDE_ASSERT(!outlet.listed_ && !outlet.watched_);
}

}  // namespace ringside::pipeline
