#include "common/clock.hpp"

#include <ctime>

namespace ringside {

namespace {

std::int64_t read_clock(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::uint64_t monotonic_ns() noexcept {
    return static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC));
}

std::int64_t SystemWallClock::now_ns() const noexcept {
    return read_clock(CLOCK_REALTIME);
}

std::string_view LocalTimeText::at(std::int64_t wall_ns) noexcept {
    const std::int64_t second = wall_ns / 1'000'000'000;
    if (second != second_) {
        second_ = second;
        const std::time_t time = second;
        std::tm local{};
        ::localtime_r(&time, &local);
        std::strftime(text_, sizeof text_, "%H:%M:%S %m/%d/%y", &local);
    }
    return {text_, bytes};
}

}  // namespace ringside
