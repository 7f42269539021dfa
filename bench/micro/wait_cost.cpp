// What a wait in the middle of a function costs: the coroutines of src/uring_async/fiber beside the
// other ways to write one. Run by a person: build/bench/wait-cost [--benchmark_…], Google
// Benchmark's options.
//
// 1. Each benchmark is one thread's loop that lets a story go on to its next wait and gets control
//    back: two switches. For threads it is two hand-overs to a thread that sleeps.
// 2. `story` is the life of a coroutine whose request makes it wait for nothing: start, run, end.
//    With many alive at once every stack is out of the caches when its turn comes.
// 3. Nothing here does I/O, so what is left in a server is smaller still.

#include <benchmark/benchmark.h>
#include <ucontext.h>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "uring_async/fiber/scheduler.hpp"

namespace ringside::bench {

namespace {

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

// ---- stackful, ours ----

struct Waiter {
    fiber::Scheduler scheduler;
    fiber::Fiber* parked = nullptr;
    bool over = false;
};

void wait_until_over(void* argument) noexcept {
    auto& waiter = *static_cast<Waiter*>(argument);
    waiter.parked = waiter.scheduler.current();
    while (!waiter.over)
        waiter.scheduler.suspend();
}

void fiber_wait(benchmark::State& state) {
    Waiter waiter;
    waiter.scheduler.spawn(&wait_until_over, &waiter);
    waiter.scheduler.run_ready(all);
    for (auto _ : state) {
        waiter.scheduler.resume(waiter.parked);
        waiter.scheduler.run_ready(all);
    }
    waiter.over = true;
    waiter.scheduler.resume(waiter.parked);
    waiter.scheduler.run_ready(all);
}
BENCHMARK(fiber_wait);

void end_at_once(void* argument) noexcept {
    ++*static_cast<std::uint64_t*>(argument);
}

void fiber_story(benchmark::State& state) {
    fiber::Scheduler scheduler;
    const auto alive = static_cast<std::size_t>(state.range(0));
    std::uint64_t ended = 0;
    while (state.KeepRunningBatch(state.range(0))) {
        for (std::size_t i = 0; i < alive; ++i)
            scheduler.spawn(&end_at_once, &ended);
        scheduler.run_ready(all);
    }
    benchmark::DoNotOptimize(ended);
}
BENCHMARK(fiber_story)->Arg(1)->Arg(64)->Arg(10'000);

// ---- stackless: the language's own ----

struct Task {
    struct promise_type {
        Task get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

Task wait_for_ever() {
    for (;;)
        co_await std::suspend_always{};
}

void cpp20_wait(benchmark::State& state) {
    const Task task = wait_for_ever();
    for (auto _ : state)
        task.handle.resume();
    task.handle.destroy();
}
BENCHMARK(cpp20_wait);

Task end_soon(std::uint64_t& ended) {
    ++ended;
    co_return;
}

void cpp20_story(benchmark::State& state) {
    std::uint64_t ended = 0;
    for (auto _ : state) {
        const Task task = end_soon(ended);
        task.handle.resume();
        task.handle.destroy();
    }
    benchmark::DoNotOptimize(ended);
}
BENCHMARK(cpp20_story);

// ---- stackful, POSIX: saves the signal mask with a system call ----

struct PosixWaiter {
    ucontext_t loop{};
    ucontext_t story{};
    bool over = false;
};

// makecontext() passes integers only; one benchmark runs at a time.
PosixWaiter* posix_waiter = nullptr;

void posix_wait_until_over() {
    while (!posix_waiter->over)
        ::swapcontext(&posix_waiter->story, &posix_waiter->loop);
}

void ucontext_wait(benchmark::State& state) {
    PosixWaiter waiter;
    posix_waiter = &waiter;
    const auto stack =
        std::make_unique_for_overwrite<char[]>(fiber::StackPool::default_stack_bytes);
    ::getcontext(&waiter.story);
    waiter.story.uc_stack.ss_sp = stack.get();
    waiter.story.uc_stack.ss_size = fiber::StackPool::default_stack_bytes;
    waiter.story.uc_link = &waiter.loop;
    ::makecontext(&waiter.story, &posix_wait_until_over, 0);
    for (auto _ : state)
        ::swapcontext(&waiter.loop, &waiter.story);
    waiter.over = true;
    ::swapcontext(&waiter.loop, &waiter.story);
}
BENCHMARK(ucontext_wait);

// ---- a thread ----

void thread_wait(benchmark::State& state) {
    // 0: the loop's turn, 1: the story's, 2: over.
    std::atomic<int> turn{0};
    std::thread story([&turn] {
        for (;;) {
            turn.wait(0);
            if (turn.load() == 2) return;
            turn.store(0);
            turn.notify_one();
        }
    });
    for (auto _ : state) {
        turn.store(1);
        turn.notify_one();
        turn.wait(1);
    }
    turn.store(2);
    turn.notify_one();
    story.join();
}
BENCHMARK(thread_wait)->UseRealTime();

}  // namespace

}  // namespace ringside::bench
