#include "loadgen/calibrate.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "common/build_info.hpp"
#include "common/help_formatter.hpp"
#include "common/limits.hpp"
#include "common/options.hpp"
#include "loadgen/json_object.hpp"
#include "loadgen/load_limits.hpp"
#include "loadgen/null_io.hpp"
#include "loadgen/output.hpp"
#include "loadgen/report.hpp"
#include "loadgen/run.hpp"
#include "loadgen/standard_streams.hpp"
#include "loadgen/verification_cost.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint64_t minute = 60'000 * ms;
// Deliveries: some seconds of the verifier, which takes them whole.
constexpr std::size_t on_their_way_max = 100'000'000;
// About 0.1 s of the verifier.
constexpr std::uint64_t verified_deliveries = 8'000'000;

double per_delivery(const Results& results, double amount) noexcept {
    const std::uint64_t deliveries = results.recorder.window_counts().deliveries;
    return deliveries == 0 ? 0 : amount / static_cast<double>(deliveries);
}

double deliveries_per_second(const Results& results) noexcept {
    if (results.measured_seconds <= 0) return 0;
    return static_cast<double>(results.recorder.window_counts().deliveries) /
           results.measured_seconds;
}

std::string grouped_rate(double per_second) {
    return grouped(static_cast<std::uint64_t>(std::llround(per_second)));
}

int calibrate(const Options& options) {
    check_outputs(options);
    Interruption interruption = or_start_error(Interruption::make());
    const uring::IoOptions io{.connections_max = static_cast<std::uint32_t>(options.users)};
    Run load(options, std::make_unique<NullIo>(io), "null", interruption);
    const Results results = load.execute();
    const Calibration calibration{
        results,
        verification_ns_per_delivery({options.members, options.outstanding, options.payload_bytes},
                                     verified_deliveries)};
    print_to(table_stream(options), calibration_table(calibration));
    if (!results.failure.empty()) tell(fmt::format("loadgen: {}\n", results.failure));
    const bool written =
        options.json.empty() || write_output_file(options.json, calibration_json(calibration));
    return written ? results.exit_code() : std::max(results.exit_code(), usage_error);
}

}  // namespace

double Calibration::cpu_ns() const noexcept {
    return per_delivery(results, results.loadgen_cpu_seconds * 1e9);
}

double Calibration::deliveries_per_cpu_second() const noexcept {
    return cpu_ns() > 0 ? 1e9 / cpu_ns() : 0;
}

double Calibration::verification_share() const noexcept {
    return cpu_ns() > 0 ? verification_ns / cpu_ns() : 0;
}

std::string calibration_json(const Calibration& calibration) {
    const Results& results = calibration.results;
    const Histogram& hiccup = results.recorder.latency(Latency::hiccup);
    JsonObject late;
    for (const auto& [name, quantile] :
         {std::pair{"p50_ns", 0.5}, std::pair{"p99_ns", 0.99}, std::pair{"p999_ns", 0.999}}) {
        if (supports_quantile(hiccup.count(), quantile)) {
            late.whole(name, hiccup.at_quantile(quantile));
        } else {
            late.add(name, "null");
        }
    }
    late.whole("max_ns", hiccup.max_ns());
    JsonObject out;
    out.whole("schema_version", 1);
    out.text("program", "loadgen calibrate");
    out.text("version", build_info::version);
    out.text("commit", build_info::commit);
    out.text("started", results.started);
    out.whole("members", results.options.members);
    out.whole("outstanding", results.options.outstanding);
    out.whole("payload_bytes", results.options.payload_bytes);
    out.number("measured_seconds", results.measured_seconds);
    out.boolean("interrupted", results.interrupted);
    out.boolean("valid", results.valid());
    out.whole("violations", results.violations.total());
    if (const std::string limit = results.generator_limit(); !limit.empty()) {
        out.text("generator_limit", limit);
    }
    out.whole("deliveries", results.recorder.window_counts().deliveries);
    out.number("deliveries_per_second", deliveries_per_second(results));
    out.number("cpu_percent", 100 * results.busy_share());
    out.number("deliveries_per_cpu_second", calibration.deliveries_per_cpu_second());
    out.number("cpu_ns_per_delivery", calibration.cpu_ns());
    out.number("verification_ns_per_delivery", calibration.verification_ns);
    out.number("verification_percent", 100 * calibration.verification_share());
    out.add("hiccup", late.str());
    return out.str() + "\n";
}

