#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/result.hpp"
#include "common/server_start.hpp"
#include "loadgen/options.hpp"
#include "loadgen/process_usage.hpp"
#include "loadgen/report.hpp"
#include "loadgen/result_file.hpp"
#include "loadgen/run.hpp"

namespace ringside::loadgen {

namespace {

constexpr int usage_error = 2;

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

void check_hgrm(const Options& options) {
    if (options.hgrm.empty()) return;
    std::error_code failed;
    std::filesystem::create_directories(options.hgrm, failed);
    if (failed || ::access(options.hgrm.c_str(), W_OK | X_OK) != 0) {
        throw StartError(fmt::format("--hgrm: cannot write into {} ({})", options.hgrm,
                                     failed ? failed.message() : last_error("access").text()));
    }
}

// What the options ask for; false where something could not be written, which is told.
bool write_files(const Options& options, const Results& results) {
    bool all = options.json.empty() || write_result_file(options.json, json_report(results));
    if (options.hgrm.empty()) return all;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        const Histogram& latency = results.recorder.latency(kind);
        if (latency.count() == 0) continue;
        all &= write_result_file(fmt::format("{}/{}.hgrm", options.hgrm, latency_name(kind)),
                                 hgrm_report(latency));
    }
    return all;
}

int run(const Options& options) {
    check_server(options);
    check_result_file("--json", options.json);
    check_hgrm(options);
    check_descriptors(options.users);
    Interruption interruption = or_start_error(Interruption::make());
    const uring::Probe probe = uring::probe_io_uring();
    const bool with_uring = uring::wants_uring(options.io, probe);
    const uring::IoOptions io_options{.connections_max = static_cast<std::uint32_t>(options.users)};
    Run load(
        options,
        with_uring ? uring::make_uring_io(probe, io_options) : uring::make_epoll_io(io_options),
        with_uring ? "uring" : "epoll", interruption);
    const Results results = load.execute();
    const int code = results.exit_code();
    if (results.failure.empty() || results.measured_seconds > 0) {
        fmt::print("{}", table_report(results));
    }
    if (!results.failure.empty()) fmt::print(stderr, "loadgen: {}\n", results.failure);
    return write_files(options, results) ? code : std::max(code, usage_error);
}

}  // namespace

}  // namespace ringside::loadgen

int main(int argc, char** argv) {
    using namespace ringside;
    loadgen::Options options;
    loadgen::Command command;
    try {
        if (const auto code = loadgen::read_options(argc, argv, options, command)) return *code;
        return command ? command() : loadgen::run(options);
    } catch (const StartError& problem) {
        fmt::print(stderr, "loadgen: {}\n", problem.what());
        return loadgen::usage_error;
    }
}
