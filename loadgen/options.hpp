#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "loadgen/payload.hpp"
#include "loadgen/protocol.hpp"
#include "loadgen/schedule.hpp"
#include "loadgen/slo.hpp"
#include "uring_async/io/io_choice.hpp"

namespace CLI {
class App;
}

namespace ringside::loadgen {

enum class WorkloadKind : std::uint8_t { thesis, fanout, idle };

/// What the command line says; `--help` lists each with its default.
struct Options {
    WorkloadKind workload = WorkloadKind::thesis;
    Protocol protocol = Protocol::chat;
    std::size_t users = 10;       // --users; fanout: rooms times members
    std::size_t outstanding = 1;  // messages without an own copy, per sender
    std::size_t rooms = 1;        // fanout and idle, as the next three
    std::size_t members = 100;    // per room, publishers included; idle: at most
    std::size_t publishers = 1;   // per room; idle: 0
    std::size_t payload_bytes = payload_bytes_min;
    std::optional<Slo> slo;
    Offered offered;  // fanout: by all publishers together

    std::string connect = "127.0.0.1:5000";
    std::uint64_t duration_ns = 10'000'000'000;
    std::uint64_t warm_up_ns = 2'000'000'000;
    std::size_t seed = 1;
    std::string json;              // empty: none
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
};

[[nodiscard]] const char* workload_name(WorkloadKind kind) noexcept;  // "fanout"
/// What a run of it is judged by.
[[nodiscard]] Latency usual_latency(WorkloadKind kind) noexcept;

/// Messages a second that can be asked for.
inline constexpr std::size_t per_second_max = 10'000'000;

// ---- for commands that run fanout at rates of their own ----
/// Makes `options` those of fanout with a rate, and adds all that such a run takes but the rate
/// itself, --duration, --slo and what can hold one run alone.
void add_rate_run_options(CLI::App& app, Options& options);
/// `meaning` opens the option's description.
void add_slo_option(CLI::App& app, Options& options, const std::string& meaning);
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
