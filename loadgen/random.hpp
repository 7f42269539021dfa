#pragma once

#include <cstdint>

namespace ringside::loadgen {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014):
// eight bytes of state, so every virtual user has one of its own, and a run with the same --seed
// makes the same decisions however its users interleave.
class Random {
 public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
    /// The generator of one virtual user: streams of different users are unrelated.
    Random(std::uint64_t seed, std::uint64_t user) noexcept : state_(mix(seed) ^ mix(~user)) {}

    [[nodiscard]] std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        return mix(state_);
    }
    /// 0 <= result < `limit`; `limit` is at least 1 and below 2^32. The bias is below 2^-32.
    [[nodiscard]] std::uint32_t below(std::uint32_t limit) noexcept {
        return static_cast<std::uint32_t>(((next() >> 32U) * limit) >> 32U);
    }
    /// Above 0, at most 1, in steps of 2^-53.
    [[nodiscard]] double fraction() noexcept {
        return static_cast<double>((next() >> 11U) + 1) * 0x1p-53;
    }
    /// True in `permille` of 1,000 calls.
    [[nodiscard]] bool chance(std::uint32_t permille) noexcept { return below(1000) < permille; }

    [[nodiscard]] static std::uint64_t mix(std::uint64_t value) noexcept {
        value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
        value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
        return value ^ (value >> 31U);
    }

 private:
    std::uint64_t state_;
};

}  // namespace ringside::loadgen
