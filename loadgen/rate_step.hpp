#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "loadgen/rate_search.hpp"
#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// What is kept of the run at one rate, which itself is gone by then.
struct RateStep {
    std::uint64_t rate = 0;  // that was asked for; messages a second, as the next two
    double offered = 0;
    double achieved = 0;
    // Of the last member, where there are enough samples.
    std::optional<std::uint64_t> p50_ns{};
    std::optional<std::uint64_t> p99_ns{};
    std::optional<std::uint64_t> p999_ns{};
    std::uint64_t max_ns = 0;
    std::optional<double> server_cores{};  // CPU seconds a second, with --server-pid

    Finding finding = Finding::failed;
    std::string word;  // for a table, at most 12 columns: "ok", "SLO missed"
    std::string why;   // in full, for a person; empty where it is ok
    bool interrupted = false;
    bool loaded = false;  // it got as far as sending messages
    int exit_code = 0;    // of a run of its own
    std::string json;     // json_report()
};

/// Of a server that keeps up, the rest is on its way when the window closes.
inline constexpr double achieved_share_min = 0.99;

/// Passed: every delivery was right, the objective was met where there is one, and no less than
/// achieved_share_min of what was offered was achieved.
[[nodiscard]] RateStep digest(const Results& results);

}  // namespace ringside::loadgen
