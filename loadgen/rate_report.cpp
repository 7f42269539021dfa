#include "loadgen/rate_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/build_info.hpp"
#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

// Three figures that matter, in at most six columns.
std::string short_millis(std::uint64_t ns) {
    const double ms = static_cast<double>(ns) / 1e6;
    return fmt::format("{:.{}f}", ms, ms < 9.9995 ? 3 : ms < 99.995 ? 2 : ms < 999.95 ? 1 : 0);
}

std::string short_millis(std::optional<std::uint64_t> ns) {
    return ns ? short_millis(*ns) : "-";
}

std::string slo_of(const Options& options) {
    return options.slo ? slo_text(*options.slo, Latency::last_member) : "";
}

}  // namespace

std::string rate_head(const Options& options, std::string_view command) {
    std::string text = wrapped(fmt::format("{} of {} ({}), protocol {}", command, options.connect,
                                           options.server_label, protocol_name(options.protocol)));
    text += fmt::format("rooms: {}, members each: {}, publishers each: {}, bytes: {}\n",
                        options.rooms, options.members, options.publishers, options.payload_bytes);
    text += fmt::format("open loop: arrivals {}, bursts of {}, at most {} on their way\n",
                        arrivals_name(options.offered.arrivals), options.offered.burst,
                        options.outstanding);
    if (options.slo) text += fmt::format("objective: {}\n", slo_of(options));
    text += "messages a second; last member's latency in ms; CPU: cores of the server\n\n";
    return text;
}

std::string rate_columns(std::string_view first) {
    return fmt::format("{:>8}{:>10}{:>10}{:>8}{:>8}{:>8}{:>8}{:>6}  {}\n", first, "offered",
                       "achieved", "p50", "p99", "p99.9", "max", "CPU", "verdict");
}

std::string rate_row(std::string_view first, const RateStep& step) {
    const std::string cores = step.server_cores ? fmt::format("{:.2f}", *step.server_cores) : "-";
    return fmt::format("{:>8}{:>10.0f}{:>10.0f}{:>8}{:>8}{:>8}{:>8}{:>6}  {}\n", first,
                       step.offered, step.achieved, short_millis(step.p50_ns),
                       short_millis(step.p99_ns), short_millis(step.p999_ns),
                       short_millis(step.max_ns), cores, step.word);
}

std::string rate_note(const RateStep& step) {
    return step.why.empty() ? "" : wrapped(fmt::format("{}: {}", step.rate, step.why));
}

void add_rate_head(JsonObject& out, const Options& options, std::string_view command,
                   bool interrupted, const std::string& failure) {
    out.whole("schema_version", 1);
    out.text("program", "loadgen");
    out.text("version", build_info::version);
    out.text("commit", build_info::commit);
    out.text("command", command);
    out.text("server_label", options.server_label);
    out.whole("seed", options.seed);
    out.boolean("interrupted", interrupted);
    if (!failure.empty()) out.text("failure", failure);
    if (options.slo) {
        out.text("slo", slo_of(options));
    } else {
        out.add("slo", "null");
    }
}

void add_rate_step(JsonObject& out, const RateStep& step) {
    out.whole("rate", step.rate);
    out.text("finding", step.interrupted ? "interrupted" : finding_name(step.finding));
    if (!step.why.empty()) out.text("why", step.why);
    out.add("run", step.json);
}

std::string json_array(std::span<const std::string> values) {
    return fmt::format("[{}]", fmt::join(values, ",\n"));
}

std::string json_rate(std::optional<std::uint64_t> rate) {
    return rate ? fmt::to_string(*rate) : "null";
}

}  // namespace ringside::loadgen
