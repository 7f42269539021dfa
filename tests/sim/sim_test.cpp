// The uring server's workers under simulation. SIM_SEED=N runs one seed alone and prints where its
// clients end; SIM_SEEDS=N changes how many are run.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

#include "sim_world.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint64_t seeds = 200;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t first_seed() {
    return number_from("SIM_SEED", 1);
}

std::uint64_t last_seed() {
    return std::getenv("SIM_SEED") != nullptr ? first_seed() : number_from("SIM_SEEDS", seeds);
}

/// What a seed did, over its clients: a simulation in which nothing happens proves nothing.
struct Deeds {
    std::uint64_t stays = 0;
    std::uint64_t left = 0;
    std::uint64_t sent = 0;
    std::uint64_t own = 0;
    std::uint64_t bytes = 0;

    void add(const SimWorld& world) {
        for (const auto& client : world.clients()) {
            for (const Stay& stay : client->stays()) {
                ++stays;
                left += stay.left ? 1 : 0;
                sent += stay.sent;
                own += stay.own;
                bytes += stay.bytes.size();
            }
        }
    }
};

}  // namespace

TEST_CASE("two workers keep the ordering promises to ten clients, whatever the network does") {
    Deeds deeds;
    std::uint64_t slow_consumers = 0;
    for (std::uint64_t seed = first_seed(); seed <= last_seed(); ++seed) {
        CAPTURE(seed);
        SimWorld world(seed, {});
        world.run();
        deeds.add(world);
        slow_consumers += world.drops(Drop::slow_consumer);
    }
    std::cout << "stays " << deeds.stays << ", left in order " << deeds.left << ", messages sent "
              << deeds.sent << ", own copies " << deeds.own << ", bytes delivered " << deeds.bytes
              << ", slow consumers dropped " << slow_consumers << '\n';
    if (last_seed() - first_seed() > 20) CHECK(slow_consumers > 0);
    CHECK(deeds.own > 0);
    CHECK(deeds.left > 0);
    CHECK(deeds.bytes > deeds.sent);
}

TEST_CASE("a drain in the middle of the traffic ends every member's part of its room in order") {
    constexpr std::uint64_t steps = 4000;
    std::uint64_t drained = 0;
    for (std::uint64_t seed = first_seed(); seed <= last_seed(); ++seed) {
        CAPTURE(seed);
        SimWorld world(seed, {});
        world.go_on_for(seed * 37 % steps);
        world.drain();
        world.judge();
        for (const auto& client : world.clients()) {
            for (const Stay& stay : client->stays())
                drained += stay.drained ? 1 : 0;
        }
    }
    CHECK(drained > 0);
}

TEST_CASE("the same seed gives the same trace, another seed another") {
    std::uint64_t before = 0;
    for (std::uint64_t seed = first_seed(); seed <= std::min(last_seed(), first_seed() + 9);
         ++seed) {
        CAPTURE(seed);
        SimWorld once(seed, {});
        once.run();
        SimWorld again(seed, {});
        again.run();
        CHECK(once.trace_events() > 0);
        CHECK(once.trace_events() == again.trace_events());
        CHECK(once.trace_hash() == again.trace_hash());
        CHECK(once.trace_hash() != before);
        before = once.trace_hash();
    }
}

TEST_CASE("a hundred connections are spread evenly over four workers and own no coroutine") {
    const std::uint64_t seed = first_seed();
    CAPTURE(seed);
    SimWorld world(seed, {.workers = 4, .clients = 100, .actions = 3});
    world.come_to_rest();
    for (const std::uint64_t connections : world.counted(Metric::connections)) {
        CHECK(connections >= 23);  // 25, give or take a tenth
        CHECK(connections <= 27);
    }
    for (const std::uint64_t stacks : world.counted(Metric::stacks_high_water))
        CHECK(stacks < 25);
    world.drain();
    world.judge();
}

}  // namespace ringside::uring
