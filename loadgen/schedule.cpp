#include "loadgen/schedule.hpp"

#include <cmath>

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {
constexpr std::uint64_t second_ns = 1'000'000'000;
}

const char* arrivals_name(Arrivals arrivals) noexcept {
    switch (arrivals) {
        case Arrivals::constant:
            return "constant";
        case Arrivals::poisson:
            return "poisson";
    }
    return "";
}

Schedule::Schedule(const Offered& offered, std::uint64_t sender, std::uint64_t senders,
                   Random random)
    : offered_(offered), senders_(senders), random_(random), turn_(sender) {
    RINGSIDE_ASSERT(sender < senders && offered.per_second > 0 && offered.burst > 0);
}

std::uint64_t Schedule::next() noexcept {
    if (left_ == 0) {
        due_ns_ = burst_due();
        left_ = offered_.burst;
    }
    --left_;
    return due_ns_;
}

std::uint64_t Schedule::burst_due() noexcept {
    if (offered_.arrivals == Arrivals::poisson) {
        const double mean_ns = static_cast<double>(second_ns) * static_cast<double>(senders_) *
                               static_cast<double>(offered_.burst) /
                               static_cast<double>(offered_.per_second);
        elapsed_ns_ -= mean_ns * std::log(random_.fraction());
        return static_cast<std::uint64_t>(elapsed_ns_);
    }
    // 128 bits: a day at 10 million a second in nanoseconds does not fit 64.
    __extension__ using Wide = unsigned __int128;
    const Wide due = Wide{turn_} * offered_.burst * second_ns / offered_.per_second;
    turn_ += senders_;
    return static_cast<std::uint64_t>(due);
}

}  // namespace ringside::loadgen
