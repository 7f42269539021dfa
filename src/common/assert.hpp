#pragma once

// RINGSIDE_ASSERT: our own bugs, on in every build (style.md "Errors and assertions").
//
// A failed assertion prints the expression, the place and a stack, then aborts. Never use it for
// anything that a peer, the kernel or the disk can cause: those are expected errors.

namespace ringside {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace ringside

#define RINGSIDE_ASSERT(expression)      \
    (__builtin_expect(!!(expression), 1) \
         ? static_cast<void>(0)          \
         : ::ringside::assertion_failed(#expression, __FILE__, __LINE__))
