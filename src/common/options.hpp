#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/limits.hpp"
#include "common/sync_thread.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

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
    std::uint64_t inject_stall_ns = 0;  // 0: off; see stall.hpp
    ChatLimits chat;
    TimeLimits time;
};

/// Adds the common options to `app`, which then writes into `options` while parsing. Values out of
/// range and limits that contradict each other are usage errors that say what to give instead.
void add_server_options(CLI::App& app, ServerOptions& options);

// ---- building blocks, for the options that one program has alone ----
// Each names the value in --help, shows the present value of `target` as the default, and refuses
// what is out of range in one line. They return the option, so that the caller sets its group.

/// A whole number from `min` to `max`.
CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::size_t& target,
                              std::size_t min, std::size_t max, const std::string& description);
/// A duration as parse_duration_ns() reads it. `zero_is_off`: 0 and `off` are allowed as well.
CLI::Option* add_duration_option(CLI::App& app, const std::string& name, std::uint64_t& target_ns,
                                 std::uint64_t min_ns, std::uint64_t max_ns, bool zero_is_off,
                                 const std::string& description);
/// One of `words`, the first of which is the default; `store` is given its index.
CLI::Option* add_choice_option(CLI::App& app, const std::string& name,
                               const std::vector<std::string>& words,
                               const std::function<void(std::size_t)>& store,
                               const std::string& description);
/// A path that may not be empty.
CLI::Option* add_path_option(CLI::App& app, const std::string& name, std::string& target,
                             const std::string& description);
/// HOST:PORT with a host and a port up to 65535; whether the host exists shows later.
CLI::Option* add_address_option(CLI::App& app, const std::string& name, std::string& target,
                                const std::string& description);

/// "pipeline-server 0.1.0 (commit abc1234, gcc 12.2.0, debugoptimized)": the first line of
/// --version.
[[nodiscard]] std::string version_text(const std::string& program);

/// Parses the command line of `app`, whose name is the program's, and adds --version to it.
/// `version_extra` makes further lines for --version (what a probe found), without a newline at the
/// end. On --help, --version or a usage error prints to the right stream and returns the exit code
/// (0 or 2), else nothing and the program goes on.
[[nodiscard]] std::optional<int> parse_options(CLI::App& app, int argc, const char* const* argv,
                                               std::string (*version_extra)() = nullptr);

/// "10s", "250ms", "2m", "1h": a duration as options write it; "0" needs no unit. Nothing where the
/// text is no duration.
[[nodiscard]] std::optional<std::uint64_t> parse_duration_ns(const std::string& text);
/// The shortest text that parse_duration_ns() reads back; whole milliseconds.
[[nodiscard]] std::string duration_text(std::uint64_t duration_ns);

}  // namespace ringside
