#include "loadgen/compare.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "common/help_formatter.hpp"
#include "common/options.hpp"
#include "loadgen/comparability.hpp"
#include "loadgen/report.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

using Figure = std::optional<double>;

constexpr std::array<std::pair<const char*, double>, 4> percentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

std::vector<Fact> compare_facts(const Results& results) {
    std::vector<Fact> facts = load_facts(results);
    const std::optional<Machine>& machine = results.origin.machine;
    facts.push_back({"shards", shards_text(results.options.shards)});
    facts.push_back({"kernel", machine ? machine->kernel : "several"});
    facts.push_back({"CPU", machine ? machine->cpu : "several"});
    facts.push_back({"cores", machine ? fmt::to_string(machine->cores) : "several"});
    return facts;
}

void add_times(std::vector<std::string>& reasons, const Results& a, const Results& b) {
    const auto check = [&reasons](const char* what, double in_a, double in_b) {
        if (windows_alike(in_a, in_b, in_a - in_b)) return;
        reasons.push_back(fmt::format("{}: {:.3f} s and {:.3f} s", what, in_a, in_b));
    };
    check("window", a.measured_seconds, b.measured_seconds);
    check("warm-up", a.warm_up_seconds, b.warm_up_seconds);
}

// What makes one of them worth nothing.
void add_flaws(std::vector<std::string>& reasons, const StoredResults& one) {
    const Results& results = one.results;
    if (one.violations.total() > 0) {
        reasons.push_back(
            fmt::format("{} is invalid: {} violations", one.file, grouped(one.violations.total())));
    }
    if (!results.failure.empty()) {
        reasons.push_back(fmt::format("{} is invalid: {}", one.file, results.failure));
    }
    if (!results.generator_limit().empty()) {
        reasons.push_back(fmt::format("{} is invalid: {}", one.file, results.generator_limit()));
    }
    if (results.interrupted) reasons.push_back(fmt::format("{} was interrupted", one.file));
}

std::string figure_text(const Figure& figure) {
    if (!figure) return "-";
    if (*figure < 999.95) return fmt::format("{:.1f}", *figure);
    return grouped(static_cast<std::uint64_t>(std::llround(*figure)));
}

void add_row(std::string& out, std::string_view name, const Figure& a, const Figure& b) {
    const std::string ratio = a && b && *a > 0 ? fmt::format("{:.3f}", *b / *a) : "-";
    out += fmt::format("{:<32}{:>17}{:>17}{:>10}\n", name, figure_text(a), figure_text(b), ratio);
}

Figure per_second(const Results& results, std::uint64_t count) {
    if (results.measured_seconds <= 0) return std::nullopt;
    return static_cast<double>(count) / results.measured_seconds;
}

Figure server_cpu_per_delivery_ns(const Results& results) {
    const Figure per_second = results.deliveries_per_server_cpu_second();
    return per_second && *per_second > 0 ? Figure(1e9 / *per_second) : std::nullopt;
}

Figure loadgen_cpu_per_delivery_ns(const Results& results) {
    const std::uint64_t deliveries = results.recorder.window_counts().deliveries;
    if (deliveries == 0) return std::nullopt;
    return results.loadgen_cpu_seconds * 1e9 / static_cast<double>(deliveries);
}

Figure micros_at(const Histogram& latency, double quantile) {
    if (!supports_quantile(latency.count(), quantile)) return std::nullopt;
    return static_cast<double>(latency.at_quantile(quantile)) / 1000;
}

void add_rates(std::string& out, const Results& a, const Results& b) {
    const Counts in_a = a.recorder.window_counts();
    const Counts in_b = b.recorder.window_counts();
    add_row(out, "messages offered /s", a.offered_per_second(), b.offered_per_second());
    add_row(out, "own copies back /s", per_second(a, in_a.messages_answered),
            per_second(b, in_b.messages_answered));
    add_row(out, "deliveries /s", per_second(a, in_a.deliveries), per_second(b, in_b.deliveries));
    add_row(out, "server CPU, ns a delivery", server_cpu_per_delivery_ns(a),
            server_cpu_per_delivery_ns(b));
    add_row(out, "loadgen CPU, ns a delivery", loadgen_cpu_per_delivery_ns(a),
            loadgen_cpu_per_delivery_ns(b));
}

