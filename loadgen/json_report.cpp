#include <fmt/format.h>

#include "common/build_info.hpp"
#include "loadgen/json_object.hpp"
#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

double per(double amount, double of) noexcept {
    return of > 0 ? amount / of : 0.0;
}

std::string open_loop(const Offered& offered) {
    if (offered.per_second == 0) return "null";
    JsonObject out;
    out.whole("messages_per_second", offered.per_second);
    out.text("arrivals", arrivals_name(offered.arrivals));
    out.whole("burst", offered.burst);
    return out.str();
}

std::string parameters(const Options& options) {
    JsonObject out;
    out.whole("users", options.users);
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
    out.whole("deliveries", window.deliveries);
    out.whole("replayed", window.replayed);
    out.whole("bytes_received", window.bytes_received);
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
    out.number("achieved_messages_per_second", rate(window.messages_answered));
    out.number("deliveries_per_second", rate(window.deliveries));
    return out.str();
}

void add_cpu(JsonObject& out, const Results& results, double cpu_seconds) {
    const auto deliveries = static_cast<double>(results.recorder.window_counts().deliveries);
    out.number("cpu_seconds", cpu_seconds);
    out.number("deliveries_per_cpu_second", per(deliveries, cpu_seconds));
}

std::string server(const Results& results) {
    if (!results.server_cpu_seconds) return "null";
    JsonObject out;
    out.whole("pid", results.options.server_pid);
    add_cpu(out, results, *results.server_cpu_seconds);
    if (results.resident_bytes_before && results.resident_bytes_idle) {
        out.whole("resident_bytes_before", *results.resident_bytes_before);
        out.whole("resident_bytes_idle", *results.resident_bytes_idle);
        out.number("resident_bytes_per_connection", results.resident_bytes_per_connection());
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
    return out.str();
}

std::string loadgen(const Results& results) {
    JsonObject out;
    add_cpu(out, results, results.loadgen_cpu_seconds);
    out.number("cpu_percent", 100 * results.busy_share());
    out.whole("involuntary_context_switches", results.involuntary_switches);
    return out.str();
}

std::string machine(const Results& results) {
    JsonObject out;
    if (results.steal_share) {
        out.number("steal_percent", 100 * *results.steal_share);
    } else {
        out.add("steal_percent", "null");
    }
    return out.str();
}

std::string latency(const Histogram& histogram) {
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
    return out.str();
}

std::string latencies(const Recorder& recorder) {
    JsonObject out;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        if (recorder.latency(kind).count() == 0) continue;
        out.add(latency_name(kind), latency(recorder.latency(kind)));
    }
    return out.str();
}

}  // namespace

std::string json_report(const Results& results) {
    JsonObject out;
    out.whole("schema_version", 1);
    out.text("program", "loadgen");
    out.text("version", build_info::version);
    out.text("commit", build_info::commit);
    out.text("workload", workload_name(results.options.workload));
    out.text("protocol", protocol_name(results.options.protocol));
    out.add("parameters", parameters(results.options));
    out.whole("seed", results.options.seed);
    out.text("io", results.io);
    out.text("server_label", results.options.server_label);
    out.text("started", results.started);
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
    out.add("machine", machine(results));
    out.add("latencies", latencies(results.recorder));
    return out.str() + "\n";
}

}  // namespace ringside::loadgen
