#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/histogram.hpp"
#include "common/textfile.hpp"
#include "loadgen/interruption.hpp"
#include "loadgen/live_view.hpp"
#include "loadgen/run_state.hpp"
#include "loadgen/terminal.hpp"

namespace ringside::loadgen {

// What can be seen of a run while it goes on: a view on a terminal, else one line a second, both on
// standard error, and the metrics textfile. Called by the conductor's coroutine.
class Monitor {
 public:
    /// `begin_ns`: the monotonic time that seconds count from. Throws StartError where the textfile
    /// cannot be written.
    Monitor(const Options& options, const RunState& state, std::uint64_t begin_ns);

    /// At least every 100 ms.
    void tick(std::uint64_t now_ns);
    /// When the run is over: takes the view away, so that what is printed next stands in its place.
    void finish();

 private:
    static constexpr std::size_t history_max = 60;  // seconds

    void show_progress(std::uint64_t now_ns);
    void print_line(std::uint64_t now_ns, const Counts& counts, std::uint64_t ns) const;
    void draw_view(std::uint64_t now_ns, const Counts& counts, std::uint64_t ns);
    void take_latencies(LiveFigures& figures);
    [[nodiscard]] std::optional<std::uint64_t> left_ns(std::uint64_t now_ns) const noexcept;
    void write_textfile();
    [[nodiscard]] MetricsSnapshot snapshot() const;
    /// What would make the run invalid, if it ended now.
    void add_verdict(MetricsSnapshot& out) const;

    const Options& options_;
    const RunState& state_;
    std::unique_ptr<Textfile> textfile_;  // null without --metrics-textfile
    std::optional<RemovedAtSignal> removed_at_signal_;
    Progress progress_;
    TerminalStyle style_;
    bool write_failed_ = false;  // told once
    std::uint64_t begin_ns_;
    std::uint64_t next_progress_ns_;
    std::uint64_t next_textfile_ns_;
    // When progress was shown last, and what had been counted and measured by then.
    std::uint64_t shown_ns_;
    Counts shown_counts_;
    Histogram shown_latency_;
    std::vector<double> history_;  // deliveries a second, the latest last
    LiveScreen screen_;
};

}  // namespace ringside::loadgen
