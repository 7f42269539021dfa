#include "loadgen/log_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "common/build_info.hpp"
#include "loadgen/json_object.hpp"
#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

constexpr LogLevel levels[] = {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug};

/// A text of the log for a terminal: cut, and nothing in it steers one.
std::string printable(std::string_view text, std::size_t columns) {
    std::string out(text.substr(0, columns));
    std::ranges::replace_if(
        out, [](char byte) { return byte < 0x20 || byte > 0x7e; }, '?');
    return out;
}

void row(std::string& out, std::string_view name, std::uint64_t lines,
         const std::string& remark = {}) {
    out += fmt::format("  {:<40}{:>15}{}\n", printable(name, 40), grouped(lines), remark);
}

void head(std::string& out, const LogResults& results) {
    const std::uint64_t lines = results.tally.lines().all();
    out += fmt::format("log: {}, server: {}\n", printable(results.file, 40),
                       printable(results.server_label, 25));
    const auto per = [lines](double seconds) {
        if (seconds <= 0) return std::string("-");
        return grouped(static_cast<std::uint64_t>(static_cast<double>(lines) / seconds));
    };
    out += fmt::format("{} lines, {} bytes in {:.2f} s{}\n", grouped(lines), grouped(results.bytes),
                       results.seconds, results.interrupted ? "; INTERRUPTED" : "");
    out += fmt::format("{} lines/s, {} lines a CPU-second\n\n", per(results.seconds),
                       per(results.cpu_seconds));
}

void counts(std::string& out, const LogTally::Lines& lines) {
    row(out, "good", lines.good);
    row(out, "  with a response time", lines.timed);
    row(out, "broken", lines.broken,
        lines.broken == 0 ? "" : fmt::format("  first: line {}", lines.first_broken));
    if (lines.too_long > 0) {
        row(out, fmt::format("  above {} bytes", grouped(LineCutter::line_bytes_max)),
            lines.too_long);
    }
    if (lines.empty > 0) row(out, "empty", lines.empty);
}

std::vector<LogTally::Message> by_lines(const LogTally& tally) {
    std::vector<LogTally::Message> messages = tally.messages();
    std::ranges::stable_sort(messages, std::greater(), &LogTally::Message::lines);
    return messages;
}

void contents(std::string& out, const LogTally& tally) {
    out += "\nlines by level\n";
    for (const LogLevel level : levels) {
        if (tally.of_level(level) > 0) row(out, log_level_name(level), tally.of_level(level));
    }
    out += "\nlines by message\n";
    for (const LogTally::Message& message : by_lines(tally))
        row(out, message.text, message.lines);
    if (tally.other_messages() > 0) row(out, "(all others)", tally.other_messages());
}

std::string lines_json(const LogTally::Lines& lines) {
    JsonObject out;
    out.whole("good", lines.good);
    out.whole("with_response_time", lines.timed);
    out.whole("broken", lines.broken);
    out.whole("too_long", lines.too_long);
    out.whole("first_broken", lines.first_broken);
    out.whole("empty", lines.empty);
    return out.str();
}

std::string levels_json(const LogTally& tally) {
    JsonObject out;
    for (const LogLevel level : levels)
        out.whole(log_level_name(level), tally.of_level(level));
    return out.str();
}

/// `list` of JSON objects.
template <typename List, typename Describe>
std::string array_json(const List& list, Describe describe) {
    std::string text = "[";
    for (const auto& entry : list) {
        if (text.size() > 1) text += ", ";
        text += describe(entry);
    }
    return text + "]";
}

std::string message_json(const LogTally::Message& message) {
    JsonObject out;
    out.text("msg", message.text);
    out.whole("lines", message.lines);
    return out.str();
}

std::string times_json(const LogTally::ResponseTimes& times) {
    JsonObject out;
    out.text("request", times.request);
    out.add("response_time", latency_json(times.histogram));
    return out.str();
}

}  // namespace

std::string log_table(const LogResults& results) {
    std::string out;
    const LogTally& tally = results.tally;
    head(out, results);
    counts(out, tally.lines());
    if (tally.lines().good > 0) contents(out, tally);
    if (!tally.response_times().empty()) {
        out += '\n' + latency_head();
        for (const LogTally::ResponseTimes& times : tally.response_times())
            out += latency_row(printable(times.request, 13), times.histogram);
    }
    if (tally.lines().mostly_broken()) {
        out += "\nMOST LINES ARE BROKEN: is this the JSON log of a server?\n";
    }
    return out;
}

std::string log_json(const LogResults& results) {
    const LogTally& tally = results.tally;
    JsonObject out;
    out.whole("schema_version", 1);
    out.text("program", "loadgen ingest-log");
    out.text("version", build_info::version);
    out.text("commit", build_info::commit);
    out.text("file", results.file);
    out.text("server_label", results.server_label);
    out.number("seconds", results.seconds);
    out.number("cpu_seconds", results.cpu_seconds);
    out.boolean("interrupted", results.interrupted);
    if (!results.failure.empty()) out.text("failure", results.failure);
    out.whole("bytes", results.bytes);
    out.add("lines", lines_json(tally.lines()));
    out.boolean("mostly_broken", tally.lines().mostly_broken());
    out.add("levels", levels_json(tally));
    out.add("messages", array_json(by_lines(tally), message_json));
    out.whole("other_messages", tally.other_messages());
    out.add("response_times", array_json(tally.response_times(), times_json));
    return out.str() + "\n";
}

MetricsSnapshot log_snapshot(const LogResults& results) {
    const LogTally& tally = results.tally;
    const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
    MetricsSnapshot out(MetricLabels{{"server", results.server_label}});
    for (const LogLevel level : levels) {
        out.add("ringside_ingest_lines_total", number(tally.of_level(level)), "level",
                log_level_name(level));
    }
    out.add("ringside_ingest_broken_lines_total", number(tally.lines().broken));
    out.add("ringside_ingest_bytes_total", number(results.bytes));
    for (const LogTally::ResponseTimes& times : tally.response_times())
        out.add("ringside_ingest_request_seconds", times.histogram, "request", times.request);
    return out;
}

}  // namespace ringside::loadgen
