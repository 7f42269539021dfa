#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::loadgen {

/// What a terminal can show.
struct TerminalStyle {
    std::size_t columns = 80;
    std::size_t rows = 24;
    bool utf8 = false;
    bool colour = false;
};

/// A moment of a run. Rates are those of the last second, a second each.
struct LiveFigures {
    std::string_view phase;                  // "measuring"
    std::optional<std::uint64_t> left_ns{};  // until the phase ends, where that is known
    std::uint32_t users = 0;                 // connected
    std::optional<double> offered{};         // messages, in an open loop
    double sent = 0;                         // messages
    double achieved = 0;                     // messages whose own copy came back
    double deliveries = 0;
    std::string_view latency;  // its name; empty: none is measured
    // Of the last second, where there are enough samples.
    std::optional<std::uint64_t> p50_ns{};
    std::optional<std::uint64_t> p99_ns{};
    std::optional<std::uint64_t> p999_ns{};
    std::span<const double> history{};  // of deliveries, the latest last
    std::string violations;             // "3 lost"; empty: none
};

/// The view, a line each, without newlines: as many rows and columns as the terminal has at most,
/// less one of each, so that nothing wraps or scrolls.
[[nodiscard]] std::vector<std::string> live_lines(const LiveFigures& figures,
                                                  const TerminalStyle& style);
/// A character for each value, the higher the larger, in proportion to the largest.
[[nodiscard]] std::string sparkline(std::span<const double> values, bool utf8);

// Keeps the view in one place of the terminal, below what was printed before: the cursor stays on
// the line below it. Only texts; who prints them is another matter.
class LiveScreen {
 public:
    /// What to print to replace the view by these lines.
    [[nodiscard]] std::string draw(const std::vector<std::string>& lines, std::size_t columns);
    /// What to print to take it away.
    [[nodiscard]] std::string clear();

 private:
    [[nodiscard]] std::string rewind() const;

    std::size_t lines_ = 0;  // on the terminal now
    std::size_t columns_ = 0;
};

}  // namespace ringside::loadgen
