#include "loadgen/rate_step.hpp"

#include <fmt/format.h>

#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

std::optional<std::uint64_t> quantile_of(const Histogram& latency, double q) {
    if (!supports_quantile(latency.count(), q)) return std::nullopt;
    return latency.at_quantile(q);
}

void conclude(RateStep& step, Finding finding, const char* word, std::string why) {
    step.finding = finding;
    step.word = word;
    step.why = std::move(why);
}

// What was wrong with the deliveries comes first: the load generator's lateness excuses no loss.
void judge_run(RateStep& step, const Results& results) {
    if (results.violations.total() > 0) {
        return conclude(step, Finding::failed, "INVALID", results.violations.text());
    }
    if (!results.failure.empty()) {
        return conclude(step, Finding::failed, "broke off", results.failure);
    }
    if (results.interrupted) return conclude(step, Finding::failed, "interrupted", "interrupted");
    if (const std::string limit = results.generator_limit(); !limit.empty()) {
        return conclude(step, Finding::generator_limited, "loadgen", limit);
    }
    const std::optional<SloVerdict> slo = results.slo();
    if (slo && !slo->met.value_or(false)) {
        return conclude(step, Finding::failed, slo->met ? "SLO missed" : "SLO unknown", slo->text);
    }
    if (step.achieved < achieved_share_min * step.offered) {
        return conclude(
            step, Finding::failed, "behind",
            fmt::format("achieved {:.1f} % of what was offered, at least {:.0f} % wanted",
                        100 * step.achieved / step.offered, 100 * achieved_share_min));
    }
    conclude(step, Finding::passed, "ok", "");
}

}  // namespace

RateStep digest(const Results& results) {
    RateStep step;
    step.rate = results.options.offered.per_second;
    if (results.measured_seconds > 0) {
        step.offered = results.offered_per_second();
        step.achieved = results.achieved_per_second();
        if (results.server_cpu_seconds) {
            step.server_cores = *results.server_cpu_seconds / results.measured_seconds;
        }
    }
    const Histogram& latency = results.recorder.latency(Latency::last_member);
    step.p50_ns = quantile_of(latency, 0.5);
    step.p99_ns = quantile_of(latency, 0.99);
    step.p999_ns = quantile_of(latency, 0.999);
    if (latency.count() > 0) step.max_ns = latency.max_ns();
    step.interrupted = results.interrupted;
    step.loaded = results.measured_seconds > 0 || results.recorder.counts.messages_sent > 0;
    step.exit_code = results.exit_code();
    judge_run(step, results);
    step.json = json_report(results);
    step.json.pop_back();  // the newline, since it becomes part of another object
    return step;
}

RateStep not_started(std::uint64_t rate, std::string why) {
    RateStep step;
    step.rate = rate;
    conclude(step, Finding::failed, "not started", std::move(why));
    step.exit_code = 1;
    step.json = "null";
    return step;
}

}  // namespace ringside::loadgen
