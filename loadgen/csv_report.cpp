// RFC 4180: lines end in CR LF, and a field that holds a comma, a quote, CR or LF is quoted.

#include <fmt/format.h>

#include "loadgen/report.hpp"

namespace ringside::loadgen {

namespace {

constexpr const char* csv_columns =
    "server_label,workload,protocol,started,valid,latency,count,min_ns,mean_ns,p50_ns,p90_ns,"
    "p99_ns,p999_ns,max_ns,overflow,sum_ns\r\n";

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string out = "\"";
    for (const char byte : text) {
        if (byte == '"') out += '"';
        out += byte;
    }
    return out + '"';
}

// Empty where too few samples lie above.
std::string csv_quantile(const Histogram& latency, double quantile) {
    if (!supports_quantile(latency.count(), quantile)) return {};
    return fmt::to_string(latency.at_quantile(quantile));
}

std::string csv_line(const Results& results, Latency kind) {
    const Histogram& latency = results.recorder.latency(kind);
    const Options& options = results.options;
    return fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", csv_field(options.server_label),
        csv_field(load_name(options)), protocol_name(options.protocol), csv_field(results.started),
        results.valid(), latency_name(kind), latency.count(), latency.min_ns(),
        latency.sum_ns() / latency.count(), csv_quantile(latency, 0.5), csv_quantile(latency, 0.9),
        csv_quantile(latency, 0.99), csv_quantile(latency, 0.999), latency.max_ns(),
        latency.overflow(), latency.sum_ns());
}

}  // namespace

std::string csv_report(const Results& results) {
    std::string out = csv_columns;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        if (results.recorder.latency(kind).count() > 0) out += csv_line(results, kind);
    }
    return out;
}

}  // namespace ringside::loadgen
