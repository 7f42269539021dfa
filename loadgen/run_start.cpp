#include "loadgen/run_start.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/atomic_file.hpp"
#include "common/result.hpp"
#include "common/server_start.hpp"
#include "loadgen/process_usage.hpp"
#include "loadgen/run.hpp"

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

void check_json(const Options& options) {
    if (options.json.empty()) return;
    std::error_code ignored;
    if (std::filesystem::is_directory(options.json, ignored)) {
        throw StartError(fmt::format("--json: {} is a folder; name a file", options.json));
    }
    std::filesystem::path folder = std::filesystem::path(options.json).parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw StartError(fmt::format("--json: cannot write into {} ({})", folder.native(),
                                 last_error("access").text()));
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

}  // namespace

void check_before_run(const Options& options) {
    check_server(options);
    check_json(options);
    check_hgrm(options);
    check_descriptors(options.users);
}

std::unique_ptr<Run> make_run(const Options& options, Interruption& interruption) {
    const uring::Probe probe = uring::probe_io_uring();
    const bool with_uring = uring::wants_uring(options.io, probe);
    const uring::IoOptions io_options{.connections_max = static_cast<std::uint32_t>(options.users)};
    return std::make_unique<Run>(
        options,
        with_uring ? uring::make_uring_io(probe, io_options) : uring::make_epoll_io(io_options),
        with_uring ? "uring" : "epoll", interruption);
}

bool write_file(const std::string& path, const std::string& text) {
    const Result<void> written = write_file_atomically(path, text);
    if (written) return true;
    fmt::print(stderr, "loadgen: cannot write {} ({})\n", path, written.error().text());
    return false;
}

}  // namespace ringside::loadgen
