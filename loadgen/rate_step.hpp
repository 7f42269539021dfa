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
    std::optional<std::uint64_t> max_ns{};  // where there is a sample
    std::optional<double> server_cores{};   // CPU seconds a second, with --server-pid

    Finding finding = Finding::failed;
    std::string word;  // for a table, at most 12 columns: "ok", "SLO missed"
    std::string why;   // in full, for a person; empty where it is ok
    bool interrupted = false;
    bool loaded = false;  // it got as far as the load, in which nothing need have been due
    int exit_code = 0;    // of a run of its own
    std::string json;     // json_report(); "null" where there was no run
};

/// Passed: every delivery was right, the objective was met where there is one, and no less than
/// achieved_share_min of what was offered was achieved.
[[nodiscard]] RateStep digest(const Results& results);
/// Of a rate whose run could not be made.
[[nodiscard]] RateStep not_started(std::uint64_t rate, std::string why);

}  // namespace ringside::loadgen
