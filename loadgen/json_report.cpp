#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/build_info.hpp"
#include "loadgen/json_object.hpp"
#include "loadgen/report.hpp"
#include "loadgen/scenario_file.hpp"

namespace ringside::loadgen {

namespace {

double per(double amount, double of) noexcept {
    return of > 0 ? amount / of : 0.0;
}

void add_origin(JsonObject& out, const Origin& origin) {
    out.text("version", origin.version);
    out.text("commit", origin.commit);
    out.text("compiler", origin.compiler);
    out.text("build_type", origin.build_type);
    if (!origin.machine) return out.add("machine", "null");
    JsonObject machine;
    machine.text("kernel", origin.machine->kernel);
    machine.text("cpu", origin.machine->cpu);
    machine.whole("cores", origin.machine->cores);
    out.add("machine", machine.str());
}

std::string window_started(const Results& results) {
    if (!results.window_started_ns) return "null";
    return fmt::format("{:.6f}", static_cast<double>(*results.window_started_ns) * 1e-9);
}

std::string open_loop(const Offered& offered) {
    if (offered.per_second == 0) return "null";
    JsonObject out;
    out.whole("messages_per_second", offered.per_second);
    out.text("arrivals", arrivals_name(offered.arrivals));
    out.whole("burst", offered.burst);
    return out.str();
}

std::string shards(const Shards& shards) {
    if (shards.of == 1) return "null";
    JsonObject out;
    out.whole("of", shards.of);
    out.add("parts", fmt::format("[{}]", fmt::join(shards.parts, ", ")));
    return out.str();
}

std::string parameters(const Options& options) {
    JsonObject out;
    if (options.workload == WorkloadKind::scenario) {
        out.add("scenario", scenario_json(*options.scenario));
        return out.str();
    }
    out.whole("users", options.users);
    out.add("shards", shards(options.shards));
    if (options.workload != WorkloadKind::idle) {
        out.whole("outstanding", options.outstanding);
        out.whole("payload_bytes", options.payload_bytes);
    }
    if (options.workload != WorkloadKind::thesis) out.whole("rooms", options.rooms);
    if (options.workload == WorkloadKind::fanout) {
        out.whole("members", options.members);
        out.whole("publishers", options.publishers);
        out.add("open_loop", open_loop(options.offered));
    }
    return out.str();
}

std::string violations(const Violations& found) {
    JsonObject out;
    for (std::size_t i = 0; i < violation_kinds; ++i) {
        const auto kind = static_cast<Violation>(i);
        out.whole(violation_name(kind), found.count(kind));
    }
    return out.str();
}

std::string counts(const Results& results) {
    const Counts window = results.recorder.window_counts();
    JsonObject requests;
    for (std::size_t i = 0; i < request_kinds; ++i) {
        requests.whole(request_name(static_cast<Request>(i)), results.recorder.counts.requests[i]);
    }
    JsonObject out;
    out.whole("connections", results.connections);
    if (results.options.offered.per_second != 0) {
        out.whole("messages_due", results.recorder.messages_due);
        out.whole("messages_unsent", results.recorder.messages_unsent);
    }
    out.whole("messages_sent", window.messages_sent);
    if (results.options.offered.per_second != 0) {
        out.whole("messages_scheduled", window.messages_scheduled);
    }
    out.whole("messages_answered", window.messages_answered);
    out.whole("messages_unanswered", results.recorder.messages_unanswered);
    out.whole("deliveries", window.deliveries);
    out.whole("replayed", window.replayed);
    out.whole("bytes_received", window.bytes_received);
    out.whole("hostile_sessions", window.hostile_sessions);
    out.whole("deliveries_verified", results.recorder.counts.deliveries);
    out.add("requests", requests.str());
    return out.str();
}

std::string rates(const Results& results) {
    const Counts window = results.recorder.window_counts();
    const auto rate = [&results](std::uint64_t amount) {
        return per(static_cast<double>(amount), results.measured_seconds);
    };
    JsonObject out;
    out.number("offered_messages_per_second", results.offered_per_second());
    out.number("achieved_messages_per_second", results.achieved_per_second());
    out.number("deliveries_per_second", rate(window.deliveries));
    return out.str();
}

std::string number_or_null(const std::optional<double>& value) {
    return value ? fmt::format("{:.6f}", *value) : "null";
}

std::string server(const Results& results) {
    if (!results.server_cpu_seconds) return "null";
    JsonObject out;
    out.whole("pid", results.options.server_pid);
    out.number("cpu_seconds", *results.server_cpu_seconds);
    out.add("deliveries_per_cpu_second",
            number_or_null(results.deliveries_per_server_cpu_second()));
    if (results.resident_bytes_before && results.resident_bytes_idle) {
        out.whole("resident_bytes_before", *results.resident_bytes_before);
        out.whole("resident_bytes_idle", *results.resident_bytes_idle);
        out.add("resident_bytes_per_connection",
                number_or_null(results.resident_bytes_per_connection()));
    }
    return out.str();
}

std::string slo(const Results& results) {
    const std::optional<SloVerdict> verdict = results.slo();
    if (!verdict) return "null";
    JsonObject out;
    if (verdict->met) {
        out.boolean("met", *verdict->met);
    } else {
        out.add("met", "null");
    }
    out.text("text", verdict->text);
    out.text("latency", latency_name(results.slo_latency()));
    out.add("percentile", fmt::format("{}", results.options.slo->percentile));
    out.whole("limit_ns", results.options.slo->limit_ns);
    return out.str();
}

std::string loadgen(const Results& results) {
    JsonObject out;
    const auto deliveries = static_cast<double>(results.recorder.window_counts().deliveries);
    out.number("cpu_seconds", results.loadgen_cpu_seconds);
    out.number("deliveries_per_cpu_second", per(deliveries, results.loadgen_cpu_seconds));
    out.boolean("busy", results.generator_busy());
    out.number("cpu_percent", 100 * results.busy_share());
    out.whole("involuntary_context_switches", results.involuntary_switches);
    return out.str();
}

std::string buckets(const Histogram& histogram) {
    std::string out;
    for (const auto& [index, count] : histogram.buckets()) {
        out += fmt::format("{}[{}, {}]", out.empty() ? "" : ", ", index, count);
    }
    return "[" + out + "]";
}

std::string latencies(const Recorder& recorder) {
    JsonObject out;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        if (recorder.latency(kind).count() == 0) continue;
        out.add(latency_name(kind), latency_json(recorder.latency(kind)));
    }
    return out.str();
}

}  // namespace

