#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace ringside {

// The one source of chance of a seeded test: the same seed gives the same numbers everywhere.
// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
class Random {
 public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
        return mixed ^ (mixed >> 31U);
    }
    /// 0 … bound - 1; `bound` is not 0. The bias is below 2^-40 for the bounds of a test.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    /// first … last.
    std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
        return first + below(last - first + 1);
    }
    bool chance(unsigned permille) noexcept { return below(1000) < permille; }

    template <typename T>
    void shuffle(std::vector<T>& items) noexcept {
        for (std::size_t i = items.size(); i > 1; --i)
            std::swap(items[i - 1], items[below(i)]);
    }

 private:
    std::uint64_t state_;
};

}  // namespace ringside
