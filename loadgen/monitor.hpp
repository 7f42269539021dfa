#pragma once

#include <cstdint>
#include <memory>

#include "common/textfile.hpp"
#include "loadgen/run_state.hpp"

namespace ringside::loadgen {

// What can be seen of a run while it goes on: one line a second where standard error is a terminal,
// and the metrics textfile. Called by the conductor's coroutine.
class Monitor {
 public:
    /// Throws StartError where the textfile cannot be written.
    Monitor(const Options& options, const RunState& state);

    /// At least every 100 ms.
    void tick(std::uint64_t now_ns);

 private:
    void print_line(std::uint64_t now_ns);
    void write_textfile();
    [[nodiscard]] MetricsSnapshot snapshot() const;
    /// What would make the run invalid, if it ended now.
    void add_verdict(MetricsSnapshot& out) const;

    const Options& options_;
    const RunState& state_;
    std::unique_ptr<Textfile> textfile_;  // null without --metrics-textfile
    bool terminal_;
    bool write_failed_ = false;  // told once
    std::uint64_t begin_ns_;
    std::uint64_t next_line_ns_;
    std::uint64_t next_textfile_ns_;
    std::uint64_t line_ns_;  // of the last line, and the counts then
    Counts line_counts_;
};

}  // namespace ringside::loadgen
