#include "loadgen/run_start.hpp"

#include <fmt/format.h>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/server_start.hpp"
#include "loadgen/output.hpp"
#include "loadgen/process_usage.hpp"
#include "loadgen/run.hpp"
#include "loadgen/start_time.hpp"

namespace ringside::loadgen {

namespace {

// A connection is a descriptor; a few more are for the I/O, files and the like.
void check_descriptors(std::size_t users) {
    constexpr std::uint64_t spare = 32;
    const std::uint64_t wanted = users + spare;
    const std::uint64_t limit = raise_descriptor_limit();
    if (wanted <= limit) return;
    throw StartError(
        fmt::format("{} users need {} descriptors, but this process may have {}: take fewer "
                    "users or raise the limit (ulimit -Hn)",
                    users, wanted, limit));
}

void check_server(const Options& options) {
    if (options.server_pid == 0) return;
    if (!cpu_seconds_of(static_cast<pid_t>(options.server_pid))) {
        throw StartError(fmt::format("--server-pid: there is no process {}", options.server_pid));
    }
    if (options.workload != WorkloadKind::idle) return;
    if (!resident_bytes_of(static_cast<pid_t>(options.server_pid))) {
        throw StartError(
            fmt::format("--server-pid: cannot read /proc/{}/smaps_rollup; run loadgen as "
                        "the user that runs the server",
                        options.server_pid));
    }
}

// Before the run, not after its set-up.
void check_start(const Options& options) {
    if (options.start_ns == 0) return;
    const std::string problem = start_problem(options.start_ns, SystemWallClock().now_ns());
    if (!problem.empty()) throw StartError("--start-at: " + problem);
}

}  // namespace

void check_before_run(const Options& options) {
    check_server(options);
    check_start(options);
    check_outputs(options);
    check_descriptors(options.own_users());
}

std::unique_ptr<Run> make_run(const Options& options, Interruption& interruption) {
    const uring::Probe probe = uring::probe_io_uring();
    const bool with_uring = uring::wants_uring(options.io, probe);
    // Who comes back needs a new slot at once; that of the connection before is free a turn later.
    const uring::IoOptions io_options{.connections_max =
                                          2 * static_cast<std::uint32_t>(options.own_users())};
    return std::make_unique<Run>(
        options,
        with_uring ? uring::make_uring_io(probe, io_options) : uring::make_epoll_io(io_options),
        with_uring ? "uring" : "epoll", interruption);
}

}  // namespace ringside::loadgen
