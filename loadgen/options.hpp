#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "loadgen/payload.hpp"
#include "loadgen/protocol.hpp"
#include "loadgen/scenario.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/shards.hpp"
#include "loadgen/slo.hpp"
#include "uring_async/io/io_choice.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ringside::loadgen {

enum class WorkloadKind : std::uint8_t { thesis, fanout, idle, scenario };

/// What the command line says; `--help` lists each with its default.
struct Options {
    WorkloadKind workload = WorkloadKind::thesis;
    Protocol protocol = Protocol::chat;
    // The load, of which this process may have a share only (`shards`).
    std::size_t users = 10;       // --users; fanout: rooms times members
    std::size_t outstanding = 1;  // messages without an own copy, per sender
    std::size_t rooms = 1;        // fanout and idle, as the next three
    std::size_t members = 100;    // per room, publishers included; idle: at most
    std::size_t publishers = 1;   // per room; idle: 0
    std::size_t payload_bytes = payload_bytes_min;
    std::optional<Scenario> scenario;  // exactly for WorkloadKind::scenario
    std::optional<Slo> slo;
    Offered offered;  // fanout: by all publishers together
    Shards shards;    // --shard
    /// --start-at: when the load begins, in nanoseconds since 1970-01-01 UTC; 0: once set up.
    std::int64_t start_ns = 0;

    std::string connect = "127.0.0.1:5000";
    std::size_t sources = 1;  // loopback addresses to connect from
    std::uint64_t duration_ns = 10'000'000'000;
    std::uint64_t warm_up_ns = 2'000'000'000;
    std::size_t seed = 1;
    std::string json;              // empty: none; "-": standard output, as the next
    std::string csv;               // empty: none
    std::string hgrm;              // a folder; empty: none
    std::string metrics_textfile;  // empty: none
    std::uint64_t metrics_interval_ns = 1'000'000'000;
    std::string server_label = "unknown";
    std::size_t server_pid = 0;  // 0: none
    bool quiet = false;          // no progress on standard error
    uring::IoChoice io = uring::IoChoice::automatic;
    /// No option of the command line: a server that lets so much of the end go by without a byte is
    /// not waited for.
    std::uint64_t drain_patience_ns = 5'000'000'000;

    /// What this process has of the load: users of its rooms in fanout; idle, each process has
    /// `rooms` of its own.
    [[nodiscard]] std::size_t own_users() const noexcept;
    [[nodiscard]] std::size_t own_rooms() const noexcept;
    /// The number in the whole load of this process's user, so that processes make together the
    /// very decisions, and keep the very schedule, that one would.
    [[nodiscard]] std::uint64_t place_of(std::uint64_t own_number) const noexcept;
};

inline constexpr int usage_error = 2;  // exit code

[[nodiscard]] const char* workload_name(WorkloadKind kind) noexcept;  // "fanout"
/// The workload, and of a scenario its name: "fanout", "run:churn".
[[nodiscard]] std::string load_name(const Options& options);
/// What a run is judged by where nothing else is said: to the last member, where any is counted.
[[nodiscard]] Latency usual_latency(const Options& options);

// ---- for commands that run fanout at rates of their own ----
/// Makes `options` those of fanout with a rate, and adds all that such a run takes but the rate
/// itself, --duration, --slo and what can hold one run alone.
void add_rate_run_options(CLI::App& app, Options& options);
/// `meaning` opens the option's description.
void add_slo_option(CLI::App& app, Options& options, const std::string& meaning);
/// --server-label, which ends up in tables and files: no control characters.
CLI::Option* add_server_label(CLI::App& app, std::string& target);
/// Sets what follows from other options; why these make no sense together, or null.
[[nodiscard]] const char* settle(Options& options);

/// What the program does instead of a run; returns its exit code. May throw StartError.
using Command = std::function<int()>;

/// Nothing where the program goes on, else its exit code: 0 after --help and --version, 2 after a
/// usage error, which is told on standard error. Goes on with `command` where that is set, else
/// with the run that `options` describe.
[[nodiscard]] std::optional<int> read_options(int argc, const char* const* argv, Options& options,
                                              Command& command);

}  // namespace ringside::loadgen
