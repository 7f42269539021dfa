#pragma once

#include <cstddef>

#include "uring_async/fiber/fiber.hpp"
#include "uring_async/fiber/stack_pool.hpp"

namespace ringside::fiber {

// Runs the coroutines of one thread: first ready, first run. The thread's loop calls run_ready();
// coroutines call suspend() and are continued after somebody called resume(). Thread-confined.
// What coroutines wait for each other with stands in wait.hpp.
class Scheduler {
 public:
    explicit Scheduler(std::size_t stack_bytes = StackPool::default_stack_bytes);
    /// No coroutine is left.
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Starts a coroutine: it is ready and runs at the next run_ready(), or in the present one if
    /// its budget lasts. Throws std::bad_alloc where there is no memory for its stack.
    void spawn(Entry entry, void* argument);
    /// The running coroutine; null in the thread's own loop.
    [[nodiscard]] Fiber* current() const noexcept { return current_; }
    /// Parks the running coroutine until resume(). Spurious returns do not happen.
    void suspend() noexcept;
    /// Makes a parked coroutine ready. Exactly one resume() per suspend(); it may come before the
    /// suspend() it belongs to has been reached only from the same coroutine's own doing, never
    /// else.
    void resume(Fiber* fiber) noexcept;
    /// Lets the others run first: the coroutine goes to the end of the ready queue.
    void yield() noexcept;
    /// Runs what is ready, at most `budget` continuations; true where something is still ready.
    /// What becomes ready meanwhile is run too and counts, so coroutines that keep each other busy
    /// cannot hold the loop.
    bool run_ready(std::size_t budget) noexcept;
    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }
    /// Coroutines alive.
    [[nodiscard]] std::size_t alive() const noexcept { return stacks_.in_use(); }
    [[nodiscard]] StackPool& stacks() noexcept { return stacks_; }

 private:
    friend class WaitQueue;
    friend class Timers;

    void run(Fiber& fiber) noexcept;
    /// Makes a fiber in state `waiting` ready, after it was taken off what it waited in.
    void end_wait(Fiber& fiber) noexcept;
    /// The running coroutine stops being it: `state` says why. Returns when it runs again.
    void leave_as(Fiber::State state) noexcept;

    StackPool stacks_;
    FiberQueue ready_;          // all of them in state `ready`
    Fiber* current_ = nullptr;  // not null exactly while a fiber is on its stack
};

}  // namespace ringside::fiber
