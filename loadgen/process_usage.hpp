#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/result.hpp"

namespace ringside::loadgen {

/// User and system time of another process, in seconds, to 10 ms (/proc/PID/stat). ENOENT where
/// there is no such process.
[[nodiscard]] Result<double> cpu_seconds_of(pid_t pid);

/// Memory of another process that is in RAM, exactly (/proc/PID/smaps_rollup; the figures of
/// /proc/PID/statm are kept per core and may lag by some hundred KiB). Needs the same user.
[[nodiscard]] Result<std::uint64_t> resident_bytes_of(pid_t pid);

/// What this process used since its start (getrusage).
struct OwnUsage {
    double cpu_seconds = 0;                  // user and system time, to 1 µs
    std::uint64_t involuntary_switches = 0;  // the kernel took the CPU from a thread with work left
};
[[nodiscard]] OwnUsage own_usage() noexcept;

/// Time of all CPUs together since the machine's start, in clock ticks.
struct MachineTime {
    std::uint64_t total = 0;
    std::uint64_t stolen = 0;  // of it, such as the hypervisor gave to other guests
};
/// Of the text of /proc/stat; nothing where it is something else.
[[nodiscard]] std::optional<MachineTime> parse_machine_time(std::string_view stat);
[[nodiscard]] std::optional<MachineTime> machine_time();
/// The share of the time between two readings that was stolen, 0 to 1; nothing where no tick went
/// by. The kernel may correct stolen time downwards (proc(5)), which counts as none.
[[nodiscard]] std::optional<double> steal_share_of(const MachineTime& from, const MachineTime& to);

}  // namespace ringside::loadgen
