// What a switch must keep apart: stacks, exceptions in flight, backtraces.

#include "uring_async/fiber/fiber.hpp"

#include <execinfo.h>

#include <catch2/catch.hpp>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "uring_async/fiber/scheduler.hpp"

namespace ringside::fiber {

namespace {

struct Witness {
    Scheduler scheduler;
    std::vector<std::string> seen;
};

struct Thrower {
    Witness* test = nullptr;
    std::string name;
    int uncaught_in_destructor = -1;
};

std::string current_exception_text() {
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const std::exception& e) {
        return e.what();
    }
}

/// Lets others throw and catch while its own exception is being handled.
void throw_and_yield(void* argument) noexcept {
    Thrower& self = *static_cast<Thrower*>(argument);
    for (int round = 0; round < 3; ++round) {
        try {
            throw std::runtime_error(self.name + std::to_string(round));
        } catch (const std::exception& e) {
            self.test->scheduler.yield();
            self.test->seen.push_back(e.what());
            try {
                throw std::logic_error("inner " + self.name);
            } catch (const std::exception& inner) {
                self.test->scheduler.yield();
                self.test->seen.push_back(inner.what());
            }
            self.test->scheduler.yield();
            self.test->seen.push_back(current_exception_text());
        }
        self.test->seen.push_back(std::current_exception() ? "left over" : "none");
    }
}

struct YieldsInDestructor {
    Thrower* thrower;
    ~YieldsInDestructor() {
        thrower->test->scheduler.yield();
        thrower->uncaught_in_destructor = std::uncaught_exceptions();
    }
};

void yield_while_unwinding(void* argument) noexcept {
    Thrower& self = *static_cast<Thrower*>(argument);
    try {
        const YieldsInDestructor yields{&self};
        throw std::runtime_error(self.name);
    } catch (const std::exception& e) {
        self.test->seen.push_back(e.what());
    }
}

void note_uncaught(void* argument) noexcept {
    Thrower& self = *static_cast<Thrower*>(argument);
    self.uncaught_in_destructor = std::uncaught_exceptions();
    self.test->seen.push_back(std::current_exception() ? "left over" : "none");
}

struct Recursion {
    Scheduler* scheduler = nullptr;
    int depth = 0;
    long sum = 0;
};

long sum_down(Recursion& self, int depth) {
    volatile long mine[16] = {depth};
    if (depth == 0) return 0;
    if (depth % 7 == 0) self.scheduler->yield();
    return sum_down(self, depth - 1) + mine[0];
}

void recurse(void* argument) noexcept {
    Recursion& self = *static_cast<Recursion*>(argument);
    self.sum = sum_down(self, self.depth);
}

struct Trace {
    int frames = 0;
    int chain = 0;
};

[[gnu::noinline]] int frame_pointer_chain() {
    int frames = 0;
    for (void** frame = static_cast<void**>(__builtin_frame_address(0)); frame != nullptr;
         frame = static_cast<void**>(*frame)) {
        if (++frames == 1000) break;
    }
    return frames;
}

[[gnu::noinline]] void take_trace(Trace& trace, int depth) {
    if (depth > 0) {
        take_trace(trace, depth - 1);
    } else {
        void* addresses[200];
        trace.frames = ::backtrace(addresses, 200);
        trace.chain = frame_pointer_chain();
    }
    asm volatile("" ::: "memory");
}

void trace_self(void* argument) noexcept {
    take_trace(*static_cast<Trace*>(argument), 10);
}

}  // namespace

TEST_CASE("coroutines that handle exceptions in turns keep each their own") {
    Witness test;
    Thrower a{&test, "a", -1};
    Thrower b{&test, "b", -1};
    test.scheduler.spawn(throw_and_yield, &a);
    test.scheduler.spawn(throw_and_yield, &b);
    while (test.scheduler.run_ready(1)) {
    }
    std::vector<std::string> expected;
    for (const std::string round : {"0", "1", "2"}) {
        for (const std::string name : {"a", "b"})
            expected.push_back(name + round);
        for (const std::string name : {"a", "b"})
            expected.push_back("inner " + name);
        for (const std::string name : {"a", "b"}) {
            expected.push_back(name + round);
            expected.push_back("none");
        }
    }
    CHECK(test.seen == expected);
}

TEST_CASE("a coroutine that leaves while it unwinds does not make others seem to unwind") {
    Witness test;
    Thrower unwinding{&test, "boom", -1};
    Thrower calm{&test, "calm", -1};
    test.scheduler.spawn(yield_while_unwinding, &unwinding);
    test.scheduler.spawn(note_uncaught, &calm);
    test.scheduler.run_ready(1);
    CHECK(std::uncaught_exceptions() == 0);
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK(calm.uncaught_in_destructor == 0);
    CHECK(unwinding.uncaught_in_destructor == 1);
    CHECK(test.seen == std::vector<std::string>{"none", "boom"});
}

TEST_CASE("the loop's own exception survives coroutines that run meanwhile") {
    Witness test;
    Thrower other{&test, "other", -1};
    test.scheduler.spawn(throw_and_yield, &other);
    try {
        throw std::runtime_error("of the loop");
    } catch (const std::exception&) {
        while (test.scheduler.run_ready(1)) {
        }
        CHECK(current_exception_text() == "of the loop");
    }
    CHECK(std::current_exception() == nullptr);
}

TEST_CASE("deep recursions that leave half way keep their frames apart") {
    Scheduler scheduler(std::size_t{1024} * 1024);
    std::vector<Recursion> recursions(20);
    for (std::size_t i = 0; i < recursions.size(); ++i) {
        recursions[i] = {&scheduler, 500 + static_cast<int>(i), 0};
        scheduler.spawn(recurse, &recursions[i]);
    }
    while (scheduler.run_ready(3)) {
    }
    for (const Recursion& recursion : recursions) {
        CHECK(recursion.sum == recursion.depth * (recursion.depth + 1L) / 2);
    }
}

TEST_CASE("a backtrace ends at the coroutine's first frame") {
    Scheduler scheduler;
    Trace trace;
    scheduler.spawn(trace_self, &trace);
    scheduler.run_ready(1);
    CHECK(trace.frames >= 3);
    CHECK(trace.frames <= 16);
    CHECK(trace.chain >= 3);
    CHECK(trace.chain <= 16);
}

}  // namespace ringside::fiber
