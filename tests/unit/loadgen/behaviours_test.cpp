#include "loadgen/behaviours.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("with fewer than four rooms a user always makes one") {
    Random random(1, 2);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(wanderer_wants_room(random, static_cast<std::uint32_t>(i % 4)));
    }
}

TEST_CASE("with four rooms a user makes one in 0.2 % of its rounds, and leaves in 5 %") {
    Random random(GENERATE(1U, 2U, 3U), 0);
    int made = 0;
    int left = 0;
    constexpr int rounds = 1'000'000;
    for (int i = 0; i < rounds; ++i) {
        made += wanderer_wants_room(random, 4) ? 1 : 0;
        left += wanderer_wants_to_leave(random) ? 1 : 0;
    }
    // Five standard deviations.
    CHECK(std::abs(made - rounds * 0.002) < 5 * 44.7);
    CHECK(std::abs(left - rounds * 0.05) < 5 * 217.9);
}

TEST_CASE("the same seed makes the same decisions, another user or seed makes others") {
    const auto draw = [](std::uint64_t seed, std::uint64_t user) {
        Random random(seed, user);
        std::vector<std::uint32_t> drawn;
        for (int i = 0; i < 20; ++i)
            drawn.push_back(random.below(1000));
        return drawn;
    };
    CHECK(draw(1, 1) == draw(1, 1));
    CHECK(draw(1, 1) != draw(1, 2));
    CHECK(draw(1, 1) != draw(2, 1));
    CHECK(draw(0, 1) != draw(1, 0));
}

TEST_CASE("random numbers stay below their limit and reach all of it") {
    Random random(7);
    std::vector<int> seen(10);
    for (int i = 0; i < 10'000; ++i)
        ++seen.at(random.below(10));
    for (const int count : seen)
        CHECK(count > 800);
}
