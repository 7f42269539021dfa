#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "loadgen/audience.hpp"
#include "loadgen/scenario.hpp"
#include "loadgen/virtual_user.hpp"

namespace ringside::loadgen {

// Carries a scenario out: which user is in which group and room, the rooms themselves, and what
// each user does in its coroutine. The functions return early where the user is over.
//
// User u of a group is in room u % rooms of the group's room set. Those who come and go are not
// counted among a message's receivers: nobody knows whether they should have got it already.
class Workload {
 public:
    explicit Workload(RunState& run);

    /// Connected and in its room before the load begins; the others begin with the load.
    [[nodiscard]] bool arrives_in_set_up(const VirtualUser& user) const noexcept {
        return loadgen::arrives_in_set_up(place_of(user).group->does);
    }
    /// User 0 alone, before anybody else connects, so that a room is not announced to everybody:
    /// makes the rooms and their histories.
    void prepare(VirtualUser& user);
    /// Each user that arrives in set-up, with a name.
    void set_up(VirtualUser& user);
    /// The load, until nobody sends any more (Phase::quiet).
    void rounds(VirtualUser& user);

    // ---- for behaviours.cpp ----
    struct Room {
        std::uint32_t index = 0;             // in the RoomList
        std::unique_ptr<Audience> audience;  // null where nobody stays
    };
    [[nodiscard]] Room& room_of(const VirtualUser& user) noexcept;
    [[nodiscard]] bool create_room(VirtualUser& user);
    /// When a user of the group may open its next connection.
    [[nodiscard]] std::uint64_t next_connect_ns(const UserGroup& group) noexcept;

 private:
    static constexpr std::size_t history_outstanding = 256;
    static constexpr std::size_t history_payload_bytes = 64;

    struct Place {
        const UserGroup* group = nullptr;
        std::size_t index = 0;  // among the users of the group
    };
    [[nodiscard]] Place place_of(const VirtualUser& user) const noexcept;
    [[nodiscard]] bool fill(VirtualUser& user, RoomLedger& room, std::uint64_t messages);
    [[nodiscard]] std::unique_ptr<Audience> make_audience(std::size_t set, std::size_t room) const;

    RunState& run_;
    const Scenario& scenario_;
    std::vector<std::vector<Room>> rooms_;        // by room set
    std::vector<std::uint64_t> next_connect_ns_;  // by group
    std::uint32_t rooms_made_ = 0;                // names the next one
};

}  // namespace ringside::loadgen
