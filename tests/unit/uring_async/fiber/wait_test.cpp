#include "uring_async/fiber/wait.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

namespace ringside::fiber {

namespace {

/// Waiters that note their name when they go on, `times` times each.
struct Waiter {
    WaitQueue* queue = nullptr;
    std::string* seen = nullptr;
    char name = '?';
    int times = 1;
    static void run(void* argument) noexcept {
        Waiter& self = *static_cast<Waiter*>(argument);
        for (int i = 0; i < self.times; ++i) {
            self.queue->wait();
            *self.seen += self.name;
        }
    }
};

struct Sleeper {
    Timers* timers = nullptr;
    std::string* seen = nullptr;
    char name = '?';
    std::vector<std::uint64_t> times;
    static void run(void* argument) noexcept {
        Sleeper& self = *static_cast<Sleeper*>(argument);
        for (const std::uint64_t until : self.times) {
            self.timers->sleep_until(until);
            *self.seen += self.name;
        }
    }
};

void run_all(Scheduler& scheduler) {
    while (scheduler.run_ready(2)) {
    }
}

}  // namespace

TEST_CASE("a wait queue wakes in the order of coming, one at a time") {
    Scheduler scheduler;
    WaitQueue queue(scheduler);
    std::string seen;
    Waiter waiters[] = {{&queue, &seen, 'a', 2}, {&queue, &seen, 'b', 1}, {&queue, &seen, 'c', 1}};
    CHECK(queue.empty());
    queue.wake_one();
    queue.wake_all();
    for (Waiter& waiter : waiters)
        scheduler.spawn(Waiter::run, &waiter);
    run_all(scheduler);
    CHECK_FALSE(queue.empty());
    CHECK(seen.empty());

    queue.wake_one();
    CHECK(seen.empty());
    run_all(scheduler);
    CHECK(seen == "a");
    queue.wake_one();
    queue.wake_one();
    run_all(scheduler);
    CHECK(seen == "abc");
    CHECK_FALSE(queue.empty());
    queue.wake_one();
    run_all(scheduler);
    CHECK(seen == "abca");
    CHECK(queue.empty());
    CHECK(scheduler.alive() == 0);
}

TEST_CASE("wake_all wakes those who wait now, not those who wait again") {
    Scheduler scheduler;
    WaitQueue queue(scheduler);
    std::string seen;
    Waiter waiters[] = {{&queue, &seen, 'a', 2}, {&queue, &seen, 'b', 2}, {&queue, &seen, 'c', 2}};
    for (Waiter& waiter : waiters)
        scheduler.spawn(Waiter::run, &waiter);
    run_all(scheduler);
    queue.wake_all();
    CHECK(queue.empty());
    run_all(scheduler);
    CHECK(seen == "abc");
    CHECK_FALSE(queue.empty());
    queue.wake_all();
    run_all(scheduler);
    CHECK(seen == "abcabc");
}

TEST_CASE("sleepers wake in the order of their times, equal ones in the order of coming") {
    Scheduler scheduler;
    Timers timers(scheduler);
    std::string seen;
    CHECK(timers.next_ns() == UINT64_MAX);
    std::vector<Sleeper> sleepers;
    for (const auto& [name, until] : std::vector<std::pair<char, std::uint64_t>>{
             {'e', 50}, {'b', 20}, {'c', 20}, {'a', 10}, {'d', 20}, {'f', 50}}) {
        sleepers.push_back({&timers, &seen, name, {until}});
    }
    for (Sleeper& sleeper : sleepers)
        scheduler.spawn(Sleeper::run, &sleeper);
    run_all(scheduler);
    CHECK(timers.next_ns() == 10);

    timers.expire(9);
    run_all(scheduler);
    CHECK(seen.empty());
    timers.expire(10);
    run_all(scheduler);
    CHECK(seen == "a");
    CHECK(timers.next_ns() == 20);
    timers.expire(49);
    run_all(scheduler);
    CHECK(seen == "abcd");
    timers.expire(1000);
    run_all(scheduler);
    CHECK(seen == "abcdef");
    CHECK(timers.next_ns() == UINT64_MAX);
}

TEST_CASE("a time that has passed is waited for until the next expire") {
    Scheduler scheduler;
    Timers timers(scheduler);
    std::string seen;
    Sleeper sleeper{&timers, &seen, 'x', {5, 5, 30}};
    scheduler.spawn(Sleeper::run, &sleeper);
    run_all(scheduler);
    timers.expire(20);
    run_all(scheduler);
    CHECK(seen == "x");
    CHECK(timers.next_ns() == 5);
    timers.expire(20);
    run_all(scheduler);
    CHECK(seen == "xx");
    CHECK(timers.next_ns() == 30);
    timers.expire(30);
    run_all(scheduler);
    CHECK(seen == "xxx");
}

TEST_CASE("many sleepers with scattered times wake in their order") {
    Scheduler scheduler;
    Timers timers(scheduler);
    struct Order {
        Timers* timers;
        std::vector<std::uint64_t>* woken;
        std::uint64_t until;
        static void run(void* argument) noexcept {
            Order& self = *static_cast<Order*>(argument);
            self.timers->sleep_until(self.until);
            self.woken->push_back(self.until);
        }
    };
    std::vector<std::uint64_t> woken;
    std::vector<Order> orders;
    for (std::uint64_t i = 0; i < 500; ++i) {
        orders.push_back({&timers, &woken, i * 7919 % 251});
    }
    for (Order& order : orders)
        scheduler.spawn(Order::run, &order);
    run_all(scheduler);
    for (std::uint64_t now = 0; now < 270; now += 13) {
        timers.expire(now);
        run_all(scheduler);
        CHECK((woken.empty() || woken.back() <= now));
    }
    CHECK(woken.size() == 500);
    CHECK(std::is_sorted(woken.begin(), woken.end()));
}

}  // namespace ringside::fiber
