#pragma once

#include <cstddef>
#include <cstdint>

#include "uring_async/fiber/fiber.hpp"
#include "uring_async/fiber/stack_pool.hpp"

namespace ringside::fiber {

// Runs the coroutines of one thread: first ready, first run. The thread's loop calls run_ready();
// coroutines call suspend() and are continued after somebody called resume(). Thread-confined.
class Scheduler {
 public:
    explicit Scheduler(std::size_t stack_bytes = StackPool::default_stack_bytes);
    /// No coroutine is left.
    ~Scheduler();

    /// Starts a coroutine: it is ready and runs at the next run_ready().
    void spawn(Entry entry, void* argument);
    /// The running coroutine; null in the thread's own loop.
    [[nodiscard]] Fiber* current() const noexcept;
    /// Parks the running coroutine until resume(). Spurious returns do not happen.
    void suspend() noexcept;
    /// Makes a parked coroutine ready. Exactly one resume() per suspend(); it may come before the
    /// suspend() it belongs to has been reached only from the same coroutine's own doing, never
    /// else.
    void resume(Fiber* fiber) noexcept;
    /// Lets the others run first: the coroutine goes to the end of the ready queue.
    void yield() noexcept;
    /// Runs what is ready, at most `budget` continuations; true where something is still ready.
    bool run_ready(std::size_t budget) noexcept;
    [[nodiscard]] bool has_ready() const noexcept;
    /// Coroutines alive.
    [[nodiscard]] std::size_t alive() const noexcept;
    [[nodiscard]] StackPool& stacks() noexcept;
};

// Coroutines that wait for the same thing, in the order of their coming.
class WaitQueue {
 public:
    explicit WaitQueue(Scheduler& scheduler) noexcept;
    /// Parks the running coroutine here.
    void wait() noexcept;
    void wake_one() noexcept;
    void wake_all() noexcept;
    [[nodiscard]] bool empty() const noexcept;
};

// Coroutines that wait for a point in time. The loop asks next_ns() for how long it may sleep and
// calls expire() with the time of its turn.
class Timers {
 public:
    explicit Timers(Scheduler& scheduler) noexcept;
    /// Parks the running coroutine until `until_ns` (monotonic).
    void sleep_until(std::uint64_t until_ns);
    /// UINT64_MAX where nobody sleeps.
    [[nodiscard]] std::uint64_t next_ns() const noexcept;
    /// Resumes everybody whose time has come.
    void expire(std::uint64_t now_ns) noexcept;
};

}  // namespace ringside::fiber
