#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/json_log.hpp"
#include "common/metrics.hpp"
#include "common/textfile.hpp"

namespace ringside {

// Writes a server's metrics for node-exporter, at once and then every interval, from a thread of
// its own; the destructor ends the thread and removes the file.
//
// 1. Its thread only reads the CounterSets of the server's threads; they outlive the writer.
// 2. `refresh` runs on its thread before each writing. It may call set() on a CounterSet that
//    only it writes to (gauges that no thread of the server keeps), and add() samples of its own.
// 3. Process figures, the build info and the log's dropped lines are added without being asked for.
// 4. A writing that fails is logged once, not every interval, until one succeeds again.
class MetricsWriter {
 public:
    struct Source {
        MetricLabels labels;                            // {{"server", "uring"}}
        std::vector<const CounterSet*> threads;         // summed
        std::function<void(MetricsSnapshot&)> refresh;  // may be empty
        // Further sets, of threads that come and go; asked before each writing. May be empty.
        std::function<std::vector<const CounterSet*>()> more_threads = {};
    };

    /// `path` empty: nothing is written. Throws StartError where it cannot be.
    MetricsWriter(const std::filesystem::path& path, std::uint64_t interval_ns, Source source,
                  JsonLog& log);
    ~MetricsWriter();
    MetricsWriter(const MetricsWriter&) = delete;
    MetricsWriter& operator=(const MetricsWriter&) = delete;

 private:
    void run();
    void write_once();

    const std::uint64_t interval_ns_;
    Source source_;
    JsonLog& log_;
    std::unique_ptr<Textfile> file_;  // null: no path was given
    CounterSet own_;                  // what this thread alone counts
    bool failing_ = false;            // true from a failed writing to the next that succeeds
    std::mutex mutex_;                // guards stopping_
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace ringside
