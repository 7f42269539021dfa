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
constexpr std::size_t head_columns = label_columns + 12;

bool continues_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80;
}

std::string live_millis(std::optional<std::uint64_t> ns) {
    return ns ? fmt::format("{:.3f}", static_cast<double>(*ns) / 1e6) : "-";
}

std::size_t columns_of(const std::string& utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char byte) { return !continues_character(byte); }));
}

// One line of the view. A figure that is cut is another figure, and one without its word none: what
// does not fit is left out whole.
struct Line {
    std::string label;  // may be empty
    std::vector<std::string> items;
    bool needs_label = false;  // the items say nothing without it
};

std::string trimmed(const std::string& text) {
    const std::size_t from = text.find_first_not_of(' ');
    return from == std::string::npos ? "" : text.substr(from);
}

std::string in_columns(const Line& line) {
    std::string text;
    if (!line.label.empty()) text = fmt::format("{:<{}}", line.label, label_columns);
    for (const std::string& item : line.items)
        text += item;
    return text;
}

// As many of the items as fit behind `start`, a blank between them; empty where none does.
std::string packed(std::string start, const std::vector<std::string>& items, std::size_t columns) {
    bool any = false;
    for (const std::string& item : items) {
        const std::string longer = start + (start.empty() ? "" : " ") + trimmed(item);
        if (columns_of(longer) > columns) continue;
        start = longer;
        any = true;
    }
    return any ? start : "";
}

// Empty where nothing fits.
std::string fitted(const Line& line, std::size_t columns) {
    std::string text = in_columns(line);
    if (columns_of(text) <= columns) return text;
    text = packed(line.label, line.items, columns);
    return text.empty() && !line.needs_label ? packed("", line.items, columns) : text;
}

Line head_line(const LiveFigures& figures) {
    std::string text(figures.phase);
    if (figures.left_ns)
        text += fmt::format(", {} s left", (*figures.left_ns + 999'999'999) / 1'000'000'000);
    const std::size_t padding = text.size() < head_columns ? head_columns - text.size() : 0;
    return {"", {text, fmt::format("{}  {:>7} users", std::string(padding, ' '), figures.users)}};
}

Line messages_line(const LiveFigures& figures) {
    Line line{"messages/s", {}};
    if (figures.offered) line.items.push_back(fmt::format("{:>9.0f} offered", *figures.offered));
    line.items.push_back(fmt::format("{:>9.0f} sent", figures.sent));
    line.items.push_back(fmt::format("{:>9.0f} achieved", figures.achieved));
    return line;
}

Line deliveries_line(const LiveFigures& figures, std::size_t columns, bool utf8) {
    constexpr std::size_t number_columns = 11;
    const std::size_t room = columns - std::min(columns, label_columns + number_columns);
    Line line{"deliveries/s", {fmt::format("{:>9.0f}", figures.deliveries)}, true};
    const std::size_t shown = std::min(figures.history.size(), room);
    if (shown == 0) return line;
    line.items.push_back("  " + sparkline(figures.history.last(shown), utf8));
    return line;
}

Line latency_line(const LiveFigures& figures) {
    return {fmt::format("{}, ms", figures.latency),
            {fmt::format(" p50{:>9}", live_millis(figures.p50_ns)),
             fmt::format("   p99{:>9}", live_millis(figures.p99_ns)),
             fmt::format("   p99.9{:>9}", live_millis(figures.p999_ns))},
            true};
}

// "3 lost, 1 corrupt", of which each kind is an item.
Line violations_line(const std::string& violations) {
    if (violations.empty()) return {"violations", {"none"}, true};
    Line line{"violations", {}};
    for (std::size_t at = 0; at < violations.size();) {
        const std::size_t end = std::min(violations.find(", ", at), violations.size());
        const std::string kind = violations.substr(at, end - at);
        line.items.push_back((at == 0 ? "" : " ") + kind + (end < violations.size() ? "," : ""));
        at = end + 2;
    }
    return line;
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
    const std::size_t columns = style.columns - std::min<std::size_t>(style.columns, 1);
    const std::size_t rows = style.rows - std::min<std::size_t>(style.rows, 1);
    std::vector<Line> wanted = {head_line(figures), messages_line(figures),
                                deliveries_line(figures, columns, style.utf8)};
    if (!figures.latency.empty()) wanted.push_back(latency_line(figures));
    wanted.push_back(violations_line(figures.violations));
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < wanted.size() && lines.size() < rows; ++i) {
        std::string text = fitted(wanted[i], columns);
        const bool alarming = i + 1 == wanted.size() && !figures.violations.empty();
        if (alarming && style.colour && !text.empty()) text = red + text + no_colour;
        if (!text.empty()) lines.push_back(std::move(text));
    }
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
