#include "uring_async/fiber/scheduler.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace ringside::fiber {

#if defined(__SANITIZE_THREAD__)
extern "C" void AnnotateIgnoreSyncEnd(const char* file, int line);  // of TSan's runtime
#endif

static_assert(!std::is_copy_constructible_v<Scheduler>);

namespace {

/// A coroutine whose work is a lambda of the test.
struct Task {
    Scheduler* scheduler = nullptr;
    std::function<void()> work;
    static void run(void* argument) noexcept { static_cast<Task*>(argument)->work(); }
};

class Case {
 public:
    /// The task lives as long as this object.
    void spawn(std::function<void()> work) {
        tasks_.push_back(std::make_unique<Task>(Task{&scheduler, std::move(work)}));
        scheduler.spawn(Task::run, tasks_.back().get());
    }
    void note(const std::string& text) { seen += text; }

    Scheduler scheduler;
    std::string seen;

 private:
    std::vector<std::unique_ptr<Task>> tasks_;
};

// In the child of a process with several threads TSan ignores what its only thread does, and the
// order that this gives. It takes parked coroutines for threads, but those that the child runs are
// not ignored: each switch to one looked like a race. There is nobody else in the child, so the
// order counts again.
void count_switches_as_order() {
#if defined(__SANITIZE_THREAD__)
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
#endif
}

/// Whether `work` ends in an assertion. A coroutine is alive.
bool asserts(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        count_switches_as_order();
        std::signal(SIGABRT, SIG_DFL);
        ::close(STDERR_FILENO);
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("coroutines run in the order in which they were started") {
    Case test;
    for (const std::string name : {"a", "b", "c"})
        test.spawn([&test, name] { test.note(name); });
    CHECK(test.seen.empty());
    CHECK(test.scheduler.alive() == 3);
    CHECK(test.scheduler.has_ready());
    CHECK_FALSE(test.scheduler.run_ready(100));
    CHECK(test.seen == "abc");
    CHECK(test.scheduler.alive() == 0);
    CHECK_FALSE(test.scheduler.has_ready());
}

TEST_CASE("a coroutine that yields goes on after all that were ready") {
    Case test;
    for (const std::string name : {"a", "b", "c"}) {
        test.spawn([&test, name] {
            for (int round = 0; round < 3; ++round) {
                test.note(name + std::to_string(round));
                test.scheduler.yield();
            }
        });
    }
    CHECK_FALSE(test.scheduler.run_ready(100));
    CHECK(test.seen == "a0b0c0a1b1c1a2b2c2");
}

TEST_CASE("the budget counts continuations, also of coroutines made ready meanwhile") {
    Case test;
    test.spawn([&test] {
        for (;;) {
            test.note("x");
            if (test.seen.size() >= 10) return;
            test.scheduler.yield();
        }
    });
    CHECK(test.scheduler.run_ready(4));
    CHECK(test.seen.size() == 4);
    test.spawn([&test] { test.spawn([&test] { test.note("late"); }); });
    CHECK(test.scheduler.run_ready(3));
    CHECK(test.seen == "xxxxxx");
    CHECK(test.scheduler.run_ready(1));
    CHECK(test.seen == "xxxxxxlate");
    CHECK(test.scheduler.run_ready(0));
    while (test.scheduler.run_ready(1)) {
    }
}

TEST_CASE("a parked coroutine runs again after resume and not before") {
    Case test;
    Fiber* parked = nullptr;
    test.spawn([&] {
        parked = test.scheduler.current();
        test.scheduler.suspend();
        test.note("back");
    });
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK(test.seen.empty());
    CHECK(test.scheduler.alive() == 1);
    test.scheduler.resume(parked);
    CHECK(test.scheduler.has_ready());
    CHECK(test.seen.empty());
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK(test.seen == "back");
}

TEST_CASE("a coroutine resumes another one and goes on itself first") {
    Case test;
    Fiber* parked = nullptr;
    test.spawn([&] {
        for (int round = 0; round < 3; ++round) {
            test.note("i");
            parked = test.scheduler.current();
            test.scheduler.suspend();
        }
    });
    test.spawn([&] {
        for (int round = 0; round < 3; ++round) {
            test.scheduler.resume(parked);
            test.note("o");
            test.scheduler.yield();
        }
    });
    CHECK_FALSE(test.scheduler.run_ready(100));
    CHECK(test.seen == "ioioio");
    CHECK(test.scheduler.alive() == 0);
}

TEST_CASE("a coroutine that resumed itself passes its next suspend once") {
    Case test;
    Fiber* self = nullptr;
    test.spawn([&] {
        self = test.scheduler.current();
        test.scheduler.resume(self);
        test.scheduler.suspend();
        test.note("first");
        test.scheduler.suspend();
        test.note(" second");
    });
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK(test.seen == "first");
    test.scheduler.resume(self);
    CHECK_FALSE(test.scheduler.run_ready(10));
    CHECK(test.seen == "first second");
}

TEST_CASE("current names the running coroutine and nobody in the loop") {
    Case test;
    Fiber* first = nullptr;
    Fiber* second = nullptr;
    CHECK(test.scheduler.current() == nullptr);
    test.spawn([&] {
        first = test.scheduler.current();
        test.scheduler.yield();
        CHECK(test.scheduler.current() == first);
    });
    test.spawn([&] { second = test.scheduler.current(); });
    test.scheduler.run_ready(10);
    CHECK(test.scheduler.current() == nullptr);
    CHECK(first != nullptr);
    CHECK(second != nullptr);
    CHECK(first != second);
}

TEST_CASE("a million coroutines after each other need the stacks of those alive at once") {
    Case test;
    std::size_t finished = 0;
    Task task{&test.scheduler, [&finished] { ++finished; }};
    for (int round = 0; round < 100'000; ++round) {
        for (int i = 0; i < 10; ++i)
            test.scheduler.spawn(Task::run, &task);
        while (test.scheduler.run_ready(4)) {
        }
    }
    CHECK(finished == 1'000'000);
    CHECK(test.scheduler.stacks().high_water() == 10);
    CHECK(test.scheduler.alive() == 0);
}

TEST_CASE("coroutines started by coroutines, thousands at once, all come to their end") {
    Case test;
    std::size_t finished = 0;
    Task leaf{&test.scheduler, [&] {
                  test.scheduler.yield();
                  ++finished;
              }};
    Task branch{&test.scheduler, [&] {
                    for (int i = 0; i < 30; ++i) {
                        test.scheduler.spawn(Task::run, &leaf);
                        test.scheduler.yield();
                    }
                    ++finished;
                }};
    for (int i = 0; i < 30; ++i)
        test.scheduler.spawn(Task::run, &branch);
    while (test.scheduler.run_ready(7)) {
    }
    CHECK(finished == 30 * 31);
}

TEST_CASE("misuse is stopped by an assertion") {
    Case test;
    Fiber* fiber = nullptr;
    test.spawn([&] {
        fiber = test.scheduler.current();
        test.scheduler.suspend();
    });
    test.scheduler.run_ready(1);
    Scheduler& scheduler = test.scheduler;

    SECTION("a second resume") {
        CHECK(asserts([&] {
            scheduler.resume(fiber);
            scheduler.resume(fiber);
        }));
    }
    SECTION("suspend outside a coroutine") {
        CHECK(asserts([&] { scheduler.suspend(); }));
    }
    SECTION("yield outside a coroutine") {
        CHECK(asserts([&] { scheduler.yield(); }));
    }
    SECTION("run_ready inside a coroutine") {
        CHECK(asserts([&] {
            test.spawn([&] { scheduler.run_ready(1); });
            scheduler.run_ready(1);
        }));
    }
    SECTION("a second resume of itself") {
        CHECK(asserts([&] {
            test.spawn([&] {
                scheduler.resume(scheduler.current());
                scheduler.resume(scheduler.current());
                scheduler.suspend();
            });
            scheduler.run_ready(1);
        }));
    }
    SECTION("an end with a resume left over") {
        CHECK(asserts([&] {
            test.spawn([&] { scheduler.resume(scheduler.current()); });
            scheduler.run_ready(1);
        }));
    }
    SECTION("a scheduler that ends before its coroutines") {
        CHECK(asserts([&] { scheduler.~Scheduler(); }));
    }
    SECTION("proper use does not trip it") {
        CHECK_FALSE(asserts([&] {
            scheduler.resume(fiber);
            scheduler.run_ready(1);
        }));
    }
    scheduler.resume(fiber);
    scheduler.run_ready(1);
}

}  // namespace ringside::fiber
