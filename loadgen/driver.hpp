#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/slot_id.hpp"
#include "loadgen/connection_owner.hpp"
#include "uring_async/fiber/scheduler.hpp"
#include "uring_async/fiber/wait.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::loadgen {

// The loop of the load generator's one thread: it owns the I/O, the coroutines of all virtual users
// and their timers. Everything else is called from here, so nothing needs a lock.
//
// One turn:
// 1. io.turn() carries out what is queued, waits, and brings what happened; its time, read after
//    everything was received, is the time of every receipt of the turn;
// 2. each event goes to the owner of its connection: messages are verified where they lie in the
// receive buffer;
// 3. the coroutines whose wait is over run;
// 4. every one that has something to send and no send in flight gets one send.
class Driver {
 public:
    explicit Driver(std::unique_ptr<uring::Io> io);
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    [[nodiscard]] uring::Io& io() noexcept { return *io_; }
    [[nodiscard]] fiber::Scheduler& scheduler() noexcept { return scheduler_; }
    [[nodiscard]] fiber::Timers& timers() noexcept { return timers_; }
    /// The time of this turn.
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return io_->now_ns(); }

    /// Events of this connection go to `owner`, until the one that says it is closed.
    void watch(SlotId id, ConnectionOwner& owner);
    /// It has bytes to send: it is asked for them at the end of the turn.
    void flush_soon(ConnectionOwner& owner) { flush_.push_back(&owner); }

    /// Runs the loop until no coroutine is left.
    void run();

 private:
    void dispatch(const uring::IoEvent& event);

    std::unique_ptr<uring::Io> io_;
    fiber::Scheduler scheduler_;
    fiber::Timers timers_{scheduler_};
    std::vector<ConnectionOwner*> owners_;  // by slot; null where none
    std::vector<ConnectionOwner*> flush_;
};

}  // namespace ringside::loadgen
