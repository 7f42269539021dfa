#pragma once

#include <liburing.h>

#include <cstdint>

namespace ringside::uring {

// What the liburing of Debian 12 (2.3) does not declare yet, each with the kernel that brought it,
// and the flags of our rings with their reasons. liburing is included by the files of this folder
// only.

/// 6.12: a wait may ask for many completions and still end after a short time with fewer.
inline constexpr std::uint32_t feature_min_wait = 1U << 15U;  // IORING_FEAT_MIN_TIMEOUT

/// Flags of every ring.
inline constexpr std::uint32_t setup_flags_common =
    // 5.5: completions are not bound to submissions (multishot), so their ring is larger than the
    // default of twice the submission queue.
    IORING_SETUP_CQSIZE |
    // 5.6: too large a size is cut to what the kernel allows instead of refused.
    IORING_SETUP_CLAMP |
    // 5.18: one bad request does not stop the submission of those behind it.
    IORING_SETUP_SUBMIT_ALL;

/// First choice, 6.1.
inline constexpr std::uint32_t setup_flags_deferred =
    // 6.0: one thread submits, the kernel need not lock for it. Precondition of the next.
    IORING_SETUP_SINGLE_ISSUER |
    // 6.1: completions are worked off when the loop asks for them (enter with GETEVENTS), in a
    // batch with a warm cache, instead of whenever the thread happens to enter the kernel.
    IORING_SETUP_DEFER_TASKRUN;

/// Second choice, 5.19: completions are worked off at the next entry into the kernel, without
/// interrupting the thread for each.
inline constexpr std::uint32_t setup_flags_cooperative = IORING_SETUP_COOP_TASKRUN;

// Never IORING_SETUP_NO_SQARRAY (6.6): liburing 2.3 writes the array at offset 0 then, which is the
// head of the ring. Never IORING_SETUP_SQPOLL: it takes a core.

}  // namespace ringside::uring
