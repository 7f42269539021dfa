#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "common/event_fd.hpp"

namespace ringside::uring {

// How other threads end the sleep of a loop, at the price of a system call only where it does
// sleep. Any thread calls wake(); the loop calls fall_asleep() before it blocks and wake_up()
// after.
//
// 1. Whoever wakes has first written what the loop is to find (an inbox entry).
// 2. All three are read-modify-writes of one atomic, so they have one order. A wake() that comes
//    before fall_asleep() makes that return false: the loop does not block. One that comes after it
//    finds `asleep` and signals the eventfd, which the loop waits for. None is lost.
// 3. fall_asleep() and wake_up() acquire what wake() released, so what was written before the
//    wake() is seen after the turn.
class WakeGate {
 public:
    explicit WakeGate(EventFd event) noexcept : event_(std::move(event)) {}

    /// What the loop waits for; readable after a wake() that found the loop asleep.
    [[nodiscard]] const EventFd& event() const noexcept { return event_; }

    void wake() noexcept {
        // release: pairs with the acquire in fall_asleep() and wake_up(). acquire: a later wake()
        // carries on what an earlier one released.
        const State before = state_.exchange(State::signalled, std::memory_order_acq_rel);
        if (before == State::asleep) event_.signal();
    }

    /// Call before blocking; false: somebody called wake(), do not block.
    [[nodiscard]] bool fall_asleep() noexcept {
        // acquire: pairs with the release in wake().
        return state_.exchange(State::asleep, std::memory_order_acq_rel) != State::signalled;
    }

    /// Call after every fall_asleep(), once the wait is over.
    void wake_up() noexcept {
        // acquire: pairs with the release in wake().
        state_.exchange(State::awake, std::memory_order_acq_rel);
    }

 private:
    enum class State : std::uint8_t {
        awake,      // the loop runs; it will look before it sleeps
        asleep,     // the loop blocks or is about to: it must be signalled
        signalled,  // somebody called wake() since the loop was last asleep or awake
    };

    EventFd event_;
    std::atomic<State> state_{State::awake};
};

}  // namespace ringside::uring
