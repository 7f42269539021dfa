#pragma once

#include <cstddef>
#include <cstdint>

#include "common/assert.hpp"
#include "uring_async/fiber/stack_pool.hpp"

namespace ringside::fiber {

// Stackful coroutines over Boost.Context's fcontext. switch.hpp is the one place that switches: it
// carries the ASan and TSan annotations and saves the C++ exception state (docs/coroutines.md).
// Users see the Scheduler; what follows here is between it and the switch.
//
// 1. A fiber never leaves the thread that started it.
// 2. It does not suspend inside a catch block, with a lock held, or between a system call and
// errno.
// 3. No exception leaves its entry function.

using Entry = void (*)(void* argument) noexcept;

/// What the C++ runtime keeps per thread about exceptions in flight: __cxa_eh_globals of the
/// Itanium C++ ABI, section 2.2.2. Each fiber needs its own.
struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
};

/// One coroutine: lives at the top of its own stack, from Scheduler::spawn until its entry returns.
class Fiber {
 public:
    enum class State : std::uint8_t {
        ready,            // in the scheduler's ready queue
        running,          // the scheduler's current one
        running_resumed,  // running, and its next suspend() returns at once
        parked,           // in suspend(), in no queue
        waiting,          // in a WaitQueue or in Timers: only these may continue it
        done,             // its entry has returned; nothing but recycling is left
    };

    /// A fiber in state `ready` at the top of `stack`, which it owns until `done`.
    [[nodiscard]] static Fiber& create(const Stack& stack, Entry entry, void* argument) noexcept;

    /// Called by the thread's loop: runs the fiber until it leaves. The caller sets the state
    /// before and reads it after.
    void enter() noexcept;
    /// Called by the fiber itself: back to the loop, until it is entered again; never if `done`.
    void leave() noexcept;
    /// Called by the loop after `done`: what is left is the memory of its stack, which it returns.
    [[nodiscard]] Stack release() noexcept;

    /// Whether the caller's own frame lies on this fiber's stack.
    [[nodiscard]] bool on_own_stack() const noexcept;

    Fiber* next = nullptr;  // link of the one queue it is in
    State state = State::ready;

 private:
    friend struct FiberStart;
    Fiber(const Stack& stack, Entry entry, void* argument) noexcept
        : stack_(stack), entry_(entry), argument_(argument) {}

    /// Where the other side goes on: the fiber while it is off its stack, the loop while it runs.
    void* other_side_ = nullptr;
    ExceptionState exceptions_;  // valid while it is off its stack
    Stack stack_;
    Entry entry_;
    void* argument_;

    // Used by the sanitizers' builds only; the loop's as of the last enter().
    void* fake_stack_ = nullptr;
    const void* loop_stack_bottom_ = nullptr;
    std::size_t loop_stack_bytes_ = 0;
    void* race_context_ = nullptr;
    void* loop_race_context_ = nullptr;
};

/// Fibers in the order of their coming, linked through themselves.
class FiberQueue {
 public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    void push(Fiber& fiber) noexcept {
        RINGSIDE_ASSERT(fiber.next == nullptr);
        if (head_ == nullptr) {
            head_ = &fiber;
        } else {
            tail_->next = &fiber;
        }
        tail_ = &fiber;
    }
    /// Not empty.
    [[nodiscard]] Fiber& pop() noexcept {
        RINGSIDE_ASSERT(head_ != nullptr);
        Fiber& fiber = *head_;
        head_ = fiber.next;
        fiber.next = nullptr;
        return fiber;
    }

 private:
    Fiber* head_ = nullptr;
    Fiber* tail_ = nullptr;  // valid exactly when head_ is
};

}  // namespace ringside::fiber
