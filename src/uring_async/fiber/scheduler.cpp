#include "uring_async/fiber/scheduler.hpp"

#include "common/assert.hpp"
#include "uring_async/fiber/switch.hpp"

namespace ringside::fiber {

using State = Fiber::State;

Scheduler::Scheduler(std::size_t stack_bytes) : stacks_(stack_bytes) {}

Scheduler::~Scheduler() {
    RINGSIDE_ASSERT(current_ == nullptr);
    RINGSIDE_ASSERT(alive() == 0);
}

void Scheduler::spawn(Entry entry, void* argument) {
    RINGSIDE_ASSERT(entry != nullptr);
    ready_.push(Fiber::create(stacks_.take(), entry, argument));
}

void Scheduler::suspend() noexcept {
    RINGSIDE_ASSERT(current_ != nullptr);
    if (current_->state == State::running_resumed) {
        current_->state = State::running;
        return;
    }
    leave_as(State::parked);
}

void Scheduler::resume(Fiber* fiber) noexcept {
    RINGSIDE_ASSERT(fiber != nullptr);
    if (fiber == current_) {
        RINGSIDE_ASSERT(fiber->state == State::running);
        fiber->state = State::running_resumed;
        return;
    }
    RINGSIDE_ASSERT(fiber->state == State::parked);
    fiber->state = State::ready;
    ready_.push(*fiber);
}

void Scheduler::yield() noexcept {
    RINGSIDE_ASSERT(current_ != nullptr);
    RINGSIDE_ASSERT(current_->state == State::running);
    ready_.push(*current_);
    leave_as(State::ready);
}

inline void Scheduler::run(Fiber& fiber) noexcept {
    RINGSIDE_ASSERT(fiber.state == State::ready);
    fiber.state = State::running;
    current_ = &fiber;
    fiber.enter();
    current_ = nullptr;
    RINGSIDE_ASSERT(fiber.state != State::running);
    if (fiber.state == State::done) stacks_.give_back(fiber.release());
}

bool Scheduler::run_ready(std::size_t budget) noexcept {
    RINGSIDE_ASSERT(current_ == nullptr);
    for (; budget > 0 && !ready_.empty(); --budget)
        run(ready_.pop());
    return !ready_.empty();
}

void Scheduler::end_wait(Fiber& fiber) noexcept {
    RINGSIDE_ASSERT(fiber.state == State::waiting);
    fiber.state = State::ready;
    ready_.push(fiber);
}

void Scheduler::leave_as(State state) noexcept {
    Fiber& fiber = *current_;
    RINGSIDE_ASSERT(fiber.state == State::running);
    RINGSIDE_ASSERT(fiber.on_own_stack());
    fiber.state = state;
    fiber.leave();
    RINGSIDE_ASSERT(current_ == &fiber);
}

}  // namespace ringside::fiber
