#pragma once

#include <cstdint>
#include <memory>

#include "common/result.hpp"
#include "uring_async/io/uring_constants.hpp"

namespace ringside::uring {

/// One completion, copied out of the ring.
struct Completion {
    std::uint64_t user_data = 0;
    std::int32_t result = 0;
    std::uint32_t flags = 0;  // IORING_CQE_F_…
};

// One io_uring: set-up, the submission queue, the one system call, the completion queue. For the
// thread that made it.
//
// 1. The submission tail is published and io_uring_enter2 called by us: what liburing 2.3 offers
//    (io_uring_submit_and_wait_timeout) omits GETEVENTS when completions are pending, and with
//    DEFER_TASKRUN no completion is worked off then.
// 2. A request that enter() could not hand over (EAGAIN, EBUSY) stays in the queue for the next.
class Ring {
 public:
    struct Sizes {
        std::uint32_t submissions = 0;  // powers of two
        std::uint32_t completions = 0;
    };

    /// `deferred`: with DEFER_TASKRUN; EINVAL where the kernel (before 6.1) does not have it.
    [[nodiscard]] static Result<std::unique_ptr<Ring>> make(const Sizes& sizes, bool deferred);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// An entry of the submission queue for io_uring_prep_…; null where it is full: submit().
    [[nodiscard]] io_uring_sqe* entry() noexcept { return ::io_uring_get_sqe(&ring_); }

    /// Hands over what is queued. Requests handed over, or -errno.
    int submit() noexcept;
    /// Hands over what is queued, works off completions and waits for one of them: not at all for
    /// `timeout_ns` 0, for ever for UINT64_MAX. -ETIME after the time-out, -EINTR after a signal.
    int submit_and_wait(std::uint64_t timeout_ns) noexcept;

    /// The oldest completion; false where there is none. Submissions in between are fine.
    [[nodiscard]] bool pop(Completion& completion) noexcept;
    [[nodiscard]] bool has_completions() const noexcept;

    [[nodiscard]] bool has_feature(std::uint32_t feature) const noexcept {
        return (ring_.features & feature) != 0;
    }
    /// For io_uring_register_… calls.
    [[nodiscard]] io_uring* raw() noexcept { return &ring_; }

 private:
    Ring() noexcept = default;
    [[nodiscard]] unsigned publish_submissions() noexcept;
    int enter(unsigned submissions, unsigned wait_for, unsigned flags,
              io_uring_getevents_arg* argument) noexcept;

    io_uring ring_{};
    unsigned enter_flags_ = 0;  // IORING_ENTER_REGISTERED_RING once the descriptor is registered
};

}  // namespace ringside::uring
