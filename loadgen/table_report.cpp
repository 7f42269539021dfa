#include <fmt/format.h>

#include <algorithm>

#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::size_t table_columns = 80;

std::string rate(double amount, double seconds) {
    if (seconds <= 0) return "-";
    return grouped(static_cast<std::uint64_t>(amount / seconds + 0.5));
}

// Microseconds in seven columns, seconds where those are too few: the figures that matter.
std::string micros(std::uint64_t ns) {
    const double us = static_cast<double>(ns) / 1000;
    if (us < 99.95) return fmt::format("{:.1f}", us);
    if (us >= 9'999'999.5) return fmt::format("{:.2f} s", us / 1e6);
    return fmt::format("{:.0f}", us);
}

std::string quantile(const Histogram& histogram, double q) {
    return supports_quantile(histogram.count(), q) ? micros(histogram.at_quantile(q)) : "-";
}

std::string sending_text(const Sending& sending) {
    if (sending.outstanding == 0) return "";
    return sending.offered.per_second != 0
               ? fmt::format(", {} messages/s", grouped(sending.offered.per_second))
               : fmt::format(", outstanding {}", sending.outstanding);
}

void describe(std::string& out, const Scenario& scenario) {
    for (const UserGroup& group : scenario.groups) {
        out += fmt::format("  {} {}: {}", grouped(group.count), group.name,
                           behaviour_name(group.does));
        if (has_room(group.does)) {
            const RoomSet& set = scenario.rooms[group.rooms];
            out += fmt::format(", {} (rooms: {})", set.name, grouped(set.count));
        }
        out += fmt::format("{}\n", sending_text(group.sending));
    }
}

// What of the load above the figures are of.
void shards(std::string& out, const Options& options) {
    const Shards& shards = options.shards;
    if (shards.of == 1) return;
    if (shards.parts.size() == 1) {
        out += fmt::format("shard {} of {}: ", shards.parts.front(), shards.of);
    } else {
        out += fmt::format("{} of {} shards merged: ", shards.parts.size(), shards.of);
    }
    out += fmt::format("{} of {} users\n", grouped(options.own_users()), grouped(options.users));
}

void head(std::string& out, const Results& results) {
    const Options& options = results.options;
    if (options.workload == WorkloadKind::scenario) {
        out += fmt::format("{} against {} ({}), I/O {}\n", options.scenario->name, options.connect,
                           options.server_label, results.io);
        describe(out, *options.scenario);
        out += fmt::format("measured {:.2f} s after {:.2f} s of warm-up{}\n\n",
                           results.measured_seconds, results.warm_up_seconds,
                           results.interrupted ? "; INTERRUPTED" : "");
        return;
    }
    out += fmt::format("{} against {} ({}), protocol {}, I/O {}\n", workload_name(options.workload),
                       options.connect, options.server_label, protocol_name(options.protocol),
                       results.io);
    if (options.workload == WorkloadKind::fanout) {
        out += fmt::format("rooms: {}, members each: {}, publishers each: {}, ", options.rooms,
                           options.members, options.publishers);
    } else {
        out += fmt::format("users: {}, ", options.users);
    }
    const char* const ending = results.interrupted ? "; INTERRUPTED" : "";
    if (options.workload == WorkloadKind::idle) {
        out += fmt::format("rooms: {}\n", options.rooms);
        shards(out, options);
        out += fmt::format("idle for {:.2f} s{}\n\n", results.measured_seconds, ending);
        return;
    }
    out += fmt::format("outstanding: {}, bytes: {}\n", options.outstanding, options.payload_bytes);
    if (options.offered.per_second != 0) {
        out += fmt::format("open loop: {} messages/s, arrivals {}, bursts of {}\n",
                           grouped(options.offered.per_second),
                           arrivals_name(options.offered.arrivals), options.offered.burst);
    }
    shards(out, options);
    out += fmt::format("measured {:.2f} s after {:.2f} s of warm-up{}\n\n",
                       results.measured_seconds, results.warm_up_seconds, ending);
}

// How the load generator and its machine fared: what is to be known before the figures are
// believed.
void honesty(std::string& out, const Results& results) {
    out += fmt::format("  {:<18}{:>14.1f} %{:>16} involuntary switches\n", "loadgen busy",
                       100 * results.busy_share(), grouped(results.involuntary_switches));
    if (!results.steal_share) return;
    out += fmt::format("  {:<18}{:>14.1f} %  of all CPUs' time, by the hypervisor\n", "stolen",
                       100 * *results.steal_share);
}

