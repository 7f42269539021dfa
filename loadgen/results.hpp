#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/generator_limit.hpp"
#include "loadgen/options.hpp"
#include "loadgen/origin.hpp"
#include "loadgen/recorder.hpp"
#include "loadgen/violations.hpp"

namespace ringside::loadgen {

/// Of what is offered; where a server keeps up, the rest is on its way when the window closes.
inline constexpr double achieved_share_min = 0.99;

/// Whether the figures are the load generator's rather than the server's.
struct GeneratorVerdict {
    bool busy = false;  // its one thread had hardly any time left in the window
    std::string limit;  // why they are; empty where they are not
};

/// What a run ends with; the report is made of nothing else.
struct Results {
    const Options& options;
    const Recorder& recorder;
    const Violations& violations;

    std::string io;       // "uring" or "epoll"
    std::string started;  // UTC, "2026-11-21T02:03:04Z"
    std::string failure;  // why the run could not go on; empty where it could
    bool interrupted = false;
    std::uint64_t connections = 0;  // names taken: who comes back takes its own again
    double warm_up_seconds = 0;
    double measured_seconds = 0;
    double loadgen_cpu_seconds = 0;              // in the measured window, as the next three
    std::uint64_t involuntary_switches = 0;      // of the load generator
    std::optional<double> steal_share{};         // of all CPUs' time; empty where it is not told
    std::optional<double> server_cpu_seconds{};  // with --server-pid
    // The server's memory in RAM, idle with --server-pid: before the first connect, and at the end
    // of the measured window, when all have been idle for all of it.
    std::optional<std::uint64_t> resident_bytes_before{};
    std::optional<std::uint64_t> resident_bytes_idle{};
    Origin origin{};
    // When the measured window opened, in nanoseconds since 1970-01-01 UTC; empty: never.
    std::optional<std::int64_t> window_started_ns{};
    // Of results without a run: as they say, or as merge() finds. Empty: judged by the figures.
    std::optional<GeneratorVerdict> generator{};

    /// These are of the whole load and not of some of its shards. Else the server's figures, which
    /// all shards have caused, cannot be divided by what these have done.
    [[nodiscard]] bool whole_load() const noexcept { return options.shards.complete(); }
    /// What one more connection takes of the server's memory, where that is known.
    [[nodiscard]] std::optional<double> resident_bytes_per_connection() const noexcept {
        if (!resident_bytes_before || !resident_bytes_idle || !whole_load()) return std::nullopt;
        return (static_cast<double>(*resident_bytes_idle) -
                static_cast<double>(*resident_bytes_before)) /
               static_cast<double>(options.own_users());
    }
    /// Deliveries of the window for each CPU second of the server's, where that is known; 0 where
    /// it used none.
    [[nodiscard]] std::optional<double> deliveries_per_server_cpu_second() const noexcept {
        if (!server_cpu_seconds || !whole_load()) return std::nullopt;
        if (*server_cpu_seconds <= 0) return 0;
        return static_cast<double>(recorder.window_counts().deliveries) / *server_cpu_seconds;
    }
    /// How much of the window the load generator's one thread was running; 1 is all of it.
    [[nodiscard]] double busy_share() const noexcept {
        return measured_seconds > 0 ? loadgen_cpu_seconds / measured_seconds : 0;
    }
    /// As GeneratorVerdict::busy.
    [[nodiscard]] bool generator_busy() const noexcept;
    /// What whoever reads the figures should know, a sentence each; the run is valid all the same.
    [[nodiscard]] std::vector<std::string> warnings() const;
    /// Why the figures say more of the load generator than of the server (generator_limit.hpp);
    /// empty where they do not.
    [[nodiscard]] std::string generator_limit() const;
    /// The same by the figures, whatever `generator` says. `busy`: share of the window.
    [[nodiscard]] std::string limit_by_figures(double busy) const;
    /// Messages a second: such as were due, and those of users who send without a schedule.
    [[nodiscard]] double offered_per_second() const noexcept {
        if (measured_seconds <= 0) return 0;
        const Counts window = recorder.window_counts();
        const std::uint64_t due = options.offered.per_second != 0 ? recorder.messages_due : 0;
        const std::uint64_t unscheduled = window.messages_sent - window.messages_scheduled;
        return static_cast<double>(due + unscheduled) / measured_seconds;
    }
    /// Own copies a second.
    [[nodiscard]] double achieved_per_second() const noexcept {
        if (measured_seconds <= 0) return 0;
        return static_cast<double>(recorder.window_counts().messages_answered) / measured_seconds;
    }
    [[nodiscard]] bool valid() const {
        return failure.empty() && violations.total() == 0 && generator_limit().empty();
    }
    /// The latency that --slo is of, which it may name.
    [[nodiscard]] Latency slo_latency() const noexcept;
    /// Whether --slo was met; empty without one.
    [[nodiscard]] std::optional<SloVerdict> slo() const;
    /// 0 fine, 1 the run could not go on, 3 --slo was missed, 4 a violation or a limit of the load
    /// generator, 130 interrupted.
    [[nodiscard]] int exit_code() const {
        if (violations.total() > 0) return 4;
        if (!failure.empty()) return 1;
        if (!generator_limit().empty()) return 4;
        if (interrupted) return 130;
        const std::optional<SloVerdict> verdict = slo();
        return verdict && !verdict->met.value_or(false) ? 3 : 0;
    }

 private:
    // Why it cannot be told whether the server missed --slo: by no more than the lateness of the
    // load generator at that percentile; empty where it can be.
    [[nodiscard]] std::string slo_limit() const;
};

}  // namespace ringside::loadgen
