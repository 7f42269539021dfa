// Reads scenario files. An ObjectReader takes the members of one JSON object by their names; what
// nobody has taken at its end is a mistake as well, so no misspelt name is ignored. After a mistake
// the default stands in, so that one reading finds all of them.

#include "loadgen/scenario_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

#include "common/options.hpp"
#include "loadgen/control_characters.hpp"
#include "loadgen/json_tree.hpp"
#include "loadgen/load_limits.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint64_t hostile_stay_ns = 1000 * ms;
constexpr std::uint64_t hostile_pause_ns = 100 * ms;

class Mistakes {
 public:
    explicit Mistakes(std::string_view file) : file_(file) {}

    /// What the file says stands in both, so neither may reach a terminal as it is.
    void add(unsigned line, std::string_view path, std::string_view what) {
        lines_.push_back(fmt::format("{}:{}: {}{}{}", file_, line, controls_escaped(path),
                                     path.empty() ? "" : " ", controls_escaped(what)));
    }
    [[nodiscard]] std::vector<std::string>& lines() noexcept { return lines_; }

 private:
    std::string file_;
    std::vector<std::string> lines_;
};

class ObjectReader {
 public:
    ObjectReader(const JsonTree& node, std::string path, Mistakes& mistakes)
        : node_(node), path_(std::move(path)), mistakes_(mistakes) {
        if (node.kind != JsonTree::Kind::object) {
            mistakes_.add(node.line, path_, "must be an object, not " + node.description());
        }
    }
    ObjectReader(const ObjectReader&) = delete;
    ObjectReader& operator=(const ObjectReader&) = delete;

    /// What was asked for is all there may be; call it last.
    void finish() {
        std::set<std::string_view> seen;
        for (const auto& [name, member] : node_.members) {
            if (!seen.insert(name).second) {
                mistakes_.add(member.line, path_of(name), "stands there twice");
            } else if (std::ranges::find(known_, name) == known_.end()) {
                mistakes_.add(member.line, path_of(name),
                              fmt::format("is not known here; known: {}", fmt::join(known_, ", ")));
            }
        }
    }

    /// Null where it is absent.
    const JsonTree* find(std::string_view name) {
        if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
        for (const auto& [member, value] : node_.members) {
            if (member == name) return &value;
        }
        return nullptr;
    }
    const JsonTree* require(std::string_view name, std::string_view what) {
        const JsonTree* const member = find(name);
        if (member == nullptr && node_.kind == JsonTree::Kind::object) {
            mistakes_.add(node_.line, path_of(name), fmt::format("is missing: {}", what));
        }
        return member;
    }

