#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/limits.hpp"
#include "common/sync_thread.hpp"

namespace CLI {
class App;
}

namespace ringside {

/// What both servers take from the command line; `--help` lists each with its default.
struct ServerOptions {
    std::string listen = "127.0.0.1:5000";
    std::string port_file;  // --port-file: the port, written once it accepts
    std::string data = "./ringside-data";
    FsyncPolicy fsync;
    std::string metrics_textfile;
    std::uint64_t metrics_interval_ns = 1'000'000'000;
    std::string log_level = "info";        // debug, info, warn, error, off
    std::string log_file;                  // empty: standard error
    std::size_t connections_max = 10'000;  // --max-connections
    std::uint64_t drain_ns = 10'000'000'000;
    ChatLimits chat;
    TimeLimits time;
};

/// Adds the common options to `app`, which then writes into `options` while parsing. Values out of
/// range are usage errors that name the range. Durations: `250ms`, `10s`, `2m`, `0` or `off`.
void add_server_options(CLI::App& app, ServerOptions& options);

/// "pipeline-server 0.1.0 (commit, compiler, build type)": the first line of --version.
[[nodiscard]] std::string version_text(const char* program);

/// Parses; on --help/--version/usage error prints to the right stream and returns the exit code
/// (0 or 2), else nothing and the program goes on.
[[nodiscard]] std::optional<int> parse_options(CLI::App& app, int argc, char** argv);

/// "10s", "250ms": a duration as options write it. Nothing where the text is no duration.
[[nodiscard]] std::optional<std::uint64_t> parse_duration_ns(const std::string& text);

}  // namespace ringside
