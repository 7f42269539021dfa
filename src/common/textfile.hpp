#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/histogram.hpp"
#include "common/metrics.hpp"
#include "common/result.hpp"

namespace ringside {

/// A snapshot for one file: samples of names that stand in the one table of metrics.cpp; HELP and
/// TYPE come from there, never from the caller.
class MetricsSnapshot {
 public:
    /// `labels`: name and value pairs, the same for every sample, as `server="uring"`.
    explicit MetricsSnapshot(std::vector<std::pair<std::string, std::string>> labels);

    /// Asserts that `name` is in the table. `label`: one more pair, or empty.
    void add(std::string_view name, double value, std::string_view label = {},
             std::string_view label_value = {});
    /// Classic histogram in seconds with export_bounds_ns().
    void add(std::string_view name, const Histogram& histogram, std::string_view label = {},
             std::string_view label_value = {});
    /// All counters and gauges of the servers' threads, summed; drops by reason.
    void add(const std::vector<const CounterSet*>& threads);
    /// CPU seconds and resident bytes of this process, as node and Prometheus name them.
    void add_process();

    /// Text exposition format (prometheus-cpp's serializer).
    [[nodiscard]] std::string text() const;
};

// The file that node-exporter's textfile collector reads: written whole under a temporary name in
// the same folder, mode 0644, renamed; removed by the destructor, so that no stale series stay.
class Textfile {
 public:
    /// Must end in `.prom`. Throws StartError where the folder cannot be written.
    explicit Textfile(std::filesystem::path path);
    ~Textfile();
    [[nodiscard]] Result<void> write(std::string_view text);
};

}  // namespace ringside