void add_latencies(std::string& out, const Results& a, const Results& b) {
    out += "\nlatency, us\n";
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        for (const auto& [name, quantile] : percentiles) {
            const Figure in_a = micros_at(a.recorder.latency(kind), quantile);
            const Figure in_b = micros_at(b.recorder.latency(kind), quantile);
            if (!in_a && !in_b) continue;
            add_row(out, fmt::format("{:<24}{}", latency_name(kind), name), in_a, in_b);
        }
    }
}

// The end of a path tells more than its beginning.
std::string path_end(const std::string& path) {
    constexpr std::size_t bytes_max = 37;
    return path.size() <= bytes_max ? path : "..." + path.substr(path.size() - bytes_max + 3);
}

int run_compare(const std::string& path_a, const std::string& path_b, bool force) {
    const auto a = read_results(path_a);
    const auto b = read_results(path_b);
    const std::vector<std::string> reasons = incomparable(*a, *b);
    if (!reasons.empty()) {
        std::FILE* const stream = force ? stdout : stderr;
        print_to(stream, force ? "NOT COMPARABLE, --force given:\n"
                               : "loadgen: not comparable (--force compares them anyway):\n");
        for (const std::string& reason : reasons)
            print_to(stream, fmt::format("  {}\n", reason));
        if (!force) return usage_error;
        print_to(stdout, "\n");
    }
    print_to(stdout, comparison_table(*a, *b));
    return 0;
}

struct CompareOptions {
    std::string a;
    std::string b;
    bool force = false;
};

}  // namespace

std::vector<std::string> incomparable(const StoredResults& a, const StoredResults& b) {
    std::vector<std::string> reasons =
        differences(compare_facts(a.results), compare_facts(b.results));
    add_times(reasons, a.results, b.results);
    add_flaws(reasons, a);
    add_flaws(reasons, b);
    return reasons;
}

std::string comparison_table(const StoredResults& a, const StoredResults& b) {
    std::string out;
    for (const auto& [name, one] : {std::pair('A', &a), std::pair('B', &b)}) {
        out += fmt::format("{}: {}, {:.16}, {}\n", name, path_end(one->file),
                           one->options.server_label, one->results.started);
    }
    out += fmt::format("\n{:<32.31}{:>17}{:>17}{:>10}\n", load_name(a.options), "A", "B", "B/A");
    if (a.options.workload == WorkloadKind::idle) {
        add_row(out, "server memory, bytes/connection", a.results.resident_bytes_per_connection(),
                b.results.resident_bytes_per_connection());
    } else {
        add_rates(out, a.results, b.results);
    }
    add_latencies(out, a.results, b.results);
    for (const auto& [name, one] : {std::pair('A', &a), std::pair('B', &b)}) {
        for (const std::string& warning : one->results.warnings())
            out += '\n' + wrapped(fmt::format("WARNING, {}: {}", name, warning));
    }
    out +=
        "\nOne run each does not tell a difference from noise: bench/compare runs both in\n"
        "turns, several times, and says which differences are clear.\n";
    return out;
}

void add_compare(CLI::App& app, Command& command) {
    const auto asked = std::make_shared<CompareOptions>();
    CLI::App& compare = *app.add_subcommand("compare", "Two results side by side.");
    compare.formatter(std::make_shared<HelpFormatter>());
    compare.footer(
        "Example:\n"
        "  loadgen compare pipeline.json uring.json\n\n"
        "Exit codes: 0 compared, 2 they cannot be compared, each reason is told.");
    add_path_option(compare, "A", asked->a, "Results, as --json or merge wrote them.")->required();
    add_path_option(compare, "B", asked->b, "Others, of the same load.")->required();
    compare.add_flag("--force", asked->force,
                     "Compare them although load, machine or build differ, or one is invalid.");
    compare.callback([asked, &command] {
        command = [asked] { return run_compare(asked->a, asked->b, asked->force); };
    });
}

}  // namespace ringside::loadgen
