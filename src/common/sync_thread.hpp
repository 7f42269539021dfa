#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/history_file.hpp"

namespace ringside {

/// When a message counts as durable against a power cut (--fsync never|interval:MS|always).
struct FsyncPolicy {
    enum class Mode : std::uint8_t { never, interval, always };
    Mode mode = Mode::interval;
    std::uint64_t interval_ns = 1'000'000'000;
};

/// Something a thread can be woken by: an inbox with an eventfd, a worker's I/O. Any thread calls.
class Waker {
 public:
    virtual ~Waker() = default;
    virtual void wake() noexcept = 0;
};

/// A finished sync of one file: everything up to `end` is synced, or `error` says why never again.
struct SyncDone {
    std::uint64_t token = 0;  // the caller's own word for the room
    std::uint64_t end = 0;
    Error error{};  // code 0 on success
};

/// Where results for one owner thread arrive: the sync thread pushes and wakes, the owner takes.
/// May go away while syncs for it are due: they are carried out, their results are dropped.
class SyncInbox {
 public:
    /// `waker` outlives the inbox. It is called with a lock held that take() needs.
    explicit SyncInbox(Waker& waker);
    SyncInbox(const SyncInbox&) = delete;
    SyncInbox& operator=(const SyncInbox&) = delete;
    ~SyncInbox();

    /// Moves all results to `out` (cleared first). Owner only; no lock where there are none.
    void take(std::vector<SyncDone>& out);

 private:
    friend class SyncThread;
    /// What both sides hold, so that neither must outlive the other.
    struct Shared {
        std::mutex mutex;
        Waker* waker = nullptr;  // guarded by mutex; null once the inbox is gone
        std::vector<SyncDone> results;
        // True where `results` may hold something: stored under the mutex, loaded without it by
        // take(). Relaxed: a miss is made up for by the wake that follows, hits take the mutex.
        std::atomic<bool> any{false};

        void push(const SyncDone& done);
    };
    const std::shared_ptr<Shared> shared_;
};

// The one thread that calls fdatasync and syncfs, so that no worker does, and that does what else
// may block on the disk: creating and opening rooms. Syncs are group-committed: however many
// requests for a file came while it was being synced, one more sync answers all, and where many
// files are ripe, one syncfs answers for all of them.
//
// 1. Any thread calls appended() and run(); neither waits for the disk (Mode::never apart).
// 2. Jobs and ripe syncs take turns, a job first, so that neither keeps the other waiting for more
//    than one of its kind; among themselves, each keeps its order.
// 3. A file is due from its first append on, at once or within the interval; it is synced once for
//    all that was appended until its turn came. From sync_together_min files on, all that are due
//    are synced as soon as one is ripe, by one syncfs.
// 4. A failed sync is reported and never retried (HistoryFile::sync()); the room's owner then calls
//    RoomLog::fence(). One inbox hears of one file's failure once.
//
// With Mode::never it has no thread: jobs run at once in the caller, and nothing is synced.
class SyncThread {
 public:
    /// `file_system`: a descriptor of the file system that all files are in, open since before the
    /// first append, so that it hears of every error; outlives the thread. -1: no syncfs.
    explicit SyncThread(const FsyncPolicy& policy, int file_system = -1);
    SyncThread(const SyncThread&) = delete;
    SyncThread& operator=(const SyncThread&) = delete;
    /// Runs every job and syncs everything still due, then ends. Nobody calls it any more.
    ~SyncThread();

    [[nodiscard]] const FsyncPolicy& policy() const noexcept { return policy_; }
    /// The file was appended up to `end`. interval: it is synced within the interval; errors only
    /// are reported to `inbox`. always: it is synced at once and the result reported. never:
    /// nothing.
    void appended(const std::shared_ptr<HistoryFile>& file, std::uint64_t end, SyncInbox& inbox,
                  std::uint64_t token);
    /// Runs `job` on the thread (never: at once, here). Used for work that blocks on the disk.
    void run(std::function<void()> job);

 private:
    struct Due {
        std::shared_ptr<HistoryFile> file;
        std::uint64_t end = 0;
        std::uint64_t token = 0;
        std::uint64_t deadline_ns = 0;  // monotonic; 0: at once
        std::shared_ptr<SyncInbox::Shared> inbox;
    };
    /// Whom we told that a file's sync failed.
    struct Reported {
        std::uint64_t file = 0;
        std::weak_ptr<SyncInbox::Shared> inbox;
    };

    void loop();
    /// Each gives up the lock meanwhile; false where there is nothing to do.
    bool do_next_job(std::unique_lock<std::mutex>& lock);
    bool do_next_sync(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool sync_is_ripe(std::uint64_t now_ns) const noexcept;
    void wait_for_work(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] Due take_next_due();
    void sync(const std::vector<Due>& ripe);
    void report(const Due& due, const Result<void>& synced);
    [[nodiscard]] bool first_report(const Due& due);

    const FsyncPolicy policy_;
    const int file_system_;

    // Guards everything down to the empty line, between callers and the thread.
    std::mutex mutex_;
    std::condition_variable work_came_;
    std::deque<std::function<void()>> jobs_;
    std::unordered_map<std::uint64_t, Due> due_;  // by HistoryFile::identity()
    std::deque<std::uint64_t> due_order_;         // keys of due_, the earliest deadline first
    bool stopping_ = false;

    std::vector<Reported> reported_;  // the thread's own
    std::thread thread_;              // last: it uses all of the above
};

}  // namespace ringside
