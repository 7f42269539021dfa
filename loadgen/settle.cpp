// What follows from options together: what a run of them measures, what makes no sense, and what of
// the whole load is this process's.

#include "common/assert.hpp"
#include "loadgen/load_limits.hpp"
#include "loadgen/options.hpp"

namespace ringside::loadgen {

namespace {

// Whether a run measures this latency at all.
bool measures(const Options& options, Latency kind) {
    const Scenario scenario = scenario_of(options);
    const bool fanout = scenario.has_audience();
    switch (kind) {
        case Latency::set_name:
        case Latency::create_chat:
        case Latency::connect_chat:
            return true;
        case Latency::own_copy:
            return scenario.has_senders();
        case Latency::replay:
        case Latency::leave_chat:
            return scenario.has(Behaviour::visitor) || scenario.has(Behaviour::wanderer);
        case Latency::first_member:
        case Latency::median_member:
        case Latency::last_member:
            return fanout;
        case Latency::own_copy_uncorrected:
        case Latency::last_member_uncorrected:
        case Latency::send_lag:
            return options.offered.per_second != 0;
        case Latency::hiccup:
            return options.workload != WorkloadKind::idle;
        case Latency::count_:
            break;
    }
    return false;
}

const char* settle_load(Options& options) {
    if (options.workload == WorkloadKind::scenario) return nullptr;
    const bool fanout = options.workload == WorkloadKind::fanout;
    if (fanout) options.users = options.rooms * options.members;
    if ((fanout ? options.rooms : options.users) < options.shards.of) {
        return fanout ? "--shard: a room is one process's, and there are fewer --rooms than shards"
                      : "--shard: there are fewer --users than shards";
    }
    if (options.own_users() > users_max) {
        return "more than 1000000 users for one process: take fewer, or share them out (--shard)";
    }
    if (options.workload == WorkloadKind::thesis) return nullptr;
    if (options.workload == WorkloadKind::idle) {
        if (options.rooms > options.own_users()) return "--rooms is above the process's --users";
        options.members = (options.own_users() + options.rooms - 1) / options.rooms;
        return nullptr;
    }
    const Offered& offered = options.offered;
    if (offered.per_second == 0 && offered.arrivals != Arrivals::constant) {
        return "--arrivals needs --rate";
    }
    if (offered.per_second == 0 && offered.burst != 1) return "--burst needs --rate";
    if (options.publishers > options.members) return "--publishers is above --members";
    if (options.publishers > 1 && options.protocol == Protocol::nats) {
        return "NATS does not order the messages of several publishers alike for all members: "
               "--protocol nats takes --publishers 1";
    }
    return nullptr;
}

}  // namespace

const char* settle(Options& options) {
    if (const char* const problem = settle_load(options)) return problem;
    if (options.slo && !measures(options, options.slo->kind.value_or(usual_latency(options)))) {
        return "--slo is of a latency that this run does not measure";
    }
    return nullptr;
}

std::size_t Options::own_rooms() const noexcept {
    if (workload != WorkloadKind::fanout) return rooms;
    std::size_t own = 0;
    for (const std::uint32_t part : shards.parts)
        own += share_of(rooms, part, shards.of).size;
    return own;
}

std::size_t Options::own_users() const noexcept {
    if (shards.of == 1) return users;
    if (workload == WorkloadKind::fanout) return own_rooms() * members;
    std::size_t own = 0;
    for (const std::uint32_t part : shards.parts)
        own += share_of(users, part, shards.of).size;
    return own;
}

std::uint64_t Options::place_of(std::uint64_t own_number) const noexcept {
    const std::uint32_t part = shards.parts.front();
    if (workload != WorkloadKind::fanout) {
        return share_of(users, part, shards.of).first + own_number;
    }
    const Share own = share_of(rooms, part, shards.of);
    return own_number / own.size * rooms + own.first + own_number % own.size;
}

const char* workload_name(WorkloadKind kind) noexcept {
    switch (kind) {
        case WorkloadKind::thesis:
            return "thesis";
        case WorkloadKind::fanout:
            return "fanout";
        case WorkloadKind::idle:
            return "idle";
        case WorkloadKind::scenario:
            return "run";
    }
    return "";
}

std::string load_name(const Options& options) {
    const std::string name = workload_name(options.workload);
    return options.scenario ? name + ":" + options.scenario->name : name;
}

Latency usual_latency(const Options& options) {
    return scenario_of(options).has_audience() ? Latency::last_member : Latency::own_copy;
}

}  // namespace ringside::loadgen
