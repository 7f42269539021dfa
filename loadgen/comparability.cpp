#include "loadgen/comparability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/assert.hpp"
#include "common/history_file.hpp"
#include "loadgen/scenario_file.hpp"

namespace ringside::loadgen {

namespace {

constexpr double window_share_max = 0.02;
constexpr double window_seconds_max = 0.05;  // what timers and a busy machine add to a short one

std::string number_or_dash(bool applies, std::size_t value) {
    return applies ? fmt::to_string(value) : "-";
}

// Two of one name may differ in anything; how long they were measured is compared apart.
std::string scenario_text(const Options& options) {
    if (!options.scenario) return "-";
    Scenario load = *options.scenario;
    load.warm_up_ns = load.measure_ns = 0;
    return fmt::format("{} ({:08x})", load.name, crc32c(scenario_json(load)));
}

}  // namespace

std::vector<Fact> load_facts(const Results& results) {
    const Options& options = results.options;
    const bool fanout = options.workload == WorkloadKind::fanout;
    const bool by_file = options.workload == WorkloadKind::scenario;
    const bool sends = options.workload != WorkloadKind::idle && !by_file;
    const bool has_rooms = options.workload != WorkloadKind::thesis && !by_file;
    const Offered& offered = options.offered;
    const bool open = offered.per_second != 0;
    const Origin& origin = results.origin;
    return {
        {"workload", workload_name(options.workload)},
        {"scenario", scenario_text(options)},
        {"protocol", protocol_name(options.protocol)},
        {"users", fmt::to_string(options.users)},
        {"rooms", number_or_dash(has_rooms, options.rooms)},
        {"members", number_or_dash(fanout, options.members)},
        {"publishers", number_or_dash(fanout, options.publishers)},
        {"payload bytes", number_or_dash(sends, options.payload_bytes)},
        {"outstanding", number_or_dash(sends, options.outstanding)},
        {"rate", number_or_dash(open, offered.per_second)},
        {"arrivals", open ? arrivals_name(offered.arrivals) : "-"},
        {"burst", number_or_dash(open, offered.burst)},
        {"I/O", results.io},
        {"loadgen", fmt::format("{} (commit {}, {}, {})", origin.version, origin.commit,
                                origin.compiler, origin.build_type)},
    };
}

std::vector<std::string> differences(const std::vector<Fact>& a, const std::vector<Fact>& b) {
    RINGSIDE_ASSERT(a.size() == b.size());
    std::vector<std::string> found;
    for (std::size_t i = 0; i < a.size(); ++i) {
        RINGSIDE_ASSERT(a[i].name == b[i].name);
        if (a[i].value == b[i].value) continue;
        found.push_back(fmt::format("{}: {} and {}", a[i].name, a[i].value, b[i].value));
    }
    return found;
}

bool windows_alike(double seconds_a, double seconds_b, double difference) noexcept {
    const double allowed =
        std::max(window_share_max * std::min(seconds_a, seconds_b), window_seconds_max);
    return std::abs(difference) <= allowed;
}

}  // namespace ringside::loadgen