    void text(std::string_view name, std::string& target, std::string_view what) {
        const JsonTree* const member = require(name, what);
        if (member == nullptr) return;
        if (member->kind != JsonTree::Kind::text || member->text.empty()) {
            expected(*member, name, fmt::format("a text ({})", what));
        } else if (controls_escaped(member->text) != member->text) {
            expected(*member, name, fmt::format("a text without control characters ({})", what));
        } else {
            target = member->text;
        }
    }
    template <typename Count>
    void count(std::string_view name, Count& target, std::uint64_t min, std::uint64_t max) {
        const JsonTree* const member = find(name);
        if (member == nullptr) return;
        if (const auto value = whole(*member, min, max)) {
            target = static_cast<Count>(*value);
        } else {
            expected(*member, name, fmt::format("a whole number from {} to {}", min, max));
        }
    }
    void duration(std::string_view name, std::uint64_t& target_ns, std::uint64_t min_ns,
                  std::uint64_t max_ns) {
        const JsonTree* const member = find(name);
        if (member == nullptr) return;
        const std::optional<std::uint64_t> ns =
            member->kind == JsonTree::Kind::text ? parse_duration_ns(member->text) : std::nullopt;
        if (ns && *ns >= min_ns && *ns <= max_ns) {
            target_ns = *ns;
        } else {
            expected(*member, name,
                     fmt::format("a duration from \"{}\" to \"{}\", such as \"250ms\" or \"10s\"",
                                 duration_text(min_ns), duration_text(max_ns)));
        }
    }
    void boolean(std::string_view name, bool& target) {
        const JsonTree* const member = find(name);
        if (member == nullptr) return;
        if (member->kind == JsonTree::Kind::boolean) {
            target = member->boolean;
        } else {
            expected(*member, name, "true or false");
        }
    }
    /// The index of the text among `words`; nothing where it is absent or wrong.
    std::optional<std::size_t> choice(const JsonTree* member, std::string_view name,
                                      const std::vector<std::string_view>& words) {
        if (member == nullptr) return std::nullopt;
        const auto word = std::ranges::find(words, std::string_view(member->text));
        if (member->kind == JsonTree::Kind::text && word != words.end()) {
            return static_cast<std::size_t>(word - words.begin());
        }
        expected(*member, name, fmt::format("one of {}", fmt::join(words, ", ")));
        return std::nullopt;
    }
    /// Each item of a list is read by `read(node, path)`.
    void list(const JsonTree* member, std::string_view name,
              const std::function<void(const JsonTree&, std::string)>& read) {
        if (member == nullptr) return;
        if (member->kind != JsonTree::Kind::list || member->items.empty()) {
            return expected(*member, name, "a list of at least one object");
        }
        for (std::size_t i = 0; i < member->items.size(); ++i)
            read(member->items[i], fmt::format("{}[{}]", path_of(name), i));
    }

    void expected(const JsonTree& member, std::string_view name, std::string_view what) {
        mistakes_.add(member.line, path_of(name),
                      fmt::format("must be {}, not {}", what, member.description()));
    }
    void refuse(std::string_view what) { mistakes_.add(node_.line, path_, what); }
    [[nodiscard]] std::string path_of(std::string_view name) const {
        return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
    }
    [[nodiscard]] Mistakes& mistakes() noexcept { return mistakes_; }

 private:
    static std::optional<std::uint64_t> whole(const JsonTree& node, std::uint64_t min,
                                              std::uint64_t max) {
        const bool good =
            node.kind == JsonTree::Kind::whole && node.whole >= min && node.whole <= max;
        return good ? std::optional(node.whole) : std::nullopt;
    }

    const JsonTree& node_;
    std::string path_;  // "users[2].send"; empty: the document
    Mistakes& mistakes_;
    std::vector<std::string> known_;
};

PayloadBytes read_exponential(const JsonTree& node, std::string path, Mistakes& mistakes) {
    PayloadBytes payload{PayloadBytes::Spread::exponential, payload_bytes_min, message_bytes_max,
                         payload_bytes_min};
    ObjectReader reader(node, std::move(path), mistakes);
    reader.count("mean", payload.mean, payload_bytes_min, message_bytes_max);
    reader.count("max", payload.max, payload_bytes_min, message_bytes_max);
    if (payload.mean > payload.max) reader.refuse("has a mean above its max");
    reader.finish();
    return payload;
}

PayloadBytes read_uniform(const JsonTree& node, std::string path, Mistakes& mistakes) {
    PayloadBytes payload{PayloadBytes::Spread::uniform, payload_bytes_min, payload_bytes_min, 0};
    ObjectReader reader(node, std::move(path), mistakes);
    reader.count("min", payload.min, payload_bytes_min, message_bytes_max);
    reader.count("max", payload.max, payload_bytes_min, message_bytes_max);
    if (payload.min > payload.max) reader.refuse("has a min above its max");
    reader.finish();
    payload.max = std::max(payload.min, payload.max);
    return payload;
}

