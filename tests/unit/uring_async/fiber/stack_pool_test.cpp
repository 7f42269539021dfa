#include "uring_async/fiber/stack_pool.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "uring_async/fiber/scheduler.hpp"

namespace ringside::fiber {

namespace {

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

std::size_t resident_pages(const Stack& stack) {
    std::vector<unsigned char> pages(stack.bytes / page);
    REQUIRE(::mincore(stack.bottom, stack.bytes, pages.data()) == 0);
    std::size_t resident = 0;
    for (const unsigned char flags : pages)
        resident += flags & 1U;
    return resident;
}

std::size_t mappings() {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);)
        ++lines;
    return lines;
}

/// The signal that ended a child process which did `work`, 0 where it lived to the end.
int signal_of_child(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        std::signal(SIGSEGV, SIG_DFL);
        std::signal(SIGBUS, SIG_DFL);
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int dig(int depth) {
    volatile char frame[512];
    frame[0] = static_cast<char>(depth);
    return depth == 0 ? frame[0] : dig(depth - 1) + frame[0];
}

void dig_too_deep(void*) noexcept {
    dig(250);
}
void dig_deep_enough(void*) noexcept {
    dig(50);
}

}  // namespace

TEST_CASE("a stack is writable from its bottom to its end and reused last-in first-out") {
    StackPool pool(3 * page - 1);
    const Stack first = pool.take();
    const Stack second = pool.take();
    CHECK(first.bytes == 3 * page);
    std::memset(first.bottom, 1, first.bytes);
    std::memset(second.bottom, 2, second.bytes);
    CHECK(first.bottom[first.bytes - 1] == 1);

    pool.give_back(second);
    pool.give_back(first);
    const Stack again = pool.take();
    CHECK(again.bottom == first.bottom);
    pool.give_back(again);
}

TEST_CASE("a pool counts the stacks in use and the most there ever were") {
    StackPool pool;
    CHECK(pool.high_water() == 0);
    const Stack a = pool.take();
    const Stack b = pool.take();
    pool.give_back(a);
    CHECK(pool.in_use() == 1);
    CHECK(pool.high_water() == 2);
    pool.give_back(b);
    CHECK(pool.in_use() == 0);
    CHECK(pool.high_water() == 2);
}

TEST_CASE("no two stacks overlap, across slabs too") {
    StackPool pool(page);
    std::set<char*> bottoms;
    std::vector<Stack> stacks;
    for (int i = 0; i < 300; ++i)
        stacks.push_back(pool.take());
    for (const Stack& stack : stacks)
        bottoms.insert(stack.bottom);
    REQUIRE(bottoms.size() == stacks.size());
    for (auto it = bottoms.begin(), next = std::next(it); next != bottoms.end(); ++it, ++next) {
        CHECK(*next - *it >= static_cast<std::ptrdiff_t>(2 * page));
    }
    for (const Stack& stack : stacks)
        pool.give_back(stack);
}

TEST_CASE("the byte below a stack cannot be written, whichever guard is used") {
    const auto guard = GENERATE(StackPool::Guard::install, StackPool::Guard::mprotect);
    CAPTURE(static_cast<int>(guard));
    StackPool pool(StackPool::default_stack_bytes, guard);
    const Stack stack = pool.take();
    CHECK(signal_of_child([&] { *static_cast<volatile char*>(stack.bottom) = 1; }) == 0);
    CHECK(signal_of_child([&] { *static_cast<volatile char*>(stack.bottom - 1) = 1; }) == SIGSEGV);
    pool.give_back(stack);
}

TEST_CASE("a coroutine that recurses too deep dies at its guard") {
    const auto run = [](Entry entry) {
        return signal_of_child([entry] {
            Scheduler scheduler;
            // The first stack of a slab could be guarded by chance: nothing is mapped below it.
            scheduler.spawn(dig_deep_enough, nullptr);
            scheduler.spawn(entry, nullptr);
            scheduler.run_ready(2);
        });
    };
    CHECK(run(dig_deep_enough) == 0);
    CHECK(run(dig_too_deep) == SIGSEGV);
}

TEST_CASE("40,000 stacks can be taken without running out of mappings") {
    const auto guard = GENERATE(StackPool::best_guard(), StackPool::Guard::mprotect);
    CAPTURE(static_cast<int>(guard));
    const std::size_t mappings_before = mappings();
    StackPool pool(StackPool::default_stack_bytes, guard);
    std::vector<Stack> stacks;
    for (int i = 0; i < 40'000; ++i) {
        stacks.push_back(pool.take());
        stacks.back().bottom[stacks.back().bytes - 1] = 1;
    }
    const std::size_t added = mappings() - mappings_before;
    CHECK(added <=
          (guard == StackPool::Guard::install ? 2000 : 2 * StackPool::mprotect_guards_max + 2000));
    for (const Stack& stack : stacks)
        pool.give_back(stack);
}

TEST_CASE("guards by mprotect are counted over all pools and released with their pool") {
    const std::size_t most = StackPool::mprotect_guards_max + 100;
    for (int round = 0; round < 2; ++round) {
        StackPool pool(page, StackPool::Guard::mprotect);
        std::vector<Stack> stacks;
        for (std::size_t i = 0; i < most; ++i)
            stacks.push_back(pool.take());
        const auto touch_below = [&](const Stack& stack) {
            return signal_of_child([&] { *static_cast<volatile char*>(stack.bottom - 1) = 1; });
        };
        CHECK(touch_below(stacks.front()) == SIGSEGV);
        CHECK(touch_below(stacks[StackPool::mprotect_guards_max - 1]) == SIGSEGV);
        CHECK(touch_below(stacks.back()) == 0);
        for (const Stack& stack : stacks)
            pool.give_back(stack);
    }
}

TEST_CASE("trim returns the memory of idle stacks beyond those to keep and leaves the hot ones") {
    StackPool pool;
    std::vector<Stack> stacks;
    for (int i = 0; i < 10; ++i) {
        stacks.push_back(pool.take());
        std::memset(stacks.back().bottom, 1, stacks.back().bytes);
    }
    const Stack busy = stacks.back();
    stacks.pop_back();
    for (const Stack& stack : stacks)
        pool.give_back(stack);

    pool.trim(3);
    for (std::size_t i = 0; i < stacks.size(); ++i) {
        CAPTURE(i);
        CHECK(resident_pages(stacks[i]) == (i < 6 ? 0 : stacks[i].bytes / page));
    }
    CHECK(resident_pages(busy) == busy.bytes / page);
    pool.give_back(busy);
}

TEST_CASE("a stack that was trimmed, used again and returned is trimmed again") {
    StackPool pool;
    const Stack cold = pool.take();
    const Stack other = pool.take();
    pool.give_back(cold);
    pool.give_back(other);
    pool.trim(0);

    REQUIRE(pool.take().bottom == other.bottom);
    REQUIRE(pool.take().bottom == cold.bottom);
    std::memset(cold.bottom, 1, cold.bytes);
    std::memset(other.bottom, 1, other.bytes);
    pool.give_back(cold);
    pool.give_back(other);
    pool.trim(1);
    CHECK(resident_pages(cold) == 0);
    CHECK(resident_pages(other) == other.bytes / page);
    pool.trim(0);
    CHECK(resident_pages(other) == 0);
    CHECK(signal_of_child([&] { *static_cast<volatile char*>(cold.bottom - 1) = 1; }) == SIGSEGV);
}

}  // namespace ringside::fiber