void figures(std::string& out, const Results& results) {
    const Counts window = results.recorder.window_counts();
    const auto row = [&](std::string_view name, std::uint64_t amount, std::string_view remark) {
        out += fmt::format("  {:<18}{:>16}{:>16} /s{}\n", name, grouped(amount),
                           rate(static_cast<double>(amount), results.measured_seconds), remark);
    };
    if (results.options.offered.per_second != 0) {
        row("messages due", results.recorder.messages_due, "");
        if (results.recorder.messages_unsent > 0) {
            row("never sent", results.recorder.messages_unsent, "  beyond the limit");
        }
    }
    row("messages sent", window.messages_sent, "");
    row("own copies back", window.messages_answered, "");
    if (results.recorder.messages_unanswered > 0) {
        row("never received", results.recorder.messages_unanswered, "  by anybody");
    }
    row("deliveries", window.deliveries,
        window.replayed == 0 ? "" : "  " + grouped(window.replayed) + " replayed");
    if (window.hostile_sessions > 0) row("hostile sessions", window.hostile_sessions, "");
    const auto cpu = [&](std::string_view name, double seconds, const std::string& deliveries) {
        out += fmt::format("  {:<18}{:>14.2f} s{:>16} deliveries a CPU-second\n", name, seconds,
                           deliveries);
    };
    if (results.server_cpu_seconds) {
        const auto deliveries = results.deliveries_per_server_cpu_second();
        cpu("server CPU", *results.server_cpu_seconds,
            deliveries ? rate(*deliveries, *deliveries > 0 ? 1 : 0) : "-");
    }
    cpu("loadgen CPU", results.loadgen_cpu_seconds,
        rate(static_cast<double>(window.deliveries), results.loadgen_cpu_seconds));
    honesty(out, results);
}

void memory(std::string& out, const Results& results) {
    const auto row = [&](std::string_view name, std::uint64_t amount, std::string_view remark) {
        out += fmt::format("  {:<18}{:>16}{}\n", name, grouped(amount), remark);
    };
    row("connections", results.connections, "");
    if (!results.resident_bytes_before || !results.resident_bytes_idle) return;
    row("server memory", *results.resident_bytes_before / 1024, " KiB before the first connection");
    row("", *results.resident_bytes_idle / 1024, " KiB with all of them, idle");
    if (const auto bytes = results.resident_bytes_per_connection()) {
        out += fmt::format("  {:<18}{:>16.2f} KiB a connection\n", "", *bytes / 1024);
    }
}

// An uncorrected latency stands below the one that it is of.
std::string_view label(Latency kind) noexcept {
    if (kind == Latency::own_copy_uncorrected || kind == Latency::last_member_uncorrected) {
        return "  uncorrected";
    }
    return latency_name(kind);
}

void latencies(std::string& out, const Recorder& recorder) {
    out += '\n' + latency_head();
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        const Histogram& histogram = recorder.latency(kind);
        if (histogram.count() == 0) continue;
        out += latency_row(label(kind), histogram);
    }
}

void warnings(std::string& out, const Results& results) {
    for (const std::string& warning : results.warnings())
        out += fmt::format("\n{}", wrapped("WARNING: " + warning));
}

void verdict(std::string& out, const Results& results) {
    if (results.violations.total() > 0) {
        out += "\nINVALID:";
        for (std::size_t i = 0; i < violation_kinds; ++i) {
            const auto kind = static_cast<Violation>(i);
            if (results.violations.count(kind) == 0) continue;
            out += fmt::format(" {} {}", grouped(results.violations.count(kind)),
                               violation_name(kind));
        }
        out += "\n";
        for (const std::string& detail : results.violations.details()) {
            out += fmt::format("  {}\n", detail);
        }
    } else if (!results.failure.empty()) {
        out += fmt::format("\n{}", wrapped("INVALID: " + results.failure));
    } else if (const std::string limit = results.generator_limit(); !limit.empty()) {
        out += fmt::format("\n{}", wrapped("INVALID: " + limit));
    } else if (results.options.workload == WorkloadKind::idle) {
        out += fmt::format("\nVALID: all {} connections stayed\n", grouped(results.connections));
    } else {
        out +=
            fmt::format("\nVALID: all {} messages delivered whole, once, in order, in their room\n",
                        grouped(results.recorder.counts.deliveries));
    }
}

}  // namespace

std::string wrapped(std::string_view text) {
    std::string out;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (column > 0) {
            const bool fits = column + 1 + word.size() <= table_columns;
            out += fits ? ' ' : '\n';
            column = fits ? column + 1 : 0;
        }
        out += word;
        column += word.size();
    }
    return out + '\n';
}

std::string grouped(std::uint64_t value) {
    const std::string digits = std::to_string(value);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::string latency_head() {
    return fmt::format("{:<13}{:>11}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n", "latency, us", "count",
                       "min", "mean", "p50", "p90", "p99", "p99.9", "max");
}

std::string latency_row(std::string_view name, const Histogram& latency) {
    return fmt::format("{:<13}{:>11}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n", name, latency.count(),
                       micros(latency.min_ns()), micros(latency.sum_ns() / latency.count()),
                       quantile(latency, 0.5), quantile(latency, 0.9), quantile(latency, 0.99),
                       quantile(latency, 0.999), micros(latency.max_ns()));
}

std::string table_report(const Results& results) {
    std::string out;
    head(out, results);
    if (results.options.workload == WorkloadKind::idle) {
        memory(out, results);
    } else {
        figures(out, results);
    }
    latencies(out, results.recorder);
    warnings(out, results);
    verdict(out, results);
    const std::optional<SloVerdict> slo = results.slo();
    if (!slo || !results.valid() || results.interrupted) return out;
    const char* const judged = !slo->met ? "SLO UNKNOWN" : *slo->met ? "SLO met" : "SLO MISSED";
    out += wrapped(fmt::format("{}: {}", judged, slo->text));
    return out;
}

}  // namespace ringside::loadgen