// 64, or {"uniform": {"min": 32, "max": 1024}}, or {"exponential": {"mean": 100, "max": 2000}}.
void read_payload(ObjectReader& parent, PayloadBytes& payload) {
    const JsonTree* const node = parent.find("payload");
    if (node == nullptr) return;
    if (node->kind != JsonTree::Kind::object) {
        if (node->kind == JsonTree::Kind::whole && node->whole >= payload_bytes_min &&
            node->whole <= message_bytes_max) {
            payload = PayloadBytes::of(node->whole);
        } else {
            parent.expected(*node, "payload",
                            fmt::format("bytes from {} to {}, or an object with uniform or "
                                        "exponential",
                                        payload_bytes_min, message_bytes_max));
        }
        return;
    }
    ObjectReader reader(*node, parent.path_of("payload"), parent.mistakes());
    const JsonTree* const uniform = reader.find("uniform");
    const JsonTree* const exponential = reader.find("exponential");
    if ((uniform == nullptr) == (exponential == nullptr)) {
        reader.refuse("must have either uniform or exponential");
    } else if (uniform != nullptr) {
        payload = read_uniform(*uniform, reader.path_of("uniform"), parent.mistakes());
    } else {
        payload = read_exponential(*exponential, reader.path_of("exponential"), parent.mistakes());
    }
    reader.finish();
}

void read_send(ObjectReader& parent, Sending& sending) {
    const JsonTree* const node = parent.find("send");
    if (node == nullptr) return;
    ObjectReader reader(*node, parent.path_of("send"), parent.mistakes());
    Offered& offered = sending.offered;
    reader.count("rate", offered.per_second, 1, per_second_max);
    const auto arrivals =
        reader.choice(reader.find("arrivals"), "arrivals", {"constant", "poisson"});
    if (arrivals) offered.arrivals = static_cast<Arrivals>(*arrivals);
    reader.count("burst", offered.burst, 1, burst_max);
    const bool bursts = reader.find("burst") != nullptr;
    const bool open = offered.per_second != 0;
    sending.outstanding = open ? outstanding_at_a_rate : 1;
    reader.count("outstanding", sending.outstanding, 1, outstanding_max);
    reader.duration("think", sending.think_ns, ms, hour);
    sending.payload = PayloadBytes::of(64);
    read_payload(reader, sending.payload);
    if (!open && (arrivals || bursts)) {
        reader.refuse("has arrivals or burst, which need a rate");
    }
    if (open && sending.think_ns != 0) reader.refuse("has both a rate and think: take one");
    reader.finish();
}

// What only some behaviours have; of the others it would be ignored.
void refuse_what_does_nothing(ObjectReader& reader, const UserGroup& group) {
    const std::string_view does = behaviour_name(group.does);
    const auto only = [&](bool given, std::string_view name, std::string_view who) {
        if (given) reader.refuse(fmt::format("has {}, which a {} has not: {}", name, does, who));
    };
    const bool comes_again = group.does == Behaviour::visitor || group.does == Behaviour::lobby;
    const bool late = !arrives_in_set_up(group.does);
    only(group.stay_ns != 0 && !comes_again && !misbehaves(group.does), "stay",
         "all but member and wanderer have");
    only(group.pause_ns != 0 && !late, "pause", "all but member and wanderer have");
    only(reader.find("reconnects") != nullptr && group.does != Behaviour::visitor, "reconnects",
         "a visitor has");
    only(group.connects_per_second != 0 && !late, "connects_per_second",
         "all but member and wanderer have; the scenario's ramp is for those");
    only(group.read_bytes_per_second != 0 && group.does != Behaviour::member,
         "read_bytes_per_second", "a member has");
    only(group.sending.outstanding != 0 &&
             (misbehaves(group.does) || group.does == Behaviour::lobby),
         "send", "member, visitor and wanderer have");
    only(group.sending.offered.per_second != 0 && group.does != Behaviour::member, "send.rate",
         "a member has, who is there all the time");
}

