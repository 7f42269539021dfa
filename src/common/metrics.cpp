#include "common/metrics.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace ringside {

namespace {

using enum MetricKind;

// The rows of the enum Metric come first and in its order; metric_info() rests on that.
constexpr MetricInfo table[] = {
    {"ringside_connections", gauge, "", "Connections that are open now."},
    {"ringside_connections_total", counter, "", "Connections accepted since the start."},
    {"ringside_rooms", gauge, "", "Chat rooms that exist."},
    {"ringside_members", gauge, "", "Members in rooms, summed over all rooms."},
    {"ringside_messages_in_total", counter, "", "Messages accepted into a room."},
    {"ringside_deliveries_total", counter, "",
     "Message frames handed to the kernel, summed over all members."},
    {"ringside_bytes_in_total", counter, "", "Bytes received from clients."},
    {"ringside_bytes_out_total", counter, "", "Bytes that sockets took for clients."},
    {"ringside_sends_total", counter, "", "Send operations on client sockets."},
    {"ringside_ring_enters_total", counter, "",
     "Calls that wait for events: io_uring_enter or epoll_wait."},
    {"ringside_completions_total", counter, "",
     "Events taken from the kernel: io_uring completions or ready descriptors of epoll."},
    {"ringside_system_calls_total", counter, "", "System calls of the network input and output."},
    {"ringside_wakes_total", counter, "", "Wake-ups of one thread of the server by another."},
    {"ringside_appends_total", counter, "", "Writes to history files."},
    {"ringside_append_failures_total", counter, "", "Writes to history files that failed."},
    {"ringside_appended_bytes_total", counter, "", "Bytes written to history files."},
    {"ringside_catch_up_reads_total", counter, "",
     "Reads of history files for members that are behind."},
    {"ringside_coroutines", gauge, "", "Coroutines that are alive (uring server)."},
    {"ringside_stacks_high_water", gauge, "",
     "Most coroutine stacks in use at the same time (uring server)."},
    {"ringside_refusals_total", counter, "", "Requests answered with a failure."},
    {"ringside_held_messages_total", counter, "",
     "Messages that waited because too many of their room were not stored yet."},
    {"ringside_accept_errors_total", counter, "",
     "Failures to accept, for want of descriptors or memory: accepting pauses."},
    {"ringside_buffer_shortages_total", counter, "",
     "Receives that had to wait for a buffer (uring server)."},
    {"ringside_log_lines_dropped_total", counter, "",
     "Log lines dropped because the log's queue was full or a write failed."},
    // From here on: what is no single counter of a thread.
    {"ringside_drops_total", counter, "reason", "Connections closed by the server, by reason."},
    {"ringside_deliveries_per_send", gauge, "",
     "Message frames per send operation, average since the start."},
    {"ringside_process_cpu_seconds_total", counter, "",
     "User and system CPU time of the process in seconds."},
    {"ringside_process_resident_bytes", gauge, "", "Resident memory of the process in bytes."},
    {"ringside_build_info", gauge, "version,commit",
     "Always 1; the labels say what the program was built from."},
    // The load generator's.
    {"ringside_load_deliveries_total", counter, "workload",
     "Message frames received since the start of the run."},
    {"ringside_load_replayed_total", counter, "workload",
     "Deliveries that were in the room before the member joined."},
    {"ringside_load_messages_sent_total", counter, "workload",
     "Messages sent since the start of the run."},
    {"ringside_load_bytes_received_total", counter, "workload",
     "Bytes received since the start of the run."},
    {"ringside_load_connections", gauge, "workload",
     "Users that have a name and are connected now."},
    {"ringside_load_violations_total", counter, "workload,kind",
     "Deliveries that break a promise of the protocol, by kind."},
    {"ringside_load_offered_messages_per_second", gauge, "workload",
     "Messages per second that were to be sent: what schedules say, and those sent without one in "
     "the measured window."},
    {"ringside_load_achieved_messages_per_second", gauge, "workload",
     "Messages per second whose own copy came back, average over the measured window."},
    {"ringside_load_latency_seconds", histogram, "workload,request",
     "Time from a request in the measured window to its answer or delivery, in seconds."},
    {"ringside_load_measuring", gauge, "workload",
     "1 in the measured window, 0 before and after it."},
    {"ringside_load_phase", gauge, "workload,phase",
     "1 for the phase that the run is in, 0 for the others."},
    {"ringside_load_invalid", gauge, "workload,reason",
     "1 where this reason makes the run invalid so far, else 0; a run is valid where all are 0."},
    // Of loadgen ingest-log.
    {"ringside_ingest_lines_total", counter, "level", "Good log lines read, by level."},
    {"ringside_ingest_broken_lines_total", counter, "",
     "Lines read that are no log line of a server."},
    {"ringside_ingest_bytes_total", counter, "", "Bytes of log read."},
    {"ringside_ingest_request_seconds", histogram, "request",
     "Time from the receipt of a request to its answer, as the server logged it, in seconds."},
};

constexpr std::size_t index(Metric metric) {
    return static_cast<std::size_t>(metric);
}

static_assert(std::size(table) >= index(Metric::count_));

}  // namespace

std::span<const MetricInfo> metric_table() noexcept {
    return table;
}

const MetricInfo& metric_info(Metric metric) noexcept {
    RINGSIDE_ASSERT(metric < Metric::count_);
    return table[index(metric)];
}

const MetricInfo* find_metric(std::string_view name) noexcept {
    const auto row = std::ranges::find(table, name, &MetricInfo::name);
    return row == std::end(table) ? nullptr : row;
}

const char* drop_name(Drop drop) noexcept {
    switch (drop) {
        case Drop::server_full:
            return "server_full";
        case Drop::handshake_timeout:
            return "handshake_timeout";
        case Drop::frame_timeout:
            return "frame_timeout";
        case Drop::idle_timeout:
            return "idle_timeout";
        case Drop::slow_consumer:
            return "slow_consumer";
        case Drop::lag:
            return "lag";
        case Drop::frame_too_long:
            return "frame_too_long";
        case Drop::storage:
            return "storage";
        case Drop::connection_error:
            return "connection_error";
        case Drop::no_memory:
            return "no_memory";
        case Drop::drain:
            return "drain";
        case Drop::count_:
            break;
    }
    RINGSIDE_ASSERT(!"no such drop reason");
}

namespace {

// One writer, so a plain load and store suffice; relaxed because a reader needs no order among
// values (no partner).
void bump(std::atomic<std::uint64_t>& value, std::uint64_t amount) noexcept {
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

void CounterSet::add(Metric metric, std::uint64_t amount) noexcept {
    bump(values_[index(metric)], amount);
}

void CounterSet::set(Metric metric, std::uint64_t value) noexcept {
    values_[index(metric)].store(value, std::memory_order_relaxed);  // no partner, see bump()
}

void CounterSet::drop(Drop reason) noexcept {
    bump(drops_[static_cast<std::size_t>(reason)], 1);
}

std::uint64_t CounterSet::get(Metric metric) const noexcept {
    return values_[index(metric)].load(std::memory_order_relaxed);  // no partner, see bump()
}

std::uint64_t CounterSet::get(Drop reason) const noexcept {
    return drops_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);  // as above
}

}  // namespace ringside
