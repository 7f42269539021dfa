#include "common/metrics_writer.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace ringside {

MetricsWriter::MetricsWriter(const std::filesystem::path& path, std::uint64_t interval_ns,
                             Source source, JsonLog& log)
    : interval_ns_(interval_ns), source_(std::move(source)), log_(log) {
    if (path.empty()) return;
    file_ = std::make_unique<Textfile>(path);
    source_.threads.push_back(&own_);
    thread_ = std::thread([this] { run(); });
}

MetricsWriter::~MetricsWriter() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_one();
    thread_.join();
}

void MetricsWriter::run() {
    const std::chrono::nanoseconds interval(interval_ns_);
    auto next = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        write_once();
        lock.lock();
        // After a stop of several intervals (a stopped process, a slow disk) it writes once.
        next = std::max(next + interval, std::chrono::steady_clock::now());
        stop_.wait_until(lock, next, [this] { return stopping_; });
    }
}

void MetricsWriter::write_once() {
    MetricsSnapshot snapshot(source_.labels);
    if (source_.refresh) source_.refresh(snapshot);
    own_.set(Metric::log_lines_dropped_total, log_.dropped());
    std::vector<const CounterSet*> threads = source_.threads;
    if (source_.more_threads) {
        const std::vector<const CounterSet*> more = source_.more_threads();
        threads.insert(threads.end(), more.begin(), more.end());
    }
    snapshot.add(threads);
    snapshot.add_process();
    snapshot.add_build_info();
    const Result<void> written = file_->write(snapshot.text());
    if (!written && !failing_) {
        log_.write(LogLevel::error, "cannot write the metrics",
                   {{"path", file_->path().string()}, {"error", written.error().text()}});
    }
    failing_ = !written;
}

}  // namespace ringside
