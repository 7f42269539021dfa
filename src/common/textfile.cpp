#include "common/textfile.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <sstream>

#include "common/assert.hpp"
#include "common/atomic_file.hpp"
#include "common/build_info.hpp"

namespace ringside {

namespace {

prometheus::MetricType prometheus_type(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter:
            return prometheus::MetricType::Counter;
        case MetricKind::gauge:
            return prometheus::MetricType::Gauge;
        case MetricKind::histogram:
            return prometheus::MetricType::Histogram;
    }
    RINGSIDE_ASSERT(!"no such metric kind");
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double process_cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double process_resident_bytes() {
    unsigned long total = 0;
    unsigned long resident = 0;  // both in pages
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                               &std::fclose);
    if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

prometheus::ClientMetric::Histogram classic_histogram(const Histogram& histogram) {
    constexpr double ns = 1e9;  // nanoseconds in a second
    prometheus::ClientMetric::Histogram out;
    out.sample_count = histogram.count();
    out.sample_sum = static_cast<double>(histogram.sum_ns()) / ns;
    for (const std::uint64_t bound : export_bounds_ns()) {
        const double upper = static_cast<double>(bound) / ns;
        out.bucket.push_back({histogram.count_at_or_below(bound), upper});
    }
    // Prometheus takes a histogram for broken unless the bucket +Inf equals the count.
    out.bucket.push_back({histogram.count(), std::numeric_limits<double>::infinity()});
    return out;
}

}  // namespace

struct MetricsSnapshot::Families {
    std::vector<prometheus::ClientMetric::Label> labels;
    std::vector<prometheus::MetricFamily> families;  // in the order of their first sample

    /// A new sample of `name`, with its labels set.
    prometheus::ClientMetric& sample(std::string_view name, std::string_view label,
                                     std::string_view label_value);
    prometheus::MetricFamily& family(const MetricInfo& info);
};

prometheus::MetricFamily& MetricsSnapshot::Families::family(const MetricInfo& info) {
    const auto found = std::ranges::find(families, info.name, &prometheus::MetricFamily::name);
    if (found != families.end()) return *found;
    prometheus::MetricFamily& added = families.emplace_back();
    added.name = info.name;
    added.help = info.help;
    added.type = prometheus_type(info.kind);
    return added;
}

prometheus::ClientMetric& MetricsSnapshot::Families::sample(std::string_view name,
                                                            std::string_view label,
                                                            std::string_view label_value) {
    const MetricInfo* info = find_metric(name);
    RINGSIDE_ASSERT(info != nullptr);
    RINGSIDE_ASSERT(info->labels.find(label) != std::string_view::npos);
    prometheus::ClientMetric& added = family(*info).metric.emplace_back();
    added.label = labels;
    if (!label.empty()) added.label.push_back({std::string(label), std::string(label_value)});
    return added;
}

MetricsSnapshot::MetricsSnapshot(MetricLabels labels) : families_(std::make_unique<Families>()) {
    for (auto& [name, value] : labels)
        families_->labels.push_back({std::move(name), std::move(value)});
}

MetricsSnapshot::~MetricsSnapshot() = default;
MetricsSnapshot::MetricsSnapshot(MetricsSnapshot&&) noexcept = default;
MetricsSnapshot& MetricsSnapshot::operator=(MetricsSnapshot&&) noexcept = default;

void MetricsSnapshot::add(std::string_view name, double value, std::string_view label,
                          std::string_view label_value) {
    prometheus::ClientMetric& added = families_->sample(name, label, label_value);
    RINGSIDE_ASSERT(find_metric(name)->kind != MetricKind::histogram);
    if (find_metric(name)->kind == MetricKind::counter) {
        added.counter.value = value;
    } else {
        added.gauge.value = value;
    }
}

void MetricsSnapshot::add(std::string_view name, const Histogram& histogram, std::string_view label,
                          std::string_view label_value) {
    RINGSIDE_ASSERT(find_metric(name)->kind == MetricKind::histogram);
    families_->sample(name, label, label_value).histogram = classic_histogram(histogram);
}

void MetricsSnapshot::add(const std::vector<const CounterSet*>& threads) {
    const auto sum = [&threads](auto which) {
        std::uint64_t total = 0;
        for (const CounterSet* set : threads)
            total += set->get(which);
        return static_cast<double>(total);
    };
    for (std::size_t i = 0; i < static_cast<std::size_t>(Metric::count_); ++i) {
        add(metric_info(static_cast<Metric>(i)).name, sum(static_cast<Metric>(i)));
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
        const auto reason = static_cast<Drop>(i);
        add("ringside_drops_total", sum(reason), "reason", drop_name(reason));
    }
    const double sends = sum(Metric::sends_total);
    add("ringside_deliveries_per_send", sends > 0 ? sum(Metric::deliveries_total) / sends : 0.0);
}

void MetricsSnapshot::add_process() {
    add("ringside_process_cpu_seconds_total", process_cpu_seconds());
    add("ringside_process_resident_bytes", process_resident_bytes());
}

void MetricsSnapshot::add_build_info() {
    prometheus::ClientMetric& added = families_->sample("ringside_build_info", {}, {});
    added.gauge.value = 1;
    added.label.push_back({"version", build_info::version});
    added.label.push_back({"commit", build_info::commit});
}

std::string MetricsSnapshot::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_->families);
    return std::move(out).str();
}

Textfile::Textfile(std::filesystem::path path) : path_(std::move(path)) {
    if (path_.extension() != ".prom") {
        throw StartError("--metrics-textfile: '" + path_.string() +
                         "' must end in .prom, or node-exporter would not read it");
    }
    if (const Result<void> tried = write("# no samples yet\n"); !tried) {
        throw StartError("--metrics-textfile: cannot write '" + path_.string() + "' (" +
                         tried.error().text() + "); choose a folder that exists and is writable");
    }
}

Textfile::~Textfile() {
    if (!kept_) ::unlink(path_.c_str());
}

Result<void> Textfile::write(std::string_view text) {
    return write_file_atomically(path_, text);
}

}  // namespace ringside
