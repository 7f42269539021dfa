#include "common/name_registry.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

namespace ringside {

TEST_CASE("a name in use is refused until it is released") {
    NameRegistry names;
    CHECK(names.take("ann"));
    CHECK_FALSE(names.take("ann"));
    CHECK(names.size() == 1);
    names.release("ann");
    CHECK(names.size() == 0);
    CHECK(names.take("ann"));
}

TEST_CASE("names are told apart byte by byte") {
    NameRegistry names;
    CHECK(names.take("ann"));
    CHECK(names.take("Ann"));
    CHECK(names.take("ann "));
    CHECK(names.take("\xC3\xA9"));   // é as one code point
    CHECK(names.take("e\xCC\x81"));  // é as two
    CHECK(names.size() == 5);
}

TEST_CASE("of many threads that want one name exactly one gets it") {
    constexpr int rounds = 200;
    constexpr int threads = 4;
    NameRegistry names;
    std::atomic<int> taken{0};  // how many take() were true, over all rounds
    std::vector<std::thread> takers;
    for (int thread = 0; thread < threads; ++thread) {
        takers.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                if (names.take("name" + std::to_string(round))) taken.fetch_add(1);
            }
        });
    }
    for (std::thread& taker : takers)
        taker.join();
    CHECK(taken.load() == rounds);
    CHECK(names.size() == rounds);
}

}  // namespace ringside
