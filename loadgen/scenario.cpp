#include "loadgen/scenario.hpp"

#include <algorithm>
#include <cmath>

#include "common/assert.hpp"
#include "loadgen/options.hpp"

namespace ringside::loadgen {

namespace {

double exponential(Random& random, double mean) noexcept {
    return -mean * std::log(random.fraction());
}

UserGroup members(std::string name, std::size_t count) {
    UserGroup group;
    group.name = std::move(name);
    group.count = count;
    return group;
}

Sending sending_of(const Options& options) {
    return {.outstanding = options.outstanding,
            .think_ns = 0,
            .offered = options.offered,
            .senders = options.rooms * options.publishers,
            .payload = PayloadBytes::of(options.payload_bytes)};
}

}  // namespace

const std::vector<std::string_view>& behaviour_names() {
    static const std::vector<std::string_view> names{"member", "visitor",    "wanderer",
                                                     "lobby",  "half_frame", "long_length",
                                                     "flood",  "cut_replay"};
    return names;
}

std::string_view behaviour_name(Behaviour behaviour) noexcept {
    return behaviour_names()[static_cast<std::size_t>(behaviour)];
}

std::size_t PayloadBytes::draw(Random& random) const noexcept {
    switch (spread) {
        case Spread::fixed:
            break;
        case Spread::uniform:
            return min + random.below(static_cast<std::uint32_t>(max - min + 1));
        case Spread::exponential:
            return std::clamp(
                static_cast<std::size_t>(exponential(random, static_cast<double>(mean))), min, max);
    }
    return min;
}

std::uint64_t draw_pause(Random& random, std::uint64_t mean_ns) noexcept {
    return static_cast<std::uint64_t>(exponential(random, static_cast<double>(mean_ns)));
}

std::size_t Scenario::users() const noexcept {
    std::size_t users = 0;
    for (const UserGroup& group : groups)
        users += group.count;
    return users;
}

double Scenario::offered_per_second() const noexcept {
    double sum = 0;
    for (const UserGroup& group : groups) {
        const Sending& sending = group.sending;
        const std::size_t senders = sending.senders != 0 ? sending.senders : group.count;
        sum += static_cast<double>(sending.offered.per_second) * static_cast<double>(group.count) /
               static_cast<double>(senders);
    }
    return sum;
}

bool Scenario::has_senders() const noexcept {
    return std::ranges::any_of(
        groups, [](const UserGroup& group) { return group.sending.outstanding > 0; });
}

bool Scenario::has_audience() const noexcept {
    return has_senders() && std::ranges::any_of(groups, &UserGroup::is_counted);
}

bool Scenario::has(Behaviour behaviour) const noexcept {
    return std::ranges::any_of(groups,
                               [behaviour](const UserGroup& one) { return one.does == behaviour; });
}

Scenario scenario_of(const Options& options) {
    if (options.workload == WorkloadKind::scenario) {
        RINGSIDE_ASSERT(options.scenario.has_value());
        return *options.scenario;
    }
    Scenario scenario;
    scenario.name = workload_name(options.workload);
    scenario.warm_up_ns = options.warm_up_ns;
    scenario.measure_ns = options.duration_ns;
    if (options.workload == WorkloadKind::thesis) {
        UserGroup wanderers = members("wanderers", options.own_users());
        wanderers.does = Behaviour::wanderer;
        wanderers.sending = sending_of(options);
        scenario.groups.push_back(wanderers);
        return scenario;
    }
    const std::size_t users = options.own_users();
    scenario.rooms.push_back({"rooms", options.own_rooms(), 0});
    const std::size_t publishers = options.own_rooms() * options.publishers;
    if (publishers > 0) {
        scenario.groups.push_back(members("publishers", publishers));
        scenario.groups.back().sending = sending_of(options);
    }
    if (users > publishers) {
        scenario.groups.push_back(members("listeners", users - publishers));
    }
    return scenario;
}

}  // namespace ringside::loadgen
