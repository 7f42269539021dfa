#include "loadgen/results.hpp"

#include <fmt/format.h>

namespace ringside::loadgen {

namespace {

// From here on the machine's other guests are seen in the figures.
constexpr double steal_share_max = 0.01;

// What is no reason to call an open loop's figures invalid.
void warn_of_lateness(const Recorder& recorder, std::vector<std::string>& all) {
    const Lateness worst = worst_lateness(recorder);
    if (worst.reported_ns > 0 && worst.matters() && !worst.above_floor()) {
        all.push_back(
            fmt::format("the load generator was late itself, {}: up to twice that of the latencies "
                        "is its own",
                        worst.text()));
    }
    const Lateness tail = worst_lateness_at(recorder, 0.999);
    if (tail.reported_ns > 0 && tail.limits()) {
        all.push_back(
            fmt::format("the load generator was late itself, {}: the latencies from there on may "
                        "be its own",
                        tail.text()));
    }
}

void warn_of_nothing(const Results& results, std::vector<std::string>& all) {
    if (!results.failure.empty() || results.options.workload == WorkloadKind::idle) return;
    if (results.measured_seconds <= 0) {
        all.emplace_back("the run ended before the measured window: nothing was measured");
    } else if (results.recorder.window_counts().messages_sent == 0) {
        all.emplace_back("no message was sent in the measured window: the figures tell nothing");
    }
}

void warn_of_shortfall(const Results& results, std::vector<std::string>& all) {
    const double offered = results.offered_per_second();
    const double achieved = results.achieved_per_second();
    if (achieved >= achieved_share_min * offered) return;
    all.push_back(fmt::format(
        "{:.1f} % of the rate was achieved: the server, or --outstanding, is beyond its limit",
        100 * achieved / offered));
}

}  // namespace

Latency Results::slo_latency() const noexcept {
    if (options.slo && options.slo->kind) return *options.slo->kind;
    return usual_latency(options);
}

std::optional<SloVerdict> Results::slo() const {
    if (!options.slo) return std::nullopt;
    return judge(*options.slo, recorder, slo_latency());
}

bool Results::generator_busy() const noexcept {
    return generator ? generator->busy : busy_share() > busy_share_max;
}

std::vector<std::string> Results::warnings() const {
    std::vector<std::string> all;
    warn_of_nothing(*this, all);
    if (options.offered.per_second != 0) {
        warn_of_lateness(recorder, all);
        warn_of_shortfall(*this, all);
    } else if (generator_busy()) {
        all.emplace_back(
            "the load generator was busy all the time: it may be what limits the rate, and its own "
            "queueing is part of the latencies");
    } else if (const Lateness worst = worst_lateness(recorder);
               worst.limits() && generator_limit().empty()) {
        all.push_back(
            fmt::format("the load generator was late itself, {}: it may be what limits the rate, "
                        "and its lateness is part of the latencies",
                        worst.text()));
    }
    if (steal_share.value_or(0) > steal_share_max) {
        all.push_back(
            fmt::format("the hypervisor took {:.1f} % of the CPUs' time in the measured window: on "
                        "a machine of its own the figures would be better",
                        100 * *steal_share));
    }
    return all;
}

std::string Results::generator_limit() const {
    return generator ? generator->limit : limit_by_figures(busy_share());
}

std::string Results::limit_by_figures(double busy) const {
    if (measured_seconds <= 0) return {};
    switch (judge_generator(recorder, options.offered.per_second != 0, busy)) {
        case GeneratorLimit::none:
        case GeneratorLimit::count_:
            return slo_limit();
        case GeneratorLimit::busy:
            return fmt::format(
                "the load generator used {:.0f} % of a CPU: offer less (the rate), or run it where "
                "it has a core of its own",
                100 * busy);
        case GeneratorLimit::send_lag:
        case GeneratorLimit::hiccup:
            break;
    }
    return fmt::format(
        "the load generator was late itself, {}: it needs a core of its own, or a lower rate",
        judged_lateness(recorder, options.offered.per_second != 0).text());
}

std::string Results::slo_limit() const {
    const std::optional<SloVerdict> verdict = slo();
    if (options.offered.per_second == 0 || !verdict || verdict->met.value_or(true)) return {};
    const double quantile = options.slo->percentile / 100;
    const Lateness at_slo = worst_lateness_at(recorder, quantile);
    // It is in the latency twice at most: what is longer by more is the server's.
    const std::uint64_t measured_ns = recorder.latency(slo_latency()).at_quantile(quantile);
    if (!at_slo.above_floor() || measured_ns > options.slo->limit_ns + 2 * at_slo.late_ns)
        return {};
    return fmt::format(
        "the load generator was late itself, {}, so that whether the server misses --slo is not "
        "known: it needs a core of its own, or a lower rate",
        at_slo.text());
}

}  // namespace ringside::loadgen
