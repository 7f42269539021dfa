#pragma once

#include <sys/types.h>

#include "common/result.hpp"

namespace ringside::loadgen {

/// User and system time of another process, in seconds, to 10 ms (/proc/PID/stat). ENOENT where
/// there is no such process.
[[nodiscard]] Result<double> cpu_seconds_of(pid_t pid);

/// The same of this process, to 1 µs.
[[nodiscard]] double own_cpu_seconds() noexcept;

}  // namespace ringside::loadgen
