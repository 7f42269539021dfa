#include <fmt/format.h>

#include "common/options.hpp"
#include "loadgen/json_object.hpp"
#include "loadgen/scenario_file.hpp"

namespace ringside::loadgen {

namespace {

std::string list_of(const std::vector<std::string>& items) {
    return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string payload_json(const PayloadBytes& bytes) {
    if (bytes.spread == PayloadBytes::Spread::fixed) return std::to_string(bytes.min);
    JsonObject range;
    JsonObject out;
    if (bytes.spread == PayloadBytes::Spread::uniform) {
        range.whole("min", bytes.min);
        range.whole("max", bytes.max);
        out.add("uniform", range.str());
    } else {
        range.whole("mean", bytes.mean);
        range.whole("max", bytes.max);
        out.add("exponential", range.str());
    }
    return out.str();
}

std::string send_json(const Sending& sending) {
    JsonObject out;
    out.whole("outstanding", sending.outstanding);
    if (sending.think_ns != 0) out.text("think", duration_text(sending.think_ns));
    if (sending.offered.per_second != 0) {
        out.whole("rate", sending.offered.per_second);
        out.text("arrivals", arrivals_name(sending.offered.arrivals));
        out.whole("burst", sending.offered.burst);
    }
    out.add("payload", payload_json(sending.payload));
    return out.str();
}

std::string group_json(const UserGroup& users, const Scenario& scenario) {
    JsonObject out;
    out.utf8_text("name", users.name);
    out.whole("count", users.count);
    out.text("does", behaviour_name(users.does));
    if (has_room(users.does)) out.utf8_text("rooms", scenario.rooms[users.rooms].name);
    if (users.sending.outstanding != 0) out.add("send", send_json(users.sending));
    if (users.stay_ns != 0) out.text("stay", duration_text(users.stay_ns));
    if (users.pause_ns != 0) out.text("pause", duration_text(users.pause_ns));
    if (users.reconnects) out.boolean("reconnects", true);
    if (users.connects_per_second != 0) {
        out.whole("connects_per_second", users.connects_per_second);
    }
    if (users.read_bytes_per_second != 0) {
        out.whole("read_bytes_per_second", users.read_bytes_per_second);
    }
    return out.str();
}

std::string phases_json(const Scenario& scenario) {
    JsonObject out;
    out.text("ramp", duration_text(scenario.ramp_ns));
    out.text("warm_up", duration_text(scenario.warm_up_ns));
    out.text("measure", duration_text(scenario.measure_ns));
    out.text("cool_down", duration_text(scenario.cool_down_ns));
    return out.str();
}

}  // namespace

std::string scenario_json(const Scenario& scenario) {
    std::vector<std::string> rooms;
    for (const RoomSet& set : scenario.rooms) {
        JsonObject one;
        one.utf8_text("name", set.name);
        one.whole("count", set.count);
        one.whole("history", set.history);
        rooms.push_back(one.str());
    }
    std::vector<std::string> groups;
    for (const UserGroup& users : scenario.groups)
        groups.push_back(group_json(users, scenario));
    JsonObject out;
    out.utf8_text("name", scenario.name);
    out.utf8_text("description", scenario.description);
    out.add("phases", phases_json(scenario));
    if (!rooms.empty()) out.add("rooms", list_of(rooms));
    out.add("users", list_of(groups));
    return out.str();
}

}  // namespace ringside::loadgen
