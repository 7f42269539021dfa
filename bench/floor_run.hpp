#pragma once

#include <cstddef>
#include <cstdint>

#include "common/result.hpp"

namespace ringside::bench {

/// How the sender reaches the kernel.
enum class SendWay : std::uint8_t { uring, send };

/// Where the two threads run: both on one CPU, or each on its own.
enum class Cpus : std::uint8_t { one, two };

struct FloorLoad {
    std::size_t connections = 100;
    std::size_t batch = 16;   // messages per send
    std::size_t bytes = 112;  // per message
    std::size_t ahead = 1;    // rounds that may be on their way, 1: lock-step
    std::uint64_t warm_up_ns = 300'000'000;
    std::uint64_t duration_ns = 2'000'000'000;
    Cpus cpus = Cpus::one;
};

/// All counts are of the measured time, which begins and ends between two rounds.
struct FloorFigures {
    double seconds = 0;
    double sender_cpu_seconds = 0;
    double receiver_cpu_seconds = 0;
    std::uint64_t rounds = 0;
    std::uint64_t messages = 0;
    std::uint64_t sends = 0;
    std::uint64_t short_sends = 0;   // of these, such that took less than offered
    std::uint64_t system_calls = 0;  // of the sender, its waiting included
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
};

/// Runs the load once, on connections of its own; the calling thread is the sender and stays bound
/// to its CPU. The Error: bytes that were sent did not arrive, or a connection broke. Throws
/// StartError where the load cannot be set up here.
[[nodiscard]] Result<FloorFigures> run_floor(const FloorLoad& load, SendWay way);

}  // namespace ringside::bench
