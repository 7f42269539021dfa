#include "loadgen/sweep.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "common/options.hpp"
#include "common/result.hpp"
#include "loadgen/load_limits.hpp"
#include "loadgen/output.hpp"
#include "loadgen/rate_list.hpp"
#include "loadgen/rate_report.hpp"
#include "loadgen/rate_run.hpp"
#include "loadgen/run_start.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

constexpr const char* sweep_examples =
    "Examples:\n"
    "  loadgen sweep --rates 1000,2000,5000\n"
    "  loadgen sweep --rates 1000..100000 --steps 5 --members 10 --json sweep.json\n"
    "  loadgen sweep --rates 500..50000 --slo 'p99<=5ms' --arrivals poisson\n\n"
    "Exit codes: the worst of a run: 1 it broke off, 4 a delivery was wrong or\n"
    "missing or the load generator could not keep a rate, 3 --slo was missed, 0 none\n"
    "of these; 2 wrong options, 130 interrupted.";

struct Sweep {
    Options load;
    std::string rates_text;
    std::size_t steps = steps_by_default;
    std::uint64_t step_duration_ns = 5'000'000'000;
    std::vector<std::uint64_t> rates;  // in the order of the runs
};

struct Swept {
    std::vector<RateStep> steps;  // in the order of the runs
    bool interrupted = false;
    std::string failure;  // why it could not go on; empty where it could
};

Swept sweep_rates(const Sweep& sweep) {
    Interruption interruption = or_start_error(Interruption::make());
    Swept swept;
    for (const std::uint64_t rate : sweep.rates) {
        swept.interrupted = swept.interrupted || interruption.requested();
        if (swept.interrupted) break;
        const RateStep& step = swept.steps.emplace_back(
            run_rate(sweep.load, rate, sweep.step_duration_ns, interruption, swept.steps.empty()));
        swept.interrupted = step.interrupted;
        if (!step.loaded && !step.interrupted) {
            swept.failure = step.why;
            break;
        }
        if (sweep.load.quiet) continue;
        tell(fmt::format("{} of {}: {} messages/s: {}\n", swept.steps.size(), sweep.rates.size(),
                         rate, step.word));
    }
    return swept;
}

std::string sweep_table(const Sweep& sweep, const Swept& swept) {
    std::vector<RateStep> sorted = swept.steps;
    std::ranges::stable_sort(sorted, {}, &RateStep::rate);
    std::string text = rate_head(sweep.load, "sweep") + rate_columns("rate");
    std::string notes;
    for (const RateStep& step : sorted) {
        text += rate_row(fmt::to_string(step.rate), step);
        notes += rate_note(step);
    }
    if (!notes.empty()) text += '\n' + notes;
    if (sorted.size() == sweep.rates.size() && !swept.interrupted) return text;
    return text + fmt::format("\n{} after {} of {} rates\n",
                              swept.interrupted ? "INTERRUPTED" : "ENDED", sorted.size(),
                              sweep.rates.size());
}

std::string sweep_json(const Sweep& sweep, const Swept& swept) {
    std::vector<std::string> entries;
    for (const RateStep& step : swept.steps) {
        JsonObject entry;
        add_rate_step(entry, step);
        entries.push_back(entry.str());
    }
    JsonObject out;
    add_rate_head(out, sweep.load, "sweep", swept.interrupted, swept.failure);
    out.add("rates", json_array(entries));
    return out.str() + "\n";
}

int sweep_exit_code(const Swept& swept) {
    if (swept.interrupted) return 130;
    for (const int code : {1, 4, 3}) {
        if (std::ranges::find(swept.steps, code, &RateStep::exit_code) != swept.steps.end())
            return code;
    }
    return 0;
}

int run_sweep(const Sweep& sweep) {
    check_before_run(sweep.load);
    const Swept swept = sweep_rates(sweep);
    const bool any = std::ranges::any_of(swept.steps, &RateStep::loaded);
    if (any) print_to(table_stream(sweep.load), sweep_table(sweep, swept));
    if (!swept.failure.empty()) tell(fmt::format("loadgen: {}\n", swept.failure));
    const int code = sweep_exit_code(swept);
    const std::string& json = sweep.load.json;
    const bool written = json.empty() || write_output_file(json, sweep_json(sweep, swept));
    return written ? code : std::max(code, cannot_write);
}

void settle_sweep(const CLI::App& app, Sweep& sweep) {
    if (app.count("--rates") == 0) {
        throw CLI::ValidationError(
            "--rates is missing: name the rates, as 1000,2000,5000 or 1000..100000");
    }
    const bool with_steps = app.count("--steps") > 0;
    auto rates =
        read_rates(sweep.rates_text, with_steps ? std::optional(sweep.steps) : std::nullopt);
    if (!rates) throw CLI::ValidationError("--rates", rates.error());
    sweep.rates = std::move(*rates);
    sweep.load.offered.per_second = sweep.rates.front();
    if (const char* const problem = settle(sweep.load)) throw CLI::ValidationError(problem);
    shuffle_rates(sweep.rates, sweep.load.seed);
}

}  // namespace

void add_sweep(CLI::App& app, Command& command) {
    CLI::App& sub = *app.add_subcommand("sweep", "Fanout at several rates: latency against load.");
    const auto sweep = std::make_shared<Sweep>();
    constexpr const char* group = "Rates";
    sub.add_option("--rates", sweep->rates_text,
                   "Messages a second, as fanout's --rate: a list as 1000,2000,5000, or a range as "
                   "1000..100000. Needed.")
        ->type_name("RATES")
        ->take_last()
        ->group(group);
    add_count_option(sub, "--steps", sweep->steps, 2, rates_max,
                     "Of a range: so many rates, both ends among them, the same factor apart.")
        ->group(group);
    add_duration_option(sub, "--step-duration", sweep->step_duration_ns, step_ns_min, step_ns_max,
                        false, "How long to measure each rate.")
        ->group(group);
    add_rate_run_options(sub, sweep->load);
    add_slo_option(sub, sweep->load, "Exit with 3 where a percentile is above that at any rate");
    sub.footer(sweep_examples);
    sub.parse_complete_callback([&sub, &command, sweep] {
        settle_sweep(sub, *sweep);
        command = [sweep] { return run_sweep(*sweep); };
    });
}

}  // namespace ringside::loadgen
