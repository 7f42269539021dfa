// What a wait in the middle of a function costs: the coroutines of src/uring_async/fiber beside the
// other ways to write one. Part of build/bench/micro.
//
// 1. `wait`: a thread's loop lets a story go on to its next wait and gets control back, which takes
//    two switches. Ours pass through the scheduler's ready queue, as in the servers; those of the
//    language and of POSIX are bare, so the comparison is against us.
// 2. `story`: the life of a coroutine that waits for nothing: start, run, end; one or many alive at
//    once. 10,000 stacks no longer fit the nearer caches.
// 3. For threads a wait is two hand-overs through an eventfd, each to a thread that sleeps, on
//    whatever CPUs the kernel chooses.

#include <benchmark/benchmark.h>
#include <sys/eventfd.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "common/assert.hpp"
#include "common/unique_fd.hpp"
#include "uring_async/fiber/scheduler.hpp"
#include "uring_async/fiber/stack_pool.hpp"

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
    const auto batch = [&] {
        for (std::size_t i = 0; i < alive; ++i)
            scheduler.spawn(&end_at_once, &ended);
        scheduler.run_ready(all);
    };
    batch();  // makes the stacks and touches their pages, which a server does once
    while (state.KeepRunningBatch(state.range(0)))
        batch();
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
    std::vector<Task> tasks(static_cast<std::size_t>(state.range(0)));
    const auto batch = [&] {
        for (Task& task : tasks)
            task = end_soon(ended);
        for (const Task& task : tasks) {
            task.handle.resume();
            task.handle.destroy();
        }
    };
    batch();
    while (state.KeepRunningBatch(state.range(0)))
        batch();
    benchmark::DoNotOptimize(ended);
}
BENCHMARK(cpp20_story)->Arg(1)->Arg(64)->Arg(10'000);

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

void post(const UniqueFd& event) {
    const std::uint64_t one = 1;
    RINGSIDE_ASSERT(::write(event.get(), &one, sizeof one) == sizeof one);
}

void await(const UniqueFd& event) {
    std::uint64_t count = 0;
    RINGSIDE_ASSERT(::read(event.get(), &count, sizeof count) == sizeof count);
}

void thread_wait(benchmark::State& state) {
    const UniqueFd go(::eventfd(0, EFD_CLOEXEC));
    const UniqueFd back(::eventfd(0, EFD_CLOEXEC));
    std::atomic<bool> over{false};  // stored before `go` is posted, which orders it: relaxed
    std::thread story([&] {
        for (await(go); !over.load(std::memory_order_relaxed); await(go))
            post(back);
    });
    for (auto _ : state) {
        post(go);
        await(back);
    }
    over.store(true, std::memory_order_relaxed);
    post(go);
    story.join();
}
BENCHMARK(thread_wait)->UseRealTime();

}  // namespace

}  // namespace ringside::bench
