#pragma once

#include <cstdint>
#include <string>

#include "loadgen/connection.hpp"
#include "loadgen/connection_owner.hpp"
#include "loadgen/scenario.hpp"
#include "loadgen/virtual_user.hpp"

namespace ringside::loadgen {

class Workload;

// A user who misbehaves, in the coroutine of `place`, which has no connection itself. It opens
// connections one after the other and does its mischief on each (scenario.hpp: Behaviour); what the
// server makes of it is the server's affair. That the others are served meanwhile is what the run
// verifies.
class HostileUser final : public ConnectionOwner {
 public:
    /// `room`: the name of the one that a cut_replay joins.
    HostileUser(VirtualUser& place, const UserGroup& group, std::string room);
    HostileUser(const HostileUser&) = delete;
    HostileUser& operator=(const HostileUser&) = delete;

    /// Returns when the load is over.
    void misbehave(Workload& workload);

    // ---- for the loop ----
    void on_event(const uring::IoEvent& event) override;
    void flush() noexcept override { connection_.flush(); }

 private:
    // How often it looks whether it is time to close: what it waits for is not urgent.
    static constexpr std::uint64_t look_ns = 10'000'000;
    static constexpr std::size_t flood_frames = 1024;  // queued at once

    [[nodiscard]] bool open();
    void hang_up();
    /// What it sends on a new connection.
    [[nodiscard]] std::string opening() const;
    void queue(const std::string& bytes);

    VirtualUser& place_;
    const UserGroup& group_;
    std::string room_;
    Connection connection_;
    std::uint32_t sessions_ = 0;  // opened; a name each, since the last may not be free yet
};

}  // namespace ringside::loadgen
