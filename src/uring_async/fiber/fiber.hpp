#pragma once

#include <cstddef>
#include <cstdint>

#include "uring_async/fiber/stack_pool.hpp"

namespace ringside::fiber {

// Stackful coroutines over Boost.Context's fcontext. fiber.cpp is the one place that switches: it
// carries the ASan and TSan annotations and saves the C++ exception state (docs/coroutines.md).
//
// 1. A fiber never leaves the thread that started it.
// 2. It does not suspend inside a catch block, with a lock held, or between a system call and
// errno.
// 3. No exception leaves its entry function.

using Entry = void (*)(void* argument) noexcept;

/// One coroutine: lives at the top of its own stack, from Scheduler::spawn until its entry returns.
class Fiber;

}  // namespace ringside::fiber