// `known`: what the users do is, and so whether they have a room.
void read_room_set(ObjectReader& reader, UserGroup& group, bool known, const Scenario& scenario) {
    if (known && !has_room(group.does)) return;
    std::vector<std::string_view> sets;
    for (const RoomSet& set : scenario.rooms)
        sets.push_back(set.name);
    const JsonTree* const member =
        known ? reader.require("rooms", "the name of its rooms") : reader.find("rooms");
    if (!known || member == nullptr) return;
    if (sets.empty()) return reader.refuse("needs a room, and the file has no \"rooms\"");
    if (const auto set = reader.choice(member, "rooms", sets)) group.rooms = *set;
}

UserGroup read_group(const JsonTree& node, const std::string& path, const Scenario& scenario,
                     Mistakes& mistakes) {
    UserGroup group;
    ObjectReader reader(node, path, mistakes);
    reader.text("name", group.name, "what the group is called");
    reader.count("count", group.count, 1, users_max);
    const auto does =
        reader.choice(reader.require("does", "what its users do"), "does", behaviour_names());
    if (does) group.does = static_cast<Behaviour>(*does);
    const bool hostile = misbehaves(group.does);
    if (hostile) {
        group.stay_ns = hostile_stay_ns;
        group.pause_ns = hostile_pause_ns;
    }
    read_room_set(reader, group, does.has_value(), scenario);
    read_send(reader, group.sending);
    reader.duration("stay", group.stay_ns, ms, hour);
    reader.duration("pause", group.pause_ns, ms, hour);
    reader.boolean("reconnects", group.reconnects);
    reader.count("connects_per_second", group.connects_per_second, 1, per_second_max);
    reader.count("read_bytes_per_second", group.read_bytes_per_second, 1000, 1U << 30U);
    if (does) refuse_what_does_nothing(reader, group);
    if (group.read_bytes_per_second != 0 && group.sending.outstanding != 0) {
        reader.refuse("has both read_bytes_per_second and send: make two groups");
    }
    reader.finish();
    return group;
}

RoomSet read_rooms(const JsonTree& node, const std::string& path, Mistakes& mistakes) {
    RoomSet set;
    ObjectReader reader(node, path, mistakes);
    reader.text("name", set.name, "what the groups call these rooms");
    reader.count("count", set.count, 1, users_max);
    reader.count("history", set.history, 0, history_messages_max);
    reader.finish();
    return set;
}

void read_phases(ObjectReader& parent, Scenario& scenario) {
    scenario.warm_up_ns = 2'000 * ms;
    scenario.measure_ns = 10'000 * ms;
    const JsonTree* const node = parent.find("phases");
    if (node == nullptr) return;
    ObjectReader reader(*node, parent.path_of("phases"), parent.mistakes());
    reader.duration("ramp", scenario.ramp_ns, 0, hour);
    reader.duration("warm_up", scenario.warm_up_ns, 0, hour);
    reader.duration("measure", scenario.measure_ns, 100 * ms, 24 * hour);
    reader.duration("cool_down", scenario.cool_down_ns, 0, hour);
    reader.finish();
}

void check_names(ObjectReader& reader, const Scenario& scenario) {
    const auto twice = [&reader](const auto& list, std::string_view what) {
        std::set<std::string_view> seen;
        for (const auto& one : list) {
            if (!one.name.empty() && !seen.insert(one.name).second) {
                reader.refuse(fmt::format("has two {} called \"{}\"", what, one.name));
            }
        }
    };
    twice(scenario.rooms, "room sets");
    twice(scenario.groups, "groups of users");
}

// The list of rooms is what users without a room in a set have of it.
constexpr bool is_sent_lists(Behaviour behaviour) noexcept {
    return behaviour == Behaviour::visitor || behaviour == Behaviour::wanderer ||
           behaviour == Behaviour::lobby || behaviour == Behaviour::cut_replay;
}

