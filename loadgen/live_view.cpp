#include "loadgen/live_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ringside::loadgen {

namespace {

// ECMA-48: select graphic rendition, cursor up, erase in line and in page.
constexpr const char* red = "\x1b[31m";
constexpr const char* no_colour = "\x1b[0m";
constexpr const char* erase_line = "\x1b[2K";
constexpr const char* erase_below = "\x1b[J";

constexpr std::size_t label_columns = 16;

bool continues_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80;
}

// The first `columns` characters of UTF-8 text, each of which takes one column.
std::string cut_to(const std::string& text, std::size_t columns) {
    std::size_t shown = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (continues_character(text[at])) continue;
        if (shown++ == columns) return text.substr(0, at);
    }
    return text;
}

std::string live_millis(std::optional<std::uint64_t> ns) {
    return ns ? fmt::format("{:.3f}", static_cast<double>(*ns) / 1e6) : "-";
}

std::string head_line(const LiveFigures& figures) {
    std::string text(figures.phase);
    if (figures.left_ns)
        text += fmt::format(", {} s left", (*figures.left_ns + 999'999'999) / 1'000'000'000);
    return fmt::format("{:<{}}  {:>7} users", text, label_columns + 12, figures.users);
}

std::string labelled(std::string_view label, const std::string& text) {
    return fmt::format("{:<{}}{}", label, label_columns, text);
}

std::string messages_line(const LiveFigures& figures) {
    std::string text;
    if (figures.offered) text += fmt::format("{:>9.0f} offered", *figures.offered);
    return labelled("messages/s", text + fmt::format("{:>9.0f} sent{:>9.0f} achieved", figures.sent,
                                                     figures.achieved));
}

std::string deliveries_line(const LiveFigures& figures, const TerminalStyle& style) {
    constexpr std::size_t number_columns = 11;
    const std::size_t room =
        style.columns - std::min(style.columns, label_columns + number_columns + 1);
    const std::size_t shown = std::min(figures.history.size(), room);
    return labelled("deliveries/s",
                    fmt::format("{:>9.0f}  {}", figures.deliveries,
                                sparkline(figures.history.last(shown), style.utf8)));
}

}  // namespace

std::string sparkline(std::span<const double> values, bool utf8) {
    constexpr std::array<const char*, 8> blocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::array<const char*, 8> letters = {"_", ".", ":", "-", "=", "+", "*", "#"};
    const auto& levels = utf8 ? blocks : letters;
    const double highest = values.empty() ? 0 : std::ranges::max(values);
    std::string out;
    for (const double value : values) {
        const double share = highest > 0 ? value / highest : 0;
        const auto level = static_cast<std::size_t>(share * static_cast<double>(levels.size()));
        out += levels[std::min(level, levels.size() - 1)];
    }
    return out;
}

std::vector<std::string> live_lines(const LiveFigures& figures, const TerminalStyle& style) {
    std::vector<std::string> lines = {head_line(figures), messages_line(figures),
                                      deliveries_line(figures, style)};
    if (!figures.latency.empty()) {
        lines.push_back(
            labelled(fmt::format("{}, ms", figures.latency),
                     fmt::format(" p50{:>9}   p99{:>9}   p99.9{:>9}", live_millis(figures.p50_ns),
                                 live_millis(figures.p99_ns), live_millis(figures.p999_ns))));
    }
    lines.push_back(
        labelled("violations", figures.violations.empty() ? "none" : figures.violations));
    const std::size_t last = lines.size() - 1;
    lines.resize(std::min(lines.size(), style.rows - std::min<std::size_t>(style.rows, 1)));
    for (std::string& line : lines)
        line = cut_to(line, style.columns - std::min<std::size_t>(style.columns, 1));
    const bool alarming = !figures.violations.empty() && style.colour && lines.size() > last;
    if (alarming) lines[last] = red + lines[last] + no_colour;
    return lines;
}

std::string LiveScreen::draw(const std::vector<std::string>& lines, std::size_t columns) {
    // In a window of another width nobody knows how many rows the old lines take, so they stay and
    // the view goes on below them: better twice than over somebody's text.
    std::string out = columns == columns_ ? rewind() : "";
    for (const std::string& line : lines)
        out += erase_line + line + '\n';
    lines_ = lines.size();
    columns_ = columns;
    return out + erase_below;
}

std::string LiveScreen::clear() {
    if (lines_ == 0) return {};
    const std::string out = rewind() + erase_below;
    lines_ = 0;
    return out;
}

std::string LiveScreen::rewind() const {
    return lines_ == 0 ? "" : fmt::format("\r\x1b[{}A", lines_);
}

}  // namespace ringside::loadgen
