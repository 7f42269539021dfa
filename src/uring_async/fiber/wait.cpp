#include "uring_async/fiber/wait.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace ringside::fiber {

using State = Fiber::State;

WaitQueue::~WaitQueue() {
    RINGSIDE_ASSERT(waiting_.empty());
}

void WaitQueue::wait() noexcept {
    Fiber* const fiber = scheduler_.current();
    RINGSIDE_ASSERT(fiber != nullptr);
    waiting_.push(*fiber);
    scheduler_.leave_as(State::waiting);
}

void WaitQueue::wake_one() noexcept {
    if (waiting_.empty()) return;
    scheduler_.end_wait(waiting_.pop());
}

void WaitQueue::wake_all() noexcept {
    while (!waiting_.empty())
        wake_one();
}

Timers::~Timers() {
    RINGSIDE_ASSERT(heap_.empty());
}

bool Timers::later(const Sleeper& a, const Sleeper& b) noexcept {
    return a.until_ns != b.until_ns ? a.until_ns > b.until_ns : a.order > b.order;
}

void Timers::sleep_until(std::uint64_t until_ns) {
    Fiber* const fiber = scheduler_.current();
    RINGSIDE_ASSERT(fiber != nullptr);
    heap_.push_back({until_ns, calls_++, fiber});
    std::ranges::push_heap(heap_, later);
    scheduler_.leave_as(State::waiting);
}

std::uint64_t Timers::next_ns() const noexcept {
    return heap_.empty() ? UINT64_MAX : heap_.front().until_ns;
}

void Timers::expire(std::uint64_t now_ns) noexcept {
    RINGSIDE_ASSERT(scheduler_.current() == nullptr);
    while (!heap_.empty() && heap_.front().until_ns <= now_ns) {
        std::ranges::pop_heap(heap_, later);
        scheduler_.end_wait(*heap_.back().fiber);
        heap_.pop_back();
    }
}

}  // namespace ringside::fiber
