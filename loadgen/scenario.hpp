#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/payload.hpp"
#include "loadgen/random.hpp"
#include "loadgen/schedule.hpp"

namespace ringside::loadgen {

struct Options;

/// What the virtual users of a group do (docs/scenarios.md tells it in full).
enum class Behaviour : std::uint8_t {
    member,    // joins its room before the load and stays
    visitor,   // comes to its room and goes again while the load lasts
    wanderer,  // makes, joins and leaves rooms as in the thesis
    lobby,     // signs in, reads the room list, disconnects, and comes again

    // Users who misbehave; nothing that happens to them is a violation.
    half_frame,   // begins a frame and says no more
    long_length,  // announces a frame longer than any
    flood,        // sends requests without end and reads no answer
    cut_replay,   // joins a room and disconnects with its history on the way
};
[[nodiscard]] std::string_view behaviour_name(Behaviour behaviour) noexcept;  // "half_frame"
/// All of them, in the order of the enumeration.
[[nodiscard]] const std::vector<std::string_view>& behaviour_names();
[[nodiscard]] constexpr bool misbehaves(Behaviour behaviour) noexcept {
    return behaviour >= Behaviour::half_frame;
}
/// It is connected and, where it has one, in its room before the load begins.
[[nodiscard]] constexpr bool arrives_in_set_up(Behaviour behaviour) noexcept {
    return behaviour == Behaviour::member || behaviour == Behaviour::wanderer;
}
[[nodiscard]] constexpr bool has_room(Behaviour behaviour) noexcept {
    return behaviour == Behaviour::member || behaviour == Behaviour::visitor ||
           behaviour == Behaviour::cut_replay;
}

/// How long messages are: each is drawn anew.
struct PayloadBytes {
    enum class Spread : std::uint8_t { fixed, uniform, exponential };

    Spread spread = Spread::fixed;
    std::size_t min = payload_bytes_min;  // fixed: of all
    std::size_t max = payload_bytes_min;
    std::size_t mean = payload_bytes_min;  // exponential: of what is drawn, before min and max

    [[nodiscard]] static PayloadBytes of(std::size_t bytes) noexcept {
        return {Spread::fixed, bytes, bytes, bytes};
    }
    [[nodiscard]] std::size_t draw(Random& random) const noexcept;
    friend bool operator==(const PayloadBytes&, const PayloadBytes&) = default;
};

struct Sending {
    std::size_t outstanding = 0;  // messages of a user without an own copy; 0: it sends none
    std::uint64_t think_ns = 0;   // closed loop: between an own copy and the next message
    Offered offered;              // open loop where not 0: by the whole group
    std::size_t senders = 0;      // who share `offered`, in all processes; 0: the group's users
    PayloadBytes payload;

    friend bool operator==(const Sending&, const Sending&) = default;
};

struct UserGroup {
    std::string name;
    std::size_t count = 1;
    Behaviour does = Behaviour::member;
    std::size_t rooms = 0;  // index of its room set, where has_room()
    Sending sending;
    std::uint64_t stay_ns = 0;   // visitor, lobby: in a room or the lobby, on average
    std::uint64_t pause_ns = 0;  // visitor, lobby, who misbehave: until the next time, on average
    bool reconnects = false;     // visitor: disconnects when it goes
    std::uint64_t connects_per_second = 0;    // new connections of the group; 0: no limit
    std::uint64_t read_bytes_per_second = 0;  // member: how fast each reads; 0: no limit

    /// Among a message's receivers: there all the time, and reading as fast as it can.
    [[nodiscard]] bool is_counted() const noexcept {
        return does == Behaviour::member && read_bytes_per_second == 0;
    }
    friend bool operator==(const UserGroup&, const UserGroup&) = default;
};

/// Rooms that the run makes.
struct RoomSet {
    std::string name;
    std::size_t count = 1;
    std::uint64_t history = 0;  // messages in each before the load

    friend bool operator==(const RoomSet&, const RoomSet&) = default;
};

// A load as data: rooms, groups of users, and how long. What the command line's workloads do is
// such a description as well, so there is one way of carrying it out (workload.hpp).
struct Scenario {
    std::string name;
    std::string description;
    std::uint64_t ramp_ns = 0;  // over which users connect; 0: as fast as they are answered
    std::uint64_t warm_up_ns = 0;
    std::uint64_t measure_ns = 0;
    std::uint64_t cool_down_ns = 0;  // the load goes on, and is not measured any more
    std::vector<RoomSet> rooms;
    std::vector<UserGroup> groups;  // those that arrive in set-up come first

    [[nodiscard]] std::size_t users() const noexcept;
    /// Of all groups together, this process's share of it; 0 where no group has a rate.
    [[nodiscard]] double offered_per_second() const noexcept;
    /// Somebody sends messages.
    [[nodiscard]] bool has_senders() const noexcept;
    /// Some room has members whose receipts of a message are counted.
    [[nodiscard]] bool has_audience() const noexcept;
    /// Some group does so.
    [[nodiscard]] bool has(Behaviour behaviour) const noexcept;
    friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// What the options of the workloads thesis, fanout and idle describe.
[[nodiscard]] Scenario scenario_of(const Options& options);

/// The mean of what is drawn is `mean_ns`, exponentially distributed; 0 where that is 0.
[[nodiscard]] std::uint64_t draw_pause(Random& random, std::uint64_t mean_ns) noexcept;

}  // namespace ringside::loadgen
