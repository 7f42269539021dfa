#pragma once

#include <memory>

#include "loadgen/report.hpp"
#include "loadgen/result_file.hpp"

namespace ringside::test {

/// Results of a run that never took place: 10 s of fanout in an open loop at 1,000 messages a
/// second over four rooms of 10, every latency once a millisecond up to `latencies` of them.
inline std::unique_ptr<loadgen::StoredResults> canned_results(std::uint64_t latencies = 2000) {
    using namespace loadgen;
    auto out = std::make_unique<StoredResults>();
    Options& options = out->options;
    options.workload = WorkloadKind::fanout;
    options.rooms = 4;
    options.members = 10;
    options.users = 40;
    options.outstanding = 1024;
    options.payload_bytes = 64;
    options.offered = {.per_second = 1000, .arrivals = Arrivals::poisson, .burst = 2};
    options.server_label = "uring";
    options.server_pid = 42;
    Results& results = out->results;
    results.io = "uring";
    results.started = "2026-11-21T02:03:04Z";
    results.connections = 40;
    results.warm_up_seconds = 2;
    results.measured_seconds = 10.001;
    results.window_started_ns = 1'800'000'000'250'000'000;
    results.loadgen_cpu_seconds = 3.5;
    results.server_cpu_seconds = 5.25;
    results.origin = {"0.1.0", "abc1234", "gcc 12.2.0", "debugoptimized",
                      Machine{"6.1.0", "A CPU", 2}};
    Counts run;
    run.deliveries = 120'000;
    run.requests = {40, 4, 40, 12'000, 40};
    Counts window;
    window.messages_sent = 9990;
    window.messages_answered = 9980;
    window.deliveries = 99'800;
    window.bytes_received = 11'000'000;
    out->recorder.add(run, window);
    out->recorder.messages_due = 10'000;
    out->recorder.messages_unsent = 10;
    for (std::uint64_t i = 1; i <= latencies; ++i) {
        out->recorder.record_always(Latency::own_copy, i * 1'000'000);
        out->recorder.record_always(Latency::send_lag, 1000);
    }
    out->file = "a.json";
    return out;
}

}  // namespace ringside::test
