#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/histogram.hpp"
#include "common/metrics.hpp"
#include "common/result.hpp"

namespace ringside {

/// Name and value pairs, the same for every sample of a file, as `server="uring"`.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// A snapshot for one file: samples of names that stand in the one table of metrics.cpp; HELP and
/// TYPE come from there, never from the caller. One thread.
class MetricsSnapshot {
 public:
    explicit MetricsSnapshot(MetricLabels labels);
    ~MetricsSnapshot();
    MetricsSnapshot(MetricsSnapshot&&) noexcept;
    MetricsSnapshot& operator=(MetricsSnapshot&&) noexcept;

    /// Asserts that `name` is in the table. `label`: one more pair, or empty.
    void add(std::string_view name, double value, std::string_view label = {},
             std::string_view label_value = {});
    /// Classic histogram in seconds with export_bounds_ns().
    void add(std::string_view name, const Histogram& histogram, std::string_view label = {},
             std::string_view label_value = {});
    /// All counters and gauges of a server's threads, summed; drops by reason; deliveries per send.
    void add(const std::vector<const CounterSet*>& threads);
    /// CPU seconds and resident bytes of this process.
    void add_process();
    /// ringside_build_info with version and commit.
    void add_build_info();

    /// Text exposition format, ends in a newline.
    [[nodiscard]] std::string text() const;

 private:
    struct Families;
    std::unique_ptr<Families> families_;
};

// The file that node-exporter's textfile collector reads: written whole under a temporary name in
// the same folder, mode 0644, renamed; removed by the destructor unless it is kept, so that no
// stale series stay (the collector would serve them for ever). The temporary name must not end in
// `.prom`, or the collector would read it half written.
class Textfile {
 public:
    /// Must end in `.prom`. Throws StartError where the folder cannot be written.
    explicit Textfile(std::filesystem::path path);
    ~Textfile();
    Textfile(const Textfile&) = delete;
    Textfile& operator=(const Textfile&) = delete;

    [[nodiscard]] Result<void> write(std::string_view text);
    /// The destructor leaves it where it is.
    void keep() noexcept { kept_ = true; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
    std::filesystem::path path_;
    bool kept_ = false;
};

}  // namespace ringside
