#include "loadgen/results.hpp"

#include <fmt/format.h>

namespace ringside::loadgen {

namespace {

// From here on the machine's other guests are seen in the figures.
constexpr double steal_share_max = 0.01;

// Of an open loop: what is no reason to call its figures invalid.
void warn_of_lateness(const Recorder& recorder, std::vector<std::string>& all) {
    const Lateness worst = worst_lateness(recorder);
    if (worst.reported_ns > 0 && worst.matters() && !worst.above_floor()) {
        all.push_back(
            fmt::format("the load generator was late itself, {}: up to twice that of the latencies "
                        "is its own",
                        worst.text()));
    }
    const Lateness tail = worst_tail_lateness(recorder);
    if (tail.reported_ns > 0 && tail.matters() && tail.above_floor()) {
        all.push_back(
            fmt::format("the load generator was late itself, {}: the latencies from there on may "
                        "be its own",
                        tail.text()));
    }
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
    if (options.offered.per_second != 0) {
        warn_of_lateness(recorder, all);
    } else if (generator_busy()) {
        all.emplace_back(
            "the load generator was busy all the time: it may be what limits the rate, and its own "
            "queueing is part of the latencies");
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
    if (generator) return generator->limit;
    if (options.offered.per_second == 0 || measured_seconds <= 0) return {};
    switch (judge_generator(recorder, busy_share())) {
        case GeneratorLimit::none:
        case GeneratorLimit::count_:
            return {};
        case GeneratorLimit::busy:
            return fmt::format(
                "the load generator used {:.0f} % of a CPU: offer less (the rate), or run it where "
                "it has a core of its own",
                100 * busy_share());
        case GeneratorLimit::send_lag:
        case GeneratorLimit::hiccup:
            break;
    }
    return fmt::format(
        "the load generator was late itself, {}: it needs a core of its own, or a lower rate",
        worst_lateness(recorder).text());
}

}  // namespace ringside::loadgen
