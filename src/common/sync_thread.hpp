#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
class SyncInbox {
 public:
    explicit SyncInbox(Waker& waker) noexcept;
    /// Moves all results to `out` (cleared first). Owner only.
    void take(std::vector<SyncDone>& out);
};

// The one thread that calls fdatasync, so that no worker does, and that does what else may block
// on the disk: creating and opening rooms. Syncs are group-committed: however many requests for a
// file came while it was being synced, one more sync answers all.
//
// With Mode::never it has no thread: jobs run at once in the caller.
class SyncThread {
 public:
    explicit SyncThread(const FsyncPolicy& policy);
    /// Syncs everything still due, then ends.
    ~SyncThread();

    [[nodiscard]] const FsyncPolicy& policy() const noexcept;
    /// The file was appended up to `end`. interval: it is synced within the interval; errors only
    /// are reported to `inbox`. always: it is synced at once and the result reported. never:
    /// nothing.
    void appended(const std::shared_ptr<HistoryFile>& file, std::uint64_t end, SyncInbox& inbox,
                  std::uint64_t token);
    /// Runs `job` on the thread (never: at once, here). Used for work that blocks on the disk.
    void run(std::function<void()> job);
};

}  // namespace ringside
