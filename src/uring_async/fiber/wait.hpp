#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "uring_async/fiber/scheduler.hpp"

namespace ringside::fiber {

// Coroutines that wait for the same thing, in the order of their coming. There is no condition in
// it: who waits looks at its own again when wait() returns.
class WaitQueue {
 public:
    explicit WaitQueue(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
    /// Nobody waits.
    ~WaitQueue();
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// Parks the running coroutine here.
    void wait() noexcept;
    /// Makes the first ready; nothing happens where nobody waits.
    void wake_one() noexcept;
    void wake_all() noexcept;
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

 private:
    Scheduler& scheduler_;
    FiberQueue waiting_;  // all of them in state `waiting`
};

// Coroutines that wait for a point in time. The loop asks next_ns() for how long it may sleep and
// calls expire() with the time of its turn.
class Timers {
 public:
    explicit Timers(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
    /// Nobody sleeps.
    ~Timers();
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    /// Parks the running coroutine until `until_ns` (monotonic), or until the next expire() where
    /// that has passed. Allocates only where more sleep than ever before. Nothing else may
    /// resume() it meanwhile.
    void sleep_until(std::uint64_t until_ns);
    /// UINT64_MAX where nobody sleeps.
    [[nodiscard]] std::uint64_t next_ns() const noexcept;
    /// Resumes everybody whose time has come: earliest first, among equals the one that came first.
    void expire(std::uint64_t now_ns) noexcept;

 private:
    struct Sleeper {
        std::uint64_t until_ns = 0;
        std::uint64_t order = 0;  // counts sleep_until() calls
        Fiber* fiber = nullptr;
    };
    static bool later(const Sleeper& a, const Sleeper& b) noexcept;

    Scheduler& scheduler_;
    std::vector<Sleeper> heap_;  // by later(): the next to wake in front
    std::uint64_t calls_ = 0;
};

}  // namespace ringside::fiber
