#include "loadgen/monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/clock.hpp"
#include "loadgen/generator_limit.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint64_t progress_interval_ns = 1'000'000'000;

// What a phase is called by the state set ringside_load_phase, and to a person.
struct PhaseName {
    std::string_view label;
    const char* text;
};
constexpr PhaseName set_up = {"set_up", "setting up"};
constexpr PhaseName warm_up = {"warm_up", "warming up"};
constexpr PhaseName measure = {"measure", "measuring"};
constexpr PhaseName cool_down = {"cool_down", "cooling down"};
constexpr PhaseName drain = {"drain", "draining"};
constexpr PhaseName leave = {"drain", "leaving"};
constexpr std::array phase_names = {set_up, warm_up, measure, cool_down, drain};

const PhaseName& phase_name(const RunState& state) noexcept {
    switch (state.phase) {
        case Phase::set_up:
            return set_up;
        case Phase::rounds:
            if (state.recorder.measuring()) return measure;
            return state.recorder.closed() ? cool_down : warm_up;
        case Phase::quiet:
            return drain;
        case Phase::leave:
        case Phase::over:
            break;
    }
    return leave;
}

double per_second(std::uint64_t amount, std::uint64_t ns) noexcept {
    return ns == 0 ? 0.0 : static_cast<double>(amount) * 1e9 / static_cast<double>(ns);
}

}  // namespace

Monitor::Monitor(const Options& options, const RunState& state, std::uint64_t begin_ns)
    : options_(options),
      state_(state),
      progress_(progress_of(options.quiet)),
      style_(terminal_style()),
      begin_ns_(begin_ns),
      next_progress_ns_(begin_ns_ + progress_interval_ns),
      next_textfile_ns_(begin_ns_),
      shown_ns_(begin_ns_) {
    if (!options.metrics_textfile.empty()) {
        textfile_ = std::make_unique<Textfile>(options.metrics_textfile);
        removed_at_signal_.emplace(textfile_->path().c_str());
    }
}

void Monitor::tick(std::uint64_t now_ns) {
    if (progress_ != Progress::none && now_ns >= next_progress_ns_) {
        show_progress(now_ns);
        next_progress_ns_ += progress_interval_ns;
        // After a pause, of the process or the machine: not a line for each second that is gone.
        if (next_progress_ns_ <= now_ns) next_progress_ns_ = now_ns + progress_interval_ns;
    }
    if (textfile_ != nullptr && now_ns >= next_textfile_ns_) {
        write_textfile();
        next_textfile_ns_ = now_ns + options_.metrics_interval_ns;
    }
}

void Monitor::finish() {
    tell(screen_.clear());
}

void Monitor::show_progress(std::uint64_t now_ns) {
    const Counts counts = state_.recorder.counts - shown_counts_;
    const std::uint64_t ns = now_ns - shown_ns_;
    if (progress_ == Progress::lines) {
        print_line(now_ns, counts, ns);
    } else {
        draw_view(now_ns, counts, ns);
    }
    shown_counts_ = state_.recorder.counts;
    shown_ns_ = now_ns;
}

void Monitor::print_line(std::uint64_t now_ns, const Counts& counts, std::uint64_t ns) const {
    tell(fmt::format("{:4} s  {:<12}  {:>6} users  {:>9.0f} msg/s  {:>10.0f} deliveries/s{}\n",
                     (now_ns - begin_ns_) / progress_interval_ns, phase_name(state_).text,
                     state_.connected, per_second(counts.messages_sent, ns),
                     per_second(counts.deliveries, ns),
                     state_.violations.total() == 0
                         ? ""
                         : fmt::format("  {} VIOLATIONS", state_.violations.total())));
}

void Monitor::draw_view(std::uint64_t now_ns, const Counts& counts, std::uint64_t ns) {
    if (history_.size() == history_max) history_.erase(history_.begin());
    history_.push_back(per_second(counts.deliveries, ns));
    LiveFigures figures;
    figures.phase = phase_name(state_).text;
    figures.left_ns = left_ns(now_ns);
    figures.users = state_.connected;
    if (options_.offered.per_second != 0) {
        figures.offered = state_.scenario.offered_per_second() +
                          per_second(counts.messages_sent - counts.messages_scheduled, ns);
    }
    figures.sent = per_second(counts.messages_sent, ns);
    figures.achieved = per_second(counts.messages_answered, ns);
    figures.deliveries = history_.back();
    figures.history = history_;
    figures.violations = state_.violations.text();
    take_latencies(figures);
    read_window_size(style_);
    tell(screen_.draw(live_lines(figures, style_), style_.columns));
}

void Monitor::take_latencies(LiveFigures& figures) {
    if (options_.workload == WorkloadKind::idle) return;
    const Latency kind = usual_latency(options_);
    const Histogram& all = state_.recorder.latency(kind);
    const Histogram latest = all.since(shown_latency_);
    const auto quantile = [&latest](double q) {
        return supports_quantile(latest.count(), q) ? std::optional(latest.at_quantile(q))
                                                    : std::nullopt;
    };
    figures.latency = latency_name(kind);
    figures.p50_ns = quantile(0.5);
    figures.p99_ns = quantile(0.99);
    figures.p999_ns = quantile(0.999);
    shown_latency_ = all;
}

std::optional<std::uint64_t> Monitor::left_ns(std::uint64_t now_ns) const noexcept {
    if (state_.phase != Phase::rounds || state_.recorder.closed()) return std::nullopt;
    const bool measuring = state_.recorder.measuring();
    const std::uint64_t whole_ns =
        measuring ? state_.scenario.measure_ns : state_.scenario.warm_up_ns;
    const std::uint64_t past_ns =
        measuring ? state_.recorder.window_ns(now_ns) : now_ns - state_.load_begin_ns;
    return whole_ns - std::min(whole_ns, past_ns);
}

void Monitor::write_textfile() {
    const Result<void> written = textfile_->write(snapshot().text());
    if (written || write_failed_) return;
    write_failed_ = true;
    finish();
    tell(fmt::format("loadgen: cannot write {} ({}); the run goes on without it\n",
                     options_.metrics_textfile, written.error().text()));
}

void Monitor::add_verdict(MetricsSnapshot& out) const {
    const auto add = [&out](std::string_view reason, bool invalid) {
        out.add("ringside_load_invalid", invalid ? 1 : 0, "reason", reason);
    };
    add("failure", !state_.failure.empty());
    add("violation", state_.violations.total() > 0);
    const std::uint64_t window_ns = state_.recorder.window_ns(monotonic_ns());
    const GeneratorLimit limit =
        window_ns > 0
            ? judge_generator(state_.recorder, options_.offered.per_second != 0,
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
    MetricsSnapshot out({{"server", options_.server_label}, {"workload", load_name(options_)}});
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
    out.add("ringside_load_offered_messages_per_second",
            state_.scenario.offered_per_second() +
                per_second(window.messages_sent - window.messages_scheduled, window_ns));
    out.add("ringside_load_achieved_messages_per_second",
            per_second(window.messages_answered, window_ns));
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const Histogram& latency = recorder.latency(static_cast<Latency>(i));
        if (latency.count() == 0) continue;
        out.add("ringside_load_latency_seconds", latency, "request",
                latency_name(static_cast<Latency>(i)));
    }
    out.add("ringside_load_measuring", recorder.measuring() ? 1 : 0);
    const std::string_view now = phase_name(state_).label;
    for (const PhaseName& phase : phase_names)
        out.add("ringside_load_phase", phase.label == now ? 1 : 0, "phase", phase.label);
    add_verdict(out);
    out.add_process();
    return out;
}

}  // namespace ringside::loadgen
