#pragma once

#include <cstddef>
#include <cstdint>

#include "loadgen/random.hpp"
#include "loadgen/scenario.hpp"

namespace ringside::loadgen {

class VirtualUser;
class Workload;

// What users do while the load lasts, each in the coroutine of its user; they return when the load
// or the user is over. What a user decides is drawn from its own random numbers.

/// Behaviour::member, in its room: sends as the group does, or reads slowly, or just listens.
/// `index`: which of the group's users.
void stay(VirtualUser& user, const UserGroup& group, std::size_t index);
/// Behaviour::visitor.
void visit(VirtualUser& user, const UserGroup& group, Workload& workload);
/// Behaviour::lobby.
void look_in(VirtualUser& user, const UserGroup& group, Workload& workload);

/// Behaviour::wanderer, the load of the thesis (docs/benchmarking.md).
void wander(VirtualUser& user, const UserGroup& group, Workload& workload);
inline constexpr std::uint32_t wanderer_rooms_wanted = 4;
/// In the lobby: make a room, rather than join one.
[[nodiscard]] bool wanderer_wants_room(Random& random, std::uint32_t rooms) noexcept;
/// In a room: leave it, rather than send a message.
[[nodiscard]] bool wanderer_wants_to_leave(Random& random) noexcept;

}  // namespace ringside::loadgen
