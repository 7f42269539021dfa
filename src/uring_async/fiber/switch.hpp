#pragma once

// The switch between a thread's loop and its coroutines: everything that is dangerous about it is
// in this file. The Scheduler calls it, on the one thread that owns the fibers; only scheduler.cpp
// and fiber.cpp include it.
//
// 1. The Fiber object and its frames share one stack: Fiber on top, fcontext's record below it.
// 2. enter() and leave() are the only two jumps. They are inlined, for two reasons. TSan must be
//    told in the very function that jumps: a function of its own would count its return on the
//    shadow stack of the other side and run under. And a processor predicts a return by the calls
//    it has seen, so each return between a jump and what goes on is mispredicted (7 ns apiece).
// 3. The loop's exception state is put aside while a fiber runs, and the fiber's while it does not.
//    Both happen in enter(), since every switch passes through it.
// 4. The last leave() tells ASan that the fiber's fake stack may go. What follows (TSan's context,
//    the poison of abandoned frames, the stack itself) is cleaned up by the loop after release():
//    nobody frees the stack it stands on.
// 5. Backtraces end at the fiber's first frame (FiberStart): it has no saved frame pointer and no
//    return address.

#include <cxxabi.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/tsan_interface.h>

#include <boost/context/detail/fcontext.hpp>

#include "uring_async/fiber/fiber.hpp"

namespace ringside::fiber {

// Discarded branches (`if constexpr`) name no symbol, so a plain build links without sanitizers.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_asan = true;
#else
inline constexpr bool with_asan = false;
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr bool with_tsan = true;
#else
inline constexpr bool with_tsan = false;
#endif

[[gnu::always_inline]] inline void Fiber::enter() noexcept {
    // Constant within a thread, so the compiler may keep it for a whole loop of enter() calls.
    auto& exceptions = *reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
    const ExceptionState loop_exceptions = exceptions;
    exceptions = exceptions_;

    void* loop_fake_stack = nullptr;
    if constexpr (with_asan) {
        __sanitizer_start_switch_fiber(&loop_fake_stack, stack_.bottom, stack_.bytes);
    }
    if constexpr (with_tsan) {
        loop_race_context_ = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(race_context_, 0);
    }
    const boost::context::detail::transfer_t back =
        boost::context::detail::jump_fcontext(other_side_, this);
    if constexpr (with_asan) __sanitizer_finish_switch_fiber(loop_fake_stack, nullptr, nullptr);

    other_side_ = back.fctx;
    exceptions_ = exceptions;
    exceptions = loop_exceptions;
}

[[gnu::always_inline]] inline void Fiber::leave() noexcept {
    if constexpr (with_asan) {
        void** const save = state == State::done ? nullptr : &fake_stack_;
        __sanitizer_start_switch_fiber(save, loop_stack_bottom_, loop_stack_bytes_);
    }
    if constexpr (with_tsan) __tsan_switch_to_fiber(loop_race_context_, 0);
    const boost::context::detail::transfer_t back =
        boost::context::detail::jump_fcontext(other_side_, nullptr);
    if constexpr (with_asan) {
        __sanitizer_finish_switch_fiber(fake_stack_, &loop_stack_bottom_, &loop_stack_bytes_);
    }
    other_side_ = back.fctx;
}

}  // namespace ringside::fiber
