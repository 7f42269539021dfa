#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "common/epoll.hpp"
#include "common/metrics.hpp"
#include "pipeline/handoff.hpp"
#include "pipeline/shared.hpp"

namespace ringside::pipeline {

// A stage of the pipeline: one thread, one epoll set, one inbox. This class is the loop that all
// stages have in common; what a stage does with its events stands in the derived classes.
//
// One turn: wait → every event that came → end_turn() → write the hand-offs.
//
// 1. Everything but start(), join() and the constructor happens on the stage's own thread.
// 2. A session leaves its stage in end_turn() only, when every event of the batch was worked off.
//    So an event in hand always belongs to a session that the stage still owns, and descriptor
//    numbers that are reused meanwhile cannot be mistaken.
// 3. The thread waits in epoll_wait and nowhere else, unless the derived class says where it may
//    block on the disk.
class StageThread {
 public:
    /// `name`: as `perf` and `top` show the thread, at most 15 bytes. `over`: raised when the
    /// thread ends; null for nobody. Throws StartError where the kernel gives no pipe or epoll set.
    StageThread(std::string name, CounterPool& counters, Waker* over = nullptr);
    StageThread(const StageThread&) = delete;
    StageThread& operator=(const StageThread&) = delete;
    /// The thread was joined, or never started.
    virtual ~StageThread();

    /// Throws std::system_error where the kernel gives no thread.
    void start();
    void join();
    [[nodiscard]] bool started() const noexcept { return thread_.joinable(); }
    /// Any thread: the thread has nothing more to do; join() does not wait.
    [[nodiscard]] bool is_over() const noexcept { return is_over_.load(); }
    [[nodiscard]] HandoffInbox& inbox() noexcept { return inbox_; }

 protected:
    /// Tokens of the epoll set: sessions have a generation, which is never 0; everything else is
    /// {number, 0}.
    static constexpr std::uint32_t inbox_token = 0;
    static constexpr std::uint32_t first_free_token = 1;

    // ---- what a derived class does ----
    virtual void begin() noexcept {}
    virtual void on_handoff(const Handoff& message) noexcept = 0;
    virtual void on_session_event(SlotId id, std::uint32_t events) noexcept = 0;
    virtual void on_token_event(std::uint32_t token) noexcept;
    /// Everything that came was worked off.
    virtual void end_turn() noexcept = 0;
    /// Until when the next turn may wait (monotonic); 0: it must not wait.
    [[nodiscard]] virtual std::uint64_t wait_until() const noexcept = 0;
    /// The thread ends; asked when all hand-offs are written.
    [[nodiscard]] virtual bool finished() const noexcept = 0;

    // ---- what it uses ----
    /// Queues for the end of the turn.
    void post(HandoffOutlet& outlet, const Handoff& message);
    /// Nothing of `outlet` is referred to any more; it has nothing pending.
    void forget(HandoffOutlet& outlet) noexcept;
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }
    [[nodiscard]] Epoll& epoll() noexcept { return epoll_; }
    [[nodiscard]] CounterSet& counters() noexcept { return counters_.set(); }
    [[nodiscard]] static constexpr std::uint64_t token_of(SlotId id) noexcept {
        return std::uint64_t{id.generation} << 32U | id.slot;
    }
    void count_call() noexcept { counters().add(Metric::system_calls_total); }
    /// Events may be left that epoll knew of when the turn began.
    [[nodiscard]] bool batch_was_full() const noexcept { return ready_ == events_.size(); }

 private:
    void run() noexcept;
    void turn() noexcept;
    void take_inbox() noexcept;
    void flush_outlets() noexcept;
    void flush_outlet(HandoffOutlet& outlet) noexcept;

    const std::string name_;
    CounterLease counters_;
    Waker* over_;
    std::atomic<bool> is_over_ = false;  // true from the end of run() on
    Epoll epoll_;
    HandoffInbox inbox_;
    std::vector<HandoffOutlet*> unwritten_;  // outlets that have something pending
    bool all_watched_ = true;                // the epoll set tells when they can be written
    std::uint64_t now_ns_ = 0;               // read once a turn
    std::array<epoll_event, 256> events_{};
    std::size_t ready_ = 0;  // how many of them this turn's wait filled
    std::thread thread_;
};

}  // namespace ringside::pipeline
