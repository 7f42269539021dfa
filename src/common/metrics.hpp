#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringside {

// One table of every metric that servers and load generator export (metrics.cpp), so that HELP and
// TYPE of a name never differ between files: node-exporter would silently drop series if they did.

/// Counters and gauges of the servers; each thread counts in a CounterSet of its own.
enum class Metric : std::uint8_t {
    connections,        // gauge: open now
    connections_total,  // accepted since the start
    rooms,              // gauge
    members,            // gauge: members in rooms, summed
    messages_in_total,  // accepted into a room
    deliveries_total,   // message frames handed to the kernel, summed over members
    bytes_in_total,
    bytes_out_total,
    sends_total,
    ring_enters_total,   // io_uring_enter or epoll_wait calls
    completions_total,   // completions or ready descriptors
    system_calls_total,  // of the network I/O
    wakes_total,
    appends_total,  // writes to history files
    append_failures_total,
    appended_bytes_total,
    catch_up_reads_total,    // reads of history files for members behind
    coroutines,              // gauge: alive (uring server)
    stacks_high_water,       // gauge: most coroutine stacks in use at once (uring server)
    refusals_total,          // requests answered with failure
    held_messages_total,     // waited because their room had too many under way
    accept_errors_total,     // accepting paused
    buffer_shortages_total,  // receives that found no buffer (uring server)
    log_lines_dropped_total,
    count_,
};

/// Why the server closed a connection: label `reason` of ringside_drops_total.
enum class Drop : std::uint8_t {
    server_full,
    handshake_timeout,
    frame_timeout,
    idle_timeout,
    slow_consumer,
    lag,
    frame_too_long,
    storage,
    connection_error,
    no_memory,
    drain,
    count_,
};

[[nodiscard]] const char* drop_name(Drop drop) noexcept;  // "slow_consumer"

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// A row of the one table.
struct MetricInfo {
    std::string_view name;
    MetricKind kind = MetricKind::counter;
    std::string_view labels;  // comma-separated label names beside `server`; most have none
    std::string_view help;
};

/// Every metric there is, sorted as docs/metrics.md lists them.
[[nodiscard]] std::span<const MetricInfo> metric_table() noexcept;
[[nodiscard]] const MetricInfo& metric_info(Metric metric) noexcept;
/// Null where no metric has this name.
[[nodiscard]] const MetricInfo* find_metric(std::string_view name) noexcept;

// Counters of one thread: written by it alone (plain load, add, relaxed store), read by the
// metrics writer at any time (relaxed; values need no order among each other). A server's gauges
// are the sums over its sets, so each gauge is set in one of them only, or is the thread's own
// share. A cache line of its own: two threads that count never write to the same line.
class alignas(64) CounterSet {
 public:
    void add(Metric metric, std::uint64_t amount = 1) noexcept;
    /// For gauges that the thread computes itself.
    void set(Metric metric, std::uint64_t value) noexcept;
    void drop(Drop reason) noexcept;
    [[nodiscard]] std::uint64_t get(Metric metric) const noexcept;
    [[nodiscard]] std::uint64_t get(Drop reason) const noexcept;

 private:
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Metric::count_)> values_{};
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Drop::count_)> drops_{};
};

}  // namespace ringside
