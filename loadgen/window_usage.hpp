#pragma once

#include <cstdint>
#include <optional>

#include "loadgen/process_usage.hpp"

namespace ringside::loadgen {

// What the load generator used in the measured window, and what the hypervisor took of the machine.
class WindowUsage {
 public:
    /// The window begins. Once.
    void open();
    /// It ends. Once, after open().
    void close();

    // Until close() as far as it has got: a system call each. All 0 before open().
    [[nodiscard]] double cpu_seconds() const noexcept;
    /// Times that the kernel took the CPU away while there was work left.
    [[nodiscard]] std::uint64_t involuntary_switches() const noexcept;
    /// Of the time of all CPUs together, 0 to 1; nothing before close() or where the kernel does
    /// not tell.
    [[nodiscard]] std::optional<double> steal_share() const noexcept { return steal_share_; }

 private:
    [[nodiscard]] OwnUsage end() const noexcept { return at_close_ ? *at_close_ : own_usage(); }

    std::optional<OwnUsage> at_open_;
    std::optional<OwnUsage> at_close_;
    std::optional<MachineTime> machine_at_open_;
    std::optional<double> steal_share_;
};

}  // namespace ringside::loadgen
