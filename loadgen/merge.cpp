#include "loadgen/merge.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "common/help_formatter.hpp"
#include "common/options.hpp"
#include "common/result.hpp"
#include "loadgen/comparability.hpp"
#include "loadgen/output.hpp"

namespace ringside::loadgen {

namespace {

using Parts = std::vector<std::unique_ptr<StoredResults>>;

[[noreturn]] void refuse_merge(const std::string& why) {
    throw StartError("merge: " + why);
}

std::vector<Fact> merge_facts(const StoredResults& part) {
    std::vector<Fact> facts = load_facts(part.results);
    const auto& slo = part.options.slo;
    facts.push_back({"number of shards", fmt::to_string(part.options.shards.of)});
    facts.push_back({"seed", fmt::to_string(part.options.seed)});
    facts.push_back({"server label", part.options.server_label});
    facts.push_back(
        {"objective", !slo ? "-"
                           : fmt::format("{} p{}<={}ns", latency_name(part.results.slo_latency()),
                                         slo->percentile, slo->limit_ns)});
    return facts;
}

void check_one_load(const StoredResults& a, const StoredResults& b) {
    const std::vector<std::string> found = differences(merge_facts(a), merge_facts(b));
    if (found.empty()) return;
    refuse_merge(
        fmt::format("{} and {} are not of one load: {}", a.file, b.file, fmt::join(found, "; ")));
}

void check_window(const StoredResults& part) {
    if (part.results.window_started_ns && part.results.measured_seconds > 0) return;
    refuse_merge(fmt::format(
        "{}: nothing was measured: {}", part.file,
        part.results.failure.empty() ? "it was interrupted before" : part.results.failure));
}

void check_one_window(const StoredResults& a, const StoredResults& b) {
    const double long_a = a.results.measured_seconds;
    const double long_b = b.results.measured_seconds;
    if (!windows_alike(long_a, long_b, long_a - long_b)) {
        refuse_merge(fmt::format("the window of {} is {:.3f} s long, that of {} {:.3f} s", a.file,
                                 long_a, b.file, long_b));
    }
    const double apart =
        static_cast<double>(*a.results.window_started_ns - *b.results.window_started_ns) * 1e-9;
    if (windows_alike(long_a, long_b, apart)) return;
    refuse_merge(
        fmt::format("the windows of {} and {} opened {:.3f} s apart: start the processes "
                    "together (--start-at)",
                    a.file, b.file, std::abs(apart)));
}

Shards shards_of(const Parts& parts, bool partial) {
    const std::uint32_t of = parts.front()->options.shards.of;
    std::map<std::uint32_t, const StoredResults*> found;
    for (const auto& part : parts) {
        for (const std::uint32_t shard : part->options.shards.parts) {
            const auto [at, is_new] = found.try_emplace(shard, part.get());
            if (is_new) continue;
            refuse_merge(of == 1 ? fmt::format("{} and {} are whole loads, not shards of one "
                                               "(--shard)",
                                               at->second->file, part->file)
                                 : fmt::format("shard {} of {} is in {} and in {}", shard, of,
                                               at->second->file, part->file));
        }
    }
    Shards shards{of, {}};
    std::vector<std::uint32_t> missing;
    for (std::uint32_t shard = 1; shard <= of; ++shard)
        (found.contains(shard) ? shards.parts : missing).push_back(shard);
    if (missing.empty() || partial) return shards;
    refuse_merge(fmt::format("shard {} of {} is missing (--partial merges what there is)",
                             fmt::join(missing, ", "), of));
}

std::string of_part(const StoredResults& part, const std::string& what) {
    if (part.options.shards.parts.size() > 1) return what;  // merged before, and told by that
    return fmt::format("shard {}: {}", shards_text(part.options.shards), what);
}

void add_recorded(const StoredResults& part, StoredResults& sum) {
    const Recorder& from = part.recorder;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        const Histogram& more = from.latency(kind);
        const Histogram& before = sum.recorder.latency(kind);
        if (more.sum_ns() > UINT64_MAX - before.sum_ns() ||
            more.count() > UINT64_MAX - before.count()) {
            refuse_merge(fmt::format("{}: the sum of {} no longer fits 64 bits", part.file,
                                     latency_name(kind)));
        }
        sum.recorder.add(kind, more);
    }
    sum.recorder.add(from.counts, from.window_counts());
    sum.recorder.messages_due += from.messages_due;
    sum.recorder.messages_unsent += from.messages_unsent;
    sum.recorder.messages_unanswered += from.messages_unanswered;
    for (std::size_t i = 0; i < violation_kinds; ++i) {
        const auto kind = static_cast<Violation>(i);
        sum.violations.add(kind, part.violations.count(kind));
    }
}

// Every process saw the same server: what several of them measured is not added.
void add_server(const StoredResults& part, StoredResults& sum) {
    const Results& from = part.results;
    Results& to = sum.results;
    if (!from.server_cpu_seconds) return;
    if (!to.server_cpu_seconds) {
        to.server_cpu_seconds = from.server_cpu_seconds;
        sum.options.server_pid = part.options.server_pid;
    }
    if (sum.options.server_pid != part.options.server_pid) {
        refuse_merge(
            fmt::format("{} measured the server process {}, another part {}: give "
                        "--server-pid to one shard only",
                        part.file, part.options.server_pid, sum.options.server_pid));
    }
    if (!from.resident_bytes_before || !from.resident_bytes_idle) return;
    to.resident_bytes_before =
        std::min(to.resident_bytes_before.value_or(UINT64_MAX), *from.resident_bytes_before);
    to.resident_bytes_idle =
        std::max(to.resident_bytes_idle.value_or(0), *from.resident_bytes_idle);
}

void add_verdict(const StoredResults& part, StoredResults& sum) {
    const Results& from = part.results;
    Results& to = sum.results;
    if (to.failure.empty() && !from.failure.empty()) to.failure = of_part(part, from.failure);
    to.generator->busy |= from.generator_busy();
    if (to.generator->limit.empty() && !from.generator_limit().empty()) {
        to.generator->limit = of_part(part, from.generator_limit());
    }
    to.interrupted |= from.interrupted;
}

void add_times(const StoredResults& part, StoredResults& sum) {
    const Results& from = part.results;
    Results& to = sum.results;
    to.started = std::min(to.started, from.started);
    to.window_started_ns = std::min(to.window_started_ns, from.window_started_ns);
    to.warm_up_seconds = std::max(to.warm_up_seconds, from.warm_up_seconds);
    to.measured_seconds = std::max(to.measured_seconds, from.measured_seconds);
    to.loadgen_cpu_seconds += from.loadgen_cpu_seconds;
    to.involuntary_switches += from.involuntary_switches;
    // Processes on one machine saw the same; of several, the worst.
    to.steal_share = std::max(to.steal_share, from.steal_share);
    to.connections += from.connections;
    if (to.origin.machine != from.origin.machine) to.origin.machine.reset();
    if (sum.options.connect != part.options.connect) sum.options.connect = "several addresses";
}

struct MergeOptions {
    std::string out;
    std::vector<std::string> in;
    std::string hgrm;
    std::string csv;
    bool partial = false;
};

int run_merge(const MergeOptions& asked) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(asked.out, ignored)) {
        throw StartError(
            fmt::format("merge: {} is there already, and the first file is the one "
                        "to be written: name a new one",
                        asked.out));
    }
    Parts parts;
    for (const std::string& path : asked.in)
        parts.push_back(read_results(path));
    const auto merged = merge(parts, asked.partial);
    merged->options.json = asked.out;
    merged->options.hgrm = asked.hgrm;
    merged->options.csv = asked.csv;
    check_outputs(merged->options);
    const int code = merged->results.exit_code();
    return write_outputs(merged->options, merged->results) ? code : std::max(code, usage_error);
}

