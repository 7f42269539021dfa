#include "loadgen/search.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "common/options.hpp"
#include "common/result.hpp"
#include "loadgen/load_limits.hpp"
#include "loadgen/output.hpp"
#include "loadgen/rate_report.hpp"
#include "loadgen/rate_run.hpp"
#include "loadgen/report.hpp"
#include "loadgen/run_start.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

constexpr const char* search_examples =
    "Examples:\n"
    "  loadgen search --slo 'p99<=5ms'\n"
    "  loadgen search --slo 'p99<=1ms' --members 10 --from 5000 --resolution 2\n"
    "  loadgen search --slo 'own_copy:p99.9<=20ms' --step-duration 11s --json a.json\n"
    "  loadgen search --slo 'p99<=5ms' --protocol redis --connect 127.0.0.1:6379\n\n"
    "A rate passes where every delivery is right, --slo is met and at least 99 % of\n"
    "what is offered is achieved. The rate doubles until one fails, then the gap is\n"
    "halved, then one long run confirms the result.\n\n"
    "Exit codes: 0 confirmed, 1 a run could not start, 2 wrong options, 3 no rate\n"
    "passed or none was confirmed, 4 the load generator was the limit, or deliveries\n"
    "were wrong at --from, 130 interrupted.";

struct Search {
    Options load;
    std::size_t from = 1000;
    std::size_t to = per_second_max;
    std::size_t resolution_percent = 5;
    std::uint64_t step_duration_ns = 3'000'000'000;
    std::uint64_t confirm_duration_ns = 15'000'000'000;
};

struct Searched {
    RateSearch search;
    std::vector<std::string> steps;  // JSON
    int last_exit_code = 0;          // of the last run
    bool interrupted = false;
    std::string failure;  // why it could not go on; empty where it could
};

void print_now(const Options& load, const std::string& text) {
    print_to(table_stream(load), text);
}

std::string step_json(RateSearch::Kind kind, const RateStep& step) {
    JsonObject out;
    out.text("kind", kind_name(kind));
    add_rate_step(out, step);
    return out.str();
}

Searched search_rate(const Search& wanted) {
    Interruption interruption = or_start_error(Interruption::make());
    Searched searched{
        RateSearch({wanted.from, wanted.to, wanted.resolution_percent}), {}, 0, false, {}};
    std::optional<RateSearch::Kind> kind;  // of the step before
    while (const auto next = searched.search.next()) {
        searched.interrupted = searched.interrupted || interruption.requested();
        if (searched.interrupted) break;
        const bool confirms = next->kind == RateSearch::Kind::confirmation;
        const std::uint64_t duration_ns =
            confirms ? wanted.confirm_duration_ns : wanted.step_duration_ns;
        const RateStep step =
            run_rate(wanted.load, next->rate, duration_ns, interruption, searched.steps.empty());
        searched.steps.push_back(step_json(next->kind, step));
        searched.last_exit_code = step.exit_code;
        searched.interrupted = step.interrupted;
        if (!step.loaded && !step.interrupted) {
            searched.failure = step.why;
            break;
        }
        if (!kind) print_now(wanted.load, rate_head(wanted.load, "search") + rate_columns("rate"));
        if (kind != next->kind) {
            print_now(wanted.load, fmt::format("{}, {} each\n", kind_name(next->kind),
                                               duration_text(duration_ns)));
        }
        kind = next->kind;
        print_now(wanted.load, rate_row(fmt::to_string(step.rate), step) + rate_note(step));
        if (!step.interrupted) searched.search.report(step.finding);
    }
    return searched;
}

std::string end_of(const Searched& searched) {
    if (searched.interrupted) return "interrupted";
    return searched.search.end() ? end_name(*searched.search.end()) : "failed";
}

std::string search_json(const Search& wanted, const Searched& searched) {
    JsonObject out;
    add_rate_head(out, wanted.load, "search", searched.interrupted, searched.failure);
    out.whole("from", wanted.from);
    out.whole("to", wanted.to);
    out.whole("resolution_percent", wanted.resolution_percent);
    out.text("end", end_of(searched));
    out.add("confirmed_rate", json_rate(searched.search.confirmed()));
    out.add("highest_passed_rate", json_rate(searched.search.highest_passed()));
    out.add("steps", json_array(searched.steps));
    return out.str() + "\n";
}

std::string so_far(const RateSearch& search) {
    const auto rate = search.highest_passed();
    return rate ? fmt::format("the highest rate that passed is {} messages/s, not confirmed", *rate)
                : "no rate has passed";
}

std::string search_verdict(const Search& wanted, const Searched& searched) {
    const RateSearch& search = searched.search;
    if (searched.interrupted) return "INTERRUPTED: " + so_far(search);
    if (!search.end()) return "ENDED: " + so_far(search);
    switch (*search.end()) {
        case RateSearch::End::confirmed:
            return fmt::format(
                "CONFIRMED: {} messages/s with {}{}", *search.confirmed(),
                slo_text(*wanted.load.slo, Latency::last_member),
                *search.confirmed() == wanted.to
                    ? "; that is the highest rate asked for, so the limit may lie above (--to)"
                    : "");
        case RateSearch::End::none_passed:
            return fmt::format(
                "NONE PASSED: not even {} messages/s, the lowest rate asked for "
                "(--from)",
                wanted.from);
        case RateSearch::End::unconfirmed:
            return "NOT CONFIRMED: no long run passed; of the short ones " + so_far(search);
        case RateSearch::End::generator_limited:
            return "GENERATOR LIMITED: the load generator was the limit, not the server; " +
                   so_far(search);
    }
    return {};
}

