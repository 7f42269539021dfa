#include "common/sync_thread.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/limits.hpp"

namespace ringside {

SyncInbox::SyncInbox(Waker& waker) : shared_(std::make_shared<Shared>()) {
    shared_->waker = &waker;
}

SyncInbox::~SyncInbox() {
    const std::lock_guard lock(shared_->mutex);
    shared_->waker = nullptr;
}

void SyncInbox::Shared::push(const SyncDone& done) {
    const std::lock_guard lock(mutex);
    if (waker == nullptr) return;
    results.push_back(done);
    any.store(true, std::memory_order_relaxed);
    waker->wake();
}

void SyncInbox::take(std::vector<SyncDone>& out) {
    out.clear();
    if (!shared_->any.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(shared_->mutex);
    shared_->any.store(false, std::memory_order_relaxed);
    out.swap(shared_->results);
}

SyncThread::SyncThread(const FsyncPolicy& policy, int file_system)
    : policy_(policy), file_system_(file_system) {
    if (policy_.mode != FsyncPolicy::Mode::never) thread_ = std::thread([this] { loop(); });
}

SyncThread::~SyncThread() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_came_.notify_one();
    thread_.join();
    RINGSIDE_ASSERT(jobs_.empty() && due_.empty() && due_order_.empty());
}

void SyncThread::appended(const std::shared_ptr<HistoryFile>& file, std::uint64_t end,
                          SyncInbox& inbox, std::uint64_t token) {
    if (policy_.mode == FsyncPolicy::Mode::never) return;
    const bool at_once = policy_.mode == FsyncPolicy::Mode::always;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        const auto [place, inserted] = due_.try_emplace(file->identity());
        Due& due = place->second;
        if (inserted) {
            first = due_order_.empty();
            due_order_.push_back(file->identity());
            due.file = file;
            due.deadline_ns = at_once ? 0 : monotonic_ns() + policy_.interval_ns;
        }
        RINGSIDE_ASSERT(end >= due.end);
        due.end = end;
        due.token = token;
        if (due.inbox != inbox.shared_) due.inbox = inbox.shared_;
    }
    // Later ones have later deadlines, so only the first changes what the thread waits for.
    if (first) work_came_.notify_one();
}

void SyncThread::run(std::function<void()> job) {
    if (policy_.mode == FsyncPolicy::Mode::never) return job();
    {
        const std::lock_guard lock(mutex_);
        RINGSIDE_ASSERT(!stopping_);
        jobs_.push_back(std::move(job));
    }
    work_came_.notify_one();
}

bool SyncThread::sync_is_ripe(std::uint64_t now_ns) const noexcept {
    if (due_order_.empty()) return false;
    return stopping_ || due_.at(due_order_.front()).deadline_ns <= now_ns;
}

void SyncThread::wait_for_work(std::unique_lock<std::mutex>& lock) {
    if (due_order_.empty()) return work_came_.wait(lock);
    const auto deadline = std::chrono::nanoseconds(due_.at(due_order_.front()).deadline_ns);
    // steady_clock is CLOCK_MONOTONIC in libstdc++, which monotonic_ns() reads.
    work_came_.wait_until(lock, std::chrono::steady_clock::time_point(deadline));
}

void SyncThread::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const bool job_done = do_next_job(lock);
        const bool sync_done = do_next_sync(lock);
        if (job_done || sync_done) continue;
        if (stopping_) return;
        wait_for_work(lock);
    }
}

bool SyncThread::do_next_job(std::unique_lock<std::mutex>& lock) {
    if (jobs_.empty()) return false;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may close files, so without the lock
    lock.lock();
    return true;
}

bool SyncThread::do_next_sync(std::unique_lock<std::mutex>& lock) {
    if (!sync_is_ripe(monotonic_ns())) return false;
    // Where one syncfs serves all, the others need not wait for their deadlines.
    const bool all = file_system_ >= 0 && due_.size() >= sync_together_min;
    std::vector<Due> ripe;
    do {
        ripe.push_back(take_next_due());
    } while (all && !due_.empty());
    lock.unlock();
    sync(ripe);
    ripe.clear();  // closes files, so without the lock
    lock.lock();
    return true;
}

SyncThread::Due SyncThread::take_next_due() {
    const auto place = due_.find(due_order_.front());
    RINGSIDE_ASSERT(place != due_.end());
    Due due = std::move(place->second);
    due_.erase(place);
    due_order_.pop_front();
    return due;
}

void SyncThread::sync(const std::vector<Due>& ripe) {
    std::vector<HistoryFile*> files;
    for (const Due& due : ripe)
        files.push_back(due.file.get());
    // A failure does not say whose bytes were lost, but each file still knows of its own.
    const bool together = file_system_ >= 0 && files.size() >= sync_together_min &&
                          HistoryFile::sync_together(files, file_system_);
    for (const Due& due : ripe)
        report(due, together ? Result<void>{} : due.file->sync());
}

void SyncThread::report(const Due& due, const Result<void>& synced) {
    SyncDone done{.token = due.token, .end = due.end};
    if (!synced) {
        done.error = synced.error();
        if (first_report(due)) due.inbox->push(done);
    } else if (policy_.mode == FsyncPolicy::Mode::always) {
        due.inbox->push(done);
    }
}

bool SyncThread::first_report(const Due& due) {
    std::erase_if(reported_, [](const Reported& told) { return told.inbox.expired(); });
    const bool told = std::any_of(reported_.begin(), reported_.end(), [&](const Reported& r) {
        return r.file == due.file->identity() && r.inbox.lock() == due.inbox;
    });
    if (!told) reported_.push_back({due.file->identity(), due.inbox});
    return !told;
}

}  // namespace ringside