std::string latency_json(const Histogram& histogram) {
    const auto quantile = [&histogram](double q) {
        if (!supports_quantile(histogram.count(), q)) return std::string("null");
        return fmt::to_string(histogram.at_quantile(q));
    };
    JsonObject out;
    out.whole("count", histogram.count());
    out.whole("min_ns", histogram.min_ns());
    out.whole("mean_ns", histogram.sum_ns() / histogram.count());
    out.add("p50_ns", quantile(0.5));
    out.add("p90_ns", quantile(0.9));
    out.add("p99_ns", quantile(0.99));
    out.add("p999_ns", quantile(0.999));
    out.whole("max_ns", histogram.max_ns());
    out.whole("overflow", histogram.overflow());
    out.whole("sum_ns", histogram.sum_ns());
    out.add("buckets", buckets(histogram));
    return out.str();
}

std::string json_report(const Results& results) {
    JsonObject out;
    out.whole("schema_version", schema_version);
    out.text("program", "loadgen");
    add_origin(out, results.origin);
    out.text("workload", workload_name(results.options.workload));
    out.text("protocol", protocol_name(results.options.protocol));
    out.add("parameters", parameters(results.options));
    out.whole("seed", results.options.seed);
    out.text("io", results.io);
    out.text("server_label", results.options.server_label);
    out.text("connect", results.options.connect);
    out.text("started", results.started);
    out.add("window_started_unix_seconds", window_started(results));
    out.number("warm_up_seconds", results.warm_up_seconds);
    out.number("measured_seconds", results.measured_seconds);
    out.boolean("interrupted", results.interrupted);
    out.boolean("valid", results.valid());
    if (!results.failure.empty()) out.text("failure", results.failure);
    if (!results.generator_limit().empty()) {
        out.text("generator_limit", results.generator_limit());
    }
    out.texts("warnings", results.warnings());
    out.add("slo", slo(results));
    out.add("violations", violations(results.violations));
    out.add("counts", counts(results));
    out.add("rates", rates(results));
    out.add("server", server(results));
    out.add("loadgen", loadgen(results));
    out.add("steal_percent",
            number_or_null(results.steal_share ? std::optional(100 * *results.steal_share)
                                               : std::nullopt));
    out.add("latencies", latencies(results.recorder));
    return out.str() + "\n";
}

}  // namespace ringside::loadgen
