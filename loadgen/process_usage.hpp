#pragma once

#include <sys/types.h>

#include <cstdint>

#include "common/result.hpp"

namespace ringside::loadgen {

/// User and system time of another process, in seconds, to 10 ms (/proc/PID/stat). ENOENT where
/// there is no such process.
[[nodiscard]] Result<double> cpu_seconds_of(pid_t pid);

/// Memory of another process that is in RAM, exactly (/proc/PID/smaps_rollup; the figures of
/// /proc/PID/statm are kept per core and may lag by some hundred KiB). Needs the same user.
[[nodiscard]] Result<std::uint64_t> resident_bytes_of(pid_t pid);

/// The same of this process, to 1 µs.
[[nodiscard]] double own_cpu_seconds() noexcept;

}  // namespace ringside::loadgen