int search_exit_code(const Searched& searched) {
    if (searched.interrupted) return 130;
    if (!searched.search.end()) return 1;
    return exit_code_of(*searched.search.end(), searched.last_exit_code);
}

int run_search(const Search& wanted) {
    check_before_run(wanted.load);
    const Searched searched = search_rate(wanted);
    if (searched.failure.empty() || searched.steps.size() > 1) {
        print_now(wanted.load, '\n' + wrapped(search_verdict(wanted, searched)));
    }
    if (!searched.failure.empty()) tell(fmt::format("loadgen: {}\n", searched.failure));
    const int code = search_exit_code(searched);
    const std::string& json = wanted.load.json;
    const bool written = json.empty() || write_output_file(json, search_json(wanted, searched));
    return written ? code : std::max(code, cannot_write);
}

// Whether a latency is of messages: what set-up does has nothing to do with the rate.
bool is_of_messages(Latency kind) {
    switch (kind) {
        case Latency::set_name:
        case Latency::create_chat:
        case Latency::connect_chat:
        case Latency::replay:
        case Latency::leave_chat:
        case Latency::hiccup:
        case Latency::count_:
            return false;
        case Latency::own_copy:
        case Latency::own_copy_uncorrected:
        case Latency::first_member:
        case Latency::median_member:
        case Latency::last_member:
        case Latency::last_member_uncorrected:
        case Latency::send_lag:
            return true;
    }
    return false;
}

// The lowest rate must give samples enough to judge the objective, also where fewer messages are
// due than on average: Poisson bursts by four standard deviations.
void check_samples(const Search& wanted) {
    const Offered& offered = wanted.load.offered;
    const auto needed = static_cast<double>(samples_needed(*wanted.load.slo));
    const auto burst = static_cast<double>(offered.burst);
    const double spread =
        offered.arrivals == Arrivals::poisson ? 4 * std::sqrt(needed * burst) : burst;
    const double messages =
        static_cast<double>(wanted.from) * static_cast<double>(wanted.step_duration_ns) * 1e-9;
    if (messages >= needed + spread) return;
    throw CLI::ValidationError(
        "--slo",
        fmt::format("a step needs {:.0f} messages to judge that percentile, and --from {} for "
                    "--step-duration {} gives {:.0f}: raise one of them",
                    std::ceil(needed + spread), wanted.from, duration_text(wanted.step_duration_ns),
                    messages));
}

void settle_search(Search& wanted) {
    if (!wanted.load.slo) {
        throw CLI::ValidationError("--slo is missing: say what the rate must meet, as 'p99<=5ms'");
    }
    if (wanted.from > wanted.to) throw CLI::ValidationError("--from is above --to");
    if (wanted.confirm_duration_ns < wanted.step_duration_ns) {
        throw CLI::ValidationError("--confirm-duration is below --step-duration");
    }
    wanted.load.offered.per_second = wanted.from;
    if (const char* const problem = settle(wanted.load)) throw CLI::ValidationError(problem);
    if (wanted.load.slo->kind && !is_of_messages(*wanted.load.slo->kind)) {
        throw CLI::ValidationError("--slo names a latency of set-up, which no rate changes");
    }
    check_samples(wanted);
}

}  // namespace

void add_search(CLI::App& app, Command& command) {
    CLI::App& sub = *app.add_subcommand("search", "The highest rate of fanout that meets --slo.");
    const auto wanted = std::make_shared<Search>();
    constexpr const char* group = "Search";
    add_count_option(sub, "--from", wanted->from, 1, per_second_max,
                     "The first and lowest rate, in messages a second, as fanout's --rate.")
        ->group(group);
    add_count_option(sub, "--to", wanted->to, 1, per_second_max, "The highest rate to try.")
        ->group(group);
    add_count_option(sub, "--resolution", wanted->resolution_percent, 1, 50,
                     "Stop where the lowest rate that failed is no more than so many percent above "
                     "the highest that passed.")
        ->group(group);
    add_duration_option(sub, "--step-duration", wanted->step_duration_ns, step_ns_min, step_ns_max,
                        false, "How long to measure a rate.")
        ->group(group);
    add_duration_option(sub, "--confirm-duration", wanted->confirm_duration_ns, step_ns_min,
                        step_ns_max, false,
                        "How long to measure the result; where that fails, rates a tenth lower "
                        "each, five at most.")
        ->group(group);
    add_rate_run_options(sub, wanted->load);
    add_slo_option(sub, wanted->load, "What a rate must meet (needed)");
    sub.footer(search_examples);
    sub.parse_complete_callback([&command, wanted] {
        settle_search(*wanted);
        command = [wanted] { return run_search(*wanted); };
    });
}

}  // namespace ringside::loadgen