// `sets`: the list of the scenario's room sets. Of a file that is right otherwise, since a group
// with a mistake may be the one that has the set.
void refuse_unused_rooms(const JsonTree& sets, const Scenario& scenario, Mistakes& mistakes) {
    if (!mistakes.lines().empty()) return;
    for (std::size_t set = 0; set < scenario.rooms.size(); ++set) {
        const bool used = std::ranges::any_of(scenario.groups, [set](const UserGroup& one) {
            return is_sent_lists(one.does) || (has_room(one.does) && one.rooms == set);
        });
        if (used) continue;
        mistakes.add(sets.items[set].line, fmt::format("rooms[{}]", set),
                     "does nothing: no group is in these rooms, and no visitor, wanderer, lobby or "
                     "cut_replay gets the list of them under load");
    }
}

void check_whole(ObjectReader& reader, const Scenario& scenario) {
    check_names(reader, scenario);
    if (scenario.users() > users_max) {
        reader.refuse(fmt::format("has {} users, above {}", scenario.users(), users_max));
    }
    std::size_t rooms = 0;
    std::uint64_t history = 0;
    for (const RoomSet& set : scenario.rooms) {
        rooms += set.count;
        history += set.count * set.history;
    }
    if (history > history_messages_max) {
        reader.refuse(fmt::format("has {} messages in the histories of its rooms, above {}",
                                  history, history_messages_max));
    }
    if (rooms > users_max) {
        reader.refuse(fmt::format("has {} rooms, above {}", rooms, users_max));
    }
    const bool somebody = std::ranges::any_of(
        scenario.groups, [](const UserGroup& one) { return arrives_in_set_up(one.does); });
    if (!scenario.groups.empty() && !somebody) {
        reader.refuse("needs a group of member or wanderer: its first user makes the rooms");
    }
    for (const UserGroup& group : scenario.groups) {
        if (group.sending.offered.per_second == 0) continue;
        if (group.sending.offered.per_second * 3600 >= group.count) continue;
        reader.refuse(
            fmt::format("has a rate of less than one message an hour for each of "
                        "\"{}\"",
                        group.name));
    }
}

}  // namespace

std::expected<Scenario, std::vector<std::string>> parse_scenario(std::string_view text,
                                                                 std::string_view file) {
    const auto root = parse_json(text);
    if (!root) {
        return std::unexpected(std::vector{
            fmt::format("{}:{}: is no JSON: {}", file, root.error().line, root.error().what)});
    }
    Mistakes mistakes(file);
    Scenario scenario;
    ObjectReader reader(*root, "", mistakes);
    reader.text("name", scenario.name, "what the scenario is called");
    reader.text("description", scenario.description, "what it shows");
    read_phases(reader, scenario);
    const JsonTree* const rooms = reader.find("rooms");
    reader.list(rooms, "rooms", [&](const JsonTree& node, const std::string& path) {
        scenario.rooms.push_back(read_rooms(node, path, mistakes));
    });
    reader.list(reader.require("users", "the groups of users"), "users",
                [&](const JsonTree& node, const std::string& path) {
                    scenario.groups.push_back(read_group(node, path, scenario, mistakes));
                });
    reader.finish();
    check_whole(reader, scenario);
    if (rooms != nullptr) refuse_unused_rooms(*rooms, scenario, mistakes);
    if (!mistakes.lines().empty()) return std::unexpected(std::move(mistakes.lines()));
    std::ranges::stable_partition(scenario.groups,
                                  [](const UserGroup& one) { return arrives_in_set_up(one.does); });
    return scenario;
}

std::expected<Scenario, std::vector<std::string>> read_scenario(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text;
    if (stream) {
        text.resize(scenario_bytes_max + 1);
        stream.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(stream.gcount()));
    }
    if (!stream.eof() || stream.bad()) {
        const bool large = text.size() > scenario_bytes_max;
        return std::unexpected(std::vector{fmt::format(
            "{}: {}", file,
            large ? fmt::format("is larger than {} bytes: no scenario is", scenario_bytes_max)
                  : "cannot be read: name a scenario file, such as "
                    "bench/scenarios/churn.json")});
    }
    return parse_scenario(text, file);
}

}  // namespace ringside::loadgen
