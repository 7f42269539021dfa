#pragma once

#include <memory>
#include <vector>

#include "loadgen/audience.hpp"
#include "loadgen/virtual_user.hpp"

namespace ringside::loadgen {

// What the virtual users of a run do; each function is called in the coroutine of its user. They
// return early where the user is over.
class Workload {
 public:
    virtual ~Workload() = default;
    /// User 0 alone, before anybody else connects, so that a room is not announced to everybody.
    virtual void prepare(VirtualUser& user) = 0;
    /// Each user with a name, before the load starts.
    virtual void set_up(VirtualUser& user) = 0;
    /// The load, until nobody sends any more (Phase::quiet).
    virtual void rounds(VirtualUser& user) = 0;
};

// Users wander between rooms as in the thesis: see docs/benchmarking.md. What a user decides is
// drawn from its own random numbers.
class ThesisWorkload final : public Workload {
 public:
    static constexpr std::uint32_t rooms_wanted = 4;
    static constexpr std::uint32_t create_permille = 2;
    static constexpr std::uint32_t leave_permille = 50;

    /// In the lobby: make a room, rather than join one.
    [[nodiscard]] static bool wants_room(Random& random, std::uint32_t rooms) noexcept {
        return rooms < rooms_wanted || random.chance(create_permille);
    }
    /// In a room: leave it, rather than send a message.
    [[nodiscard]] static bool wants_to_leave(Random& random) noexcept {
        return random.chance(leave_permille);
    }

    void prepare(VirtualUser& user) override;
    void set_up(VirtualUser& user) override;
    void rounds(VirtualUser& user) override;

 private:
    [[nodiscard]] bool create_room(VirtualUser& user);

    std::uint32_t rooms_made_ = 0;  // by all users; names the next one
};

// Rooms of equal size; the publishers in each keep a fixed number of messages on their way, or,
// with an offered load, send when a message is due and at most so many are on their way. User u is
// member u / rooms of room u % rooms, and the first members are the publishers. Without any
// publisher this is the workload idle. Rooms are those that this process has
// (Options::own_rooms()).
class FanoutWorkload final : public Workload {
 public:
    explicit FanoutWorkload(const Options& options)
        : options_(options), rooms_here_(options.own_rooms()) {}

    void prepare(VirtualUser& user) override;
    void set_up(VirtualUser& user) override;
    void rounds(VirtualUser& user) override;

 private:
    void keep_schedule(VirtualUser& user);
    /// Waits for room among the messages on their way; false where the load is over.
    [[nodiscard]] bool wait_to_send(VirtualUser& user) const;

    struct Room {
        std::uint32_t index = 0;  // in the RoomList
        std::unique_ptr<Audience> audience;
    };

    const Options& options_;
    std::size_t rooms_here_;
    std::vector<Room> rooms_;
};

[[nodiscard]] std::unique_ptr<Workload> make_workload(const Options& options);

}  // namespace ringside::loadgen
