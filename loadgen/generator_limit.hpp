#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/recorder.hpp"

namespace ringside::loadgen {

// Whether a run's figures are the server's or the load generator's. Of an open loop, one rule:
//
// 1. It was busy for at most `busy_share_max` of the window: a thread without time left is late.
// 2. Its lateness is small against what is reported. `send_lag` and `hiccup`, each at the 99th
//    percentile (at the 90th, or the median, where none is reported above it), are at most
//    `late_share_max` of last_member there (own_copy where no room has members who stay), or at
//    most `late_floor_ns`.
//
// A latency begins when a message was due and ends when its receipt was read, so the generator's
// lateness is in it twice at most: within a tenth, most of what is reported is the server's. A
// server that stalls makes the reported latency long and no tick late, so it passes. A generator
// that stands still makes both as long, so it fails, however few messages the bound let out.
//
// Below the floor the share may be larger: a fast server's tenth is less than the scheduler of a
// busy machine keeps. The run stays valid then and its lateness is warned of, as is lateness that
// shows in the 99.9th percentile only.
//
// A closed loop promises no rate, and much work in a turn is its nature: being busy, or late beyond
// the share above, is warned of. What work cannot explain is a generator that was stopped or
// starved of its CPU: for half of the window later than `stand_still_ns`, and than what is
// reported.
//
// Results::limit_by_figures() adds one for --slo in an open loop: missed by no more than twice the
// lateness at its percentile.

inline constexpr double busy_share_max = 0.95;
inline constexpr double late_share_max = 0.1;
inline constexpr std::uint64_t late_floor_ns = 1'000'000;
inline constexpr std::uint64_t stand_still_ns = 100'000'000;
inline constexpr double stand_still_quantile = 0.5;
inline constexpr std::uint64_t stand_still_ticks_min = 1000;  // in a second or more

enum class GeneratorLimit : std::uint8_t { none, busy, send_lag, hiccup, count_ };

[[nodiscard]] std::string_view generator_limit_name(GeneratorLimit limit) noexcept;  // "hiccup"

/// How late the load generator was at a percentile, and what is reported there.
struct Lateness {
    Latency kind = Latency::hiccup;  // or send_lag
    double quantile = 0.99;
    std::uint64_t late_ns = 0;                // 0 where there are too few samples
    Latency reported = Latency::last_member;  // or own_copy
    std::uint64_t reported_ns = 0;            // at the quantile; 0 where there are too few

    /// More than its share of what is reported.
    [[nodiscard]] bool matters() const noexcept {
        return static_cast<double>(late_ns) > late_share_max * static_cast<double>(reported_ns);
    }
    [[nodiscard]] bool above_floor() const noexcept { return late_ns > late_floor_ns; }
    /// So late that the figures are not the server's.
    [[nodiscard]] bool limits() const noexcept { return above_floor() && matters(); }
    [[nodiscard]] bool stood_still() const noexcept {
        return late_ns > stand_still_ns && late_ns > reported_ns;
    }
    /// "by 3.0 ms at p99 (hiccup), where last_member is 4.0 ms".
    [[nodiscard]] std::string text() const;
};

// Of what was recorded so far, the worse of both kinds.
/// At the 99th percentile; at the 90th, or the median, where there are too few samples for that.
[[nodiscard]] Lateness worst_lateness(const Recorder& recorder);
[[nodiscard]] Lateness worst_lateness_at(const Recorder& recorder, double quantile);
/// What judge_generator() goes by.
[[nodiscard]] Lateness judged_lateness(const Recorder& recorder, bool open_loop);
/// `busy_share`: of the window, 1 is all of it.
[[nodiscard]] GeneratorLimit judge_generator(const Recorder& recorder, bool open_loop,
                                             double busy_share);

}  // namespace ringside::loadgen
