#pragma once

#include <cstdint>

#include "loadgen/run_state.hpp"
#include "loadgen/ticks.hpp"

namespace ringside::loadgen {

// How late the load generator itself is (Latency::hiccup): a coroutine that is to wake at every
// millisecond of the load, whatever the server does and however many messages are on their way.
// What keeps it waiting keeps every user waiting: a long turn of the loop, another program on the
// CPU, a stopped process.
class HiccupProbe {
 public:
    static constexpr std::uint64_t interval_ns = 1'000'000;

    explicit HiccupProbe(RunState& run) noexcept : run_(run) {}

    /// Starts its coroutine, which ends by itself with the load, at most an interval after it; the
    /// probe must outlive it. Once.
    void start();

 private:
    void watch() noexcept;

    RunState& run_;
};

}  // namespace ringside::loadgen
