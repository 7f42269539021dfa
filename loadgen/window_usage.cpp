#include "loadgen/window_usage.hpp"

#include "common/assert.hpp"

namespace ringside::loadgen {

void WindowUsage::open() {
    RINGSIDE_ASSERT(!at_open_);
    machine_at_open_ = machine_time();
    at_open_ = own_usage();
}

void WindowUsage::close() {
    RINGSIDE_ASSERT(at_open_ && !at_close_);
    at_close_ = own_usage();
    const std::optional<MachineTime> machine = machine_time();
    if (machine && machine_at_open_) steal_share_ = steal_share_of(*machine_at_open_, *machine);
}

double WindowUsage::cpu_seconds() const noexcept {
    return at_open_ ? end().cpu_seconds - at_open_->cpu_seconds : 0;
}

std::uint64_t WindowUsage::involuntary_switches() const noexcept {
    return at_open_ ? end().involuntary_switches - at_open_->involuntary_switches : 0;
}

}  // namespace ringside::loadgen