std::string calibration_table(const Calibration& calibration) {
    const Results& results = calibration.results;
    const Histogram& hiccup = results.recorder.latency(Latency::hiccup);
    const auto micros = [&hiccup](double quantile) {
        if (!supports_quantile(hiccup.count(), quantile)) return std::string("-");
        return fmt::format("{:.1f}", static_cast<double>(hiccup.at_quantile(quantile)) / 1000);
    };
    std::string text = fmt::format(
        "calibration against a null server in this process\n"
        "members: {}, outstanding: {}, bytes: {}; measured {:.2f} s{}\n\n",
        results.options.members, results.options.outstanding, results.options.payload_bytes,
        results.measured_seconds, results.interrupted ? "; INTERRUPTED" : "");
    const auto row = [&text](std::string_view name, const std::string& value,
                             std::string_view remark) {
        text += fmt::format("  {:<18}{:>16} {}\n", name, value, remark);
    };
    row("deliveries", grouped_rate(deliveries_per_second(results)),
        fmt::format("/s, with {:.0f} % of a CPU", 100 * results.busy_share()));
    row("ceiling", grouped_rate(calibration.deliveries_per_cpu_second()),
        "/s, with a CPU of its own");
    row("CPU a delivery", fmt::format("{:.1f}", calibration.cpu_ns()), "ns");
    row("  verification", fmt::format("{:.1f}", calibration.verification_ns),
        fmt::format("ns of it, {:.0f} %", 100 * calibration.verification_share()));
    row("hiccup, us", micros(0.5),
        fmt::format("p50, {} p99, {} p99.9, {:.1f} max", micros(0.99), micros(0.999),
                    static_cast<double>(hiccup.max_ns()) / 1000));
    if (!results.failure.empty()) return text;
    if (const std::string limit = results.generator_limit();
        results.violations.total() == 0 && !limit.empty()) {
        return text + '\n' + wrapped("INVALID: " + limit);
    }
    if (!results.valid()) {
        text += fmt::format("\nINVALID: {}\n", results.violations.text());
        for (const std::string& detail : results.violations.details())
            text += fmt::format("  {}\n", detail);
        return text;
    }
    return text + fmt::format("\nVALID: all {} messages delivered whole, once, in order\n",
                              grouped(results.recorder.counts.deliveries));
}

void add_calibrate(CLI::App& app, Command& command) {
    CLI::App& sub = *app.add_subcommand("calibrate", "What the load generator itself can do here.");
    sub.formatter(std::make_shared<HelpFormatter>());
    sub.footer(
        "The load of fanout, one publisher, against a server in the same process that\n"
        "answers out of memory without a system call: no run on this machine is faster.\n\n"
        "Exit codes: 0 measured, 1 the run could not go on, 2 wrong options or a file\n"
        "that cannot be written, 4 a delivery was wrong or missing, or this process was\n"
        "stopped meanwhile, 130 interrupted.\n\n"
        "Example:\n  loadgen calibrate --members 1000 --outstanding 1");
    const auto options = std::make_shared<Options>();
    options->workload = WorkloadKind::fanout;
    options->outstanding = 16;
    options->payload_bytes = 64;
    options->duration_ns = 2000 * ms;
    options->warm_up_ns = 200 * ms;
    add_count_option(sub, "--members", options->members, 1, users_max,
                     "Members of the room, the publisher included.");
    add_count_option(sub, "--outstanding", options->outstanding, 1, outstanding_max,
                     "Messages that the publisher sends ahead of its own copies.");
    add_count_option(sub, "--payload", options->payload_bytes, payload_bytes_min,
                     ChatLimits{}.message_bytes_max, "Bytes of a message.");
    add_duration_option(sub, "--duration", options->duration_ns, 100 * ms, 10 * minute, false,
                        "How long to measure.");
    add_path_option(sub, "--json", options->json,
                    "Write the results here as JSON; -: to standard output, and the table to "
                    "standard error.");
    sub.parse_complete_callback([options, &command] {
        options->users = options->members;
        if (options->members * options->outstanding > on_their_way_max) {
            throw CLI::ValidationError(fmt::format(
                "--members times --outstanding is above {}: take less of one", on_their_way_max));
        }
        command = [options] { return calibrate(*options); };
    });
}

}  // namespace ringside::loadgen
