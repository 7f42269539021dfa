// The pipeline server as a whole: what is made once, the wait for a signal, the end.
//
// 1. Everything that can fail for want of a port, a folder or a descriptor happens before the first
//    thread starts, so a server that cannot start ends with one line and code 2.
// 2. From then on the main thread only waits: for a signal, then for the stages' ends
// (pipeline.hpp).
// 3. The order of the end: stages, then the sync thread with what is due, then the folder's lock,
//    then the log.

#include "pipeline/server.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "common/clock.hpp"
#include "common/json_log.hpp"
#include "common/metrics_writer.hpp"
#include "common/notify.hpp"
#include "common/result.hpp"
#include "common/server_start.hpp"
#include "common/signals.hpp"
#include "common/socket_ops.hpp"
#include "pipeline/pipeline.hpp"

namespace ringside::pipeline {

namespace {

// Of a room that has members: two files, an epoll set, a pipe.
constexpr std::uint64_t rooms_descriptors = 5 * idle_open_rooms_max;

// A stage that has not ended so long after the drain's deadline waits for a disk that does not
// answer.
constexpr std::uint64_t overtime_ns = 1'000'000'000;
constexpr int blocked_wait_ms = 10;

const char* fsync_name(FsyncPolicy::Mode mode) noexcept {
    switch (mode) {
        case FsyncPolicy::Mode::never:
            return "never";
        case FsyncPolicy::Mode::interval:
            return "interval";
        case FsyncPolicy::Mode::always:
            return "always";
    }
    return "";
}

void log_start(JsonLog& log, const ServerOptions& options, std::uint16_t port,
               const RoomDirectory& rooms) {
    log.write(LogLevel::info, "serving",
              {{"version", version_text("pipeline-server")},
               {"port", port},
               {"data", options.data},
               {"rooms", rooms.size()},
               {"fsync", fsync_name(options.fsync.mode)},
               {"max_connections", options.connections_max}});
    for (const std::string& warning : rooms.warnings())
        log.write(LogLevel::warn, warning);
}

// The last resort: the history is in the file, what is lost is politeness.
[[noreturn]] void give_up() {
    std::fputs("pipeline-server: the drain did not end in time; ended without it\n", stderr);
    ::_exit(1);
}

void drain(Pipeline& pipeline, std::uint64_t drain_ns) {
    const std::uint64_t begun = monotonic_ns();
    // The last tenth is for closing and syncing.
    const std::uint64_t deadline = begun + drain_ns / 10 * 9;
    const std::uint64_t give_up_at = begun + drain_ns + overtime_ns;
    pipeline.drain(deadline);
    while (!pipeline.step()) {
        const std::uint64_t now = monotonic_ns();
        if (now >= give_up_at) give_up();
        const auto left_ms =
            static_cast<int>(std::min<std::uint64_t>((give_up_at - now) / 1'000'000 + 1, 60'000));
        pollfd waiting{pipeline.event_fd(), POLLIN, 0};
        ::poll(&waiting, 1, pipeline.blocked() ? std::min(left_ms, blocked_wait_ms) : left_ms);
    }
}

}  // namespace

int run_server(const ServerOptions& wanted) {
    StopSignals signals;
    JsonLog log(log_level_of(wanted), wanted.log_file);
    const ServerOptions options =
        within_descriptor_limit(wanted, own_descriptors + rooms_descriptors, log);
    auto shared = std::make_unique<Shared>(options, log);
    {
        UniqueFd listener = open_listener(options.listen);
        const std::uint16_t port = or_start_error(local_port(listener.get()));
        Pipeline pipeline(*shared, std::move(listener));
        const MetricsWriter metrics(options.metrics_textfile, options.metrics_interval_ns,
                                    {.labels = {{"server", "pipeline"}},
                                     .threads = {},
                                     .refresh = {},
                                     .more_threads = [&] { return shared->counters.all(); }},
                                    log);
        const PortFile port_file(options.port_file, port);
        pipeline.start();
        log_start(log, options, port, shared->directory);
        notify_manager("READY=1");

        const int number = signals.wait();
        notify_manager("STOPPING=1");
        log.write(LogLevel::info, "draining",
                  {{"signal", number}, {"connections", shared->sessions.taken()}});
        drain(pipeline, options.drain_ns);
    }
    shared.reset();
    log.write(LogLevel::info, "stopped");
    return 0;
}

}  // namespace ringside::pipeline
