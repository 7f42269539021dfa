#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/chat_rules.hpp"
#include "common/clock.hpp"
#include "common/json_log.hpp"
#include "common/metrics.hpp"
#include "common/name_registry.hpp"
#include "common/options.hpp"
#include "common/room_directory.hpp"
#include "common/sync_thread.hpp"
#include "sim_client.hpp"
#include "support/fake_io.hpp"
#include "support/fake_network.hpp"
#include "support/temp_folder.hpp"
#include "uring_async/worker.hpp"

namespace ringside::uring {

// The workers of a whole uring server and its clients on one fake network, in one thread: who runs
// next, what the network does and what the clients do are drawn from one seed. What is real is all
// of the server but its threads and its I/O, and the files of the rooms.
//
//   1. the clients act until each has done what it wanted, and come to rest with all there is to
//   have
//   2. the server drains and ends
//   3. each stay of each client is held against the history of its room
class SimWorld {
 public:
    struct Size {
        std::uint32_t workers = 2;
        std::uint32_t clients = 10;
        unsigned actions = 25;  // of each client
    };

    SimWorld(std::uint64_t seed, const Size& size);
    ~SimWorld();
    SimWorld(const SimWorld&) = delete;
    SimWorld& operator=(const SimWorld&) = delete;

    /// All of the above; fails the test (REQUIRE) where a promise is broken.
    void run();
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return network_.trace_hash(); }
    [[nodiscard]] std::uint64_t trace_events() const noexcept { return network_.trace_events(); }
    [[nodiscard]] const std::vector<std::unique_ptr<SimClient>>& clients() const noexcept {
        return clients_;
    }
    [[nodiscard]] std::uint64_t drops(Drop reason) const noexcept;

    // The phases of run(), for tests that look in between.
    void come_to_rest();
    void go_on_for(std::uint64_t steps);
    void drain();
    void judge();
    /// By worker, as its metrics have it.
    [[nodiscard]] std::vector<std::uint64_t> counted(Metric metric) const;

 private:
    /// The wall clock that goes with the network's.
    class FakeWall final : public WallClock {
     public:
        explicit FakeWall(const FakeNetwork& network) : network_(network) {}
        [[nodiscard]] std::int64_t now_ns() const noexcept override {
            return 1'700'000'000'000'000'000 + static_cast<std::int64_t>(network_.now_ns());
        }

     private:
        const FakeNetwork& network_;
    };

    struct RunningWorker {
        CounterSet counters;
        std::unique_ptr<FakeIo> io;
        std::unique_ptr<Worker> worker;
        bool drained = false;
    };

    template <typename Done>
    void run_until(const char* what, Done done);
    void step();
    void turn_clients();
    void judge(const Stay& stay, const std::string& history) const;

    FakeNetwork network_;
    test::TempFolder folder_;
    ServerOptions options_;
    ChatRules rules_;
    FakeWall wall_;
    NameRegistry names_;
    std::unique_ptr<RoomDirectory> rooms_;
    SyncThread sync_;
    JsonLog log_;
    Shared shared_;
    UniqueFd listener_;
    std::vector<RunningWorker> workers_;
    FakeIo client_io_;
    std::vector<std::unique_ptr<SimClient>> clients_;
};

}  // namespace ringside::uring