constexpr const char* merge_footer =
    "Example, two processes that share one load:\n"
    "  at=$(date -ud '5 seconds' +%FT%TZ)\n"
    "  loadgen fanout --rooms 8 --shard 1/2 --start-at $at --json 1.json &\n"
    "  loadgen fanout --rooms 8 --shard 2/2 --start-at $at --json 2.json; wait\n"
    "  loadgen merge both.json 1.json 2.json\n\n"
    "Exit codes: as of one run with these results; 2 they do not belong together.";

}  // namespace

std::unique_ptr<StoredResults> merge(const Parts& parts, bool partial) {
    const StoredResults& first = *parts.front();
    for (const auto& part : parts)
        check_one_load(first, *part);
    const Shards shards = shards_of(parts, partial);
    for (const auto& part : parts)
        check_window(*part);
    // All pairs: two may lie on either side of the first.
    for (const auto& a : parts) {
        for (const auto& b : parts)
            check_one_window(*a, *b);
    }
    auto sum = std::make_unique<StoredResults>();
    sum->options = first.options;
    sum->options.shards = shards;
    sum->options.server_pid = 0;
    sum->results.io = first.results.io;
    sum->results.started = first.results.started;
    sum->results.window_started_ns = first.results.window_started_ns;
    sum->results.origin = first.results.origin;
    sum->results.generator.emplace();
    for (const auto& part : parts) {
        add_recorded(*part, *sum);
        add_times(*part, *sum);
        add_server(*part, *sum);
        add_verdict(*part, *sum);
    }
    // Of all together; none was busy by what it says, and the CPU time is that of several
    // processes.
    std::string& limit = sum->results.generator->limit;
    if (limit.empty()) limit = sum->results.limit_by_figures(0);
    return sum;
}

void add_merge(CLI::App& app, Command& command) {
    const auto asked = std::make_shared<MergeOptions>();
    CLI::App& merge = *app.add_subcommand("merge", "Add the results of one load's shards.");
    merge.formatter(std::make_shared<HelpFormatter>());
    merge.footer(merge_footer);
    add_path_option(merge, "OUT", asked->out,
                    "Where to write them, as JSON: a new file, or - for standard output.")
        ->required();
    merge.add_option("IN", asked->in, "Results of all shards, in any order.")
        ->type_name("PATH")
        ->required();
    add_path_option(merge, "--hgrm", asked->hgrm,
                    "Write the distribution of each latency into this folder, as a run does.")
        ->group("Results");
    add_path_option(merge, "--csv", asked->csv,
                    "Write the latencies here as CSV, one a line; -: to standard output, and the "
                    "table to standard error.")
        ->group("Results");
    merge
        .add_flag("--partial", asked->partial,
                  "Merge them although shards are missing; the result can be merged further.")
        ->group("Results");
    merge.callback([asked, &command] { command = [asked] { return run_merge(*asked); }; });
}

}  // namespace ringside::loadgen
