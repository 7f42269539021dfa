#include "loadgen/monitor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "common/clock.hpp"
#include "loadgen/generator_limit.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint64_t line_interval_ns = 1'000'000'000;

const char* phase_text(Phase phase, bool measuring) noexcept {
    switch (phase) {
        case Phase::set_up:
            return "setting up";
        case Phase::rounds:
            return measuring ? "measuring" : "warming up";
        case Phase::quiet:
            return "draining";
        case Phase::leave:
        case Phase::over:
            return "leaving";
    }
    return "";
}

// The state set ringside_load_phase.
constexpr std::array<std::string_view, 4> phase_labels = {"set_up", "warm_up", "measure", "drain"};

std::string_view phase_label(const RunState& state) noexcept {
    if (state.phase == Phase::set_up) return "set_up";
    if (state.recorder.measuring()) return "measure";
    return state.phase == Phase::rounds && !state.recorder.closed() ? "warm_up" : "drain";
}

double per_second(std::uint64_t amount, std::uint64_t ns) noexcept {
    return ns == 0 ? 0.0 : static_cast<double>(amount) * 1e9 / static_cast<double>(ns);
}

}  // namespace

Monitor::Monitor(const Options& options, const RunState& state)
    : options_(options),
      state_(state),
      terminal_(::isatty(STDERR_FILENO) == 1),
      begin_ns_(monotonic_ns()),
      next_line_ns_(begin_ns_ + line_interval_ns),
      next_textfile_ns_(begin_ns_),
      line_ns_(begin_ns_) {
    if (!options.metrics_textfile.empty()) {
        textfile_ = std::make_unique<Textfile>(options.metrics_textfile);
    }
}

void Monitor::tick(std::uint64_t now_ns) {
    if (terminal_ && now_ns >= next_line_ns_) {
        print_line(now_ns);
        next_line_ns_ += line_interval_ns;
    }
    if (textfile_ != nullptr && now_ns >= next_textfile_ns_) {
        write_textfile();
        next_textfile_ns_ = now_ns + options_.metrics_interval_ns;
    }
}

void Monitor::print_line(std::uint64_t now_ns) {
    const Counts counts = state_.recorder.counts - line_counts_;
    const std::uint64_t ns = now_ns - line_ns_;
    fmt::print(stderr, "{:4} s  {:<10}  {:>6} users  {:>9.0f} msg/s  {:>10.0f} deliveries/s{}\n",
               (now_ns - begin_ns_) / line_interval_ns,
               phase_text(state_.phase, state_.recorder.measuring()), state_.connected,
               per_second(counts.messages_sent, ns), per_second(counts.deliveries, ns),
               state_.violations.total() == 0
                   ? ""
                   : fmt::format("  {} VIOLATIONS", state_.violations.total()));
    line_counts_ = state_.recorder.counts;
    line_ns_ = now_ns;
}

void Monitor::write_textfile() {
    const Result<void> written = textfile_->write(snapshot().text());
    if (written || write_failed_) return;
    write_failed_ = true;
    fmt::print(stderr, "loadgen: cannot write {} ({}); the run goes on without it\n",
               options_.metrics_textfile, written.error().text());
}

void Monitor::add_verdict(MetricsSnapshot& out) const {
    const auto add = [&out](std::string_view reason, bool invalid) {
        out.add("ringside_load_invalid", invalid ? 1 : 0, "reason", reason);
    };
    add("failure", !state_.failure.empty());
    add("violation", state_.violations.total() > 0);
    const std::uint64_t window_ns = state_.recorder.window_ns(monotonic_ns());
    const bool judged = options_.offered.per_second != 0 && window_ns > 0;
    const GeneratorLimit limit =
        judged ? judge_generator(state_.recorder,
                                 state_.usage.cpu_seconds() * 1e9 / static_cast<double>(window_ns))
               : GeneratorLimit::none;
    for (const auto reason :
         {GeneratorLimit::busy, GeneratorLimit::send_lag, GeneratorLimit::hiccup}) {
        add(generator_limit_name(reason), limit == reason);
    }
}

MetricsSnapshot Monitor::snapshot() const {
    const Recorder& recorder = state_.recorder;
    const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
    MetricsSnapshot out({{"server", options_.server_label}, {"workload", state_.scenario.name}});
    out.add("ringside_load_deliveries_total", number(recorder.counts.deliveries));
    out.add("ringside_load_replayed_total", number(recorder.counts.replayed));
    out.add("ringside_load_messages_sent_total", number(recorder.counts.messages_sent));
    out.add("ringside_load_bytes_received_total", number(recorder.counts.bytes_received));
    out.add("ringside_load_connections", state_.connected);
    for (std::size_t i = 0; i < violation_kinds; ++i) {
        const auto kind = static_cast<Violation>(i);
        out.add("ringside_load_violations_total", number(state_.violations.count(kind)), "kind",
                violation_name(kind));
    }
    const Counts window = recorder.window_counts();
    const std::uint64_t window_ns = recorder.window_ns(monotonic_ns());
    const std::uint64_t offered = state_.scenario.offered_per_second();
    out.add("ringside_load_offered_messages_per_second",
            offered != 0 ? number(offered) : per_second(window.messages_sent, window_ns));
    out.add("ringside_load_achieved_messages_per_second",
            per_second(window.messages_answered, window_ns));
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const Histogram& latency = recorder.latency(static_cast<Latency>(i));
        if (latency.count() == 0) continue;
        out.add("ringside_load_latency_seconds", latency, "request",
                latency_name(static_cast<Latency>(i)));
    }
    out.add("ringside_load_measuring", recorder.measuring() ? 1 : 0);
    for (const std::string_view label : phase_labels)
        out.add("ringside_load_phase", phase_label(state_) == label ? 1 : 0, "phase", label);
    add_verdict(out);
    out.add_process();
    return out;
}

}  // namespace ringside::loadgen
