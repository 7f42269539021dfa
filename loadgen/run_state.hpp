#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/socket_ops.hpp"
#include "loadgen/driver.hpp"
#include "loadgen/options.hpp"
#include "loadgen/recorder.hpp"
#include "loadgen/room_list.hpp"
#include "loadgen/scenario.hpp"
#include "loadgen/verifier.hpp"
#include "loadgen/violations.hpp"
#include "loadgen/window_usage.hpp"

namespace ringside::loadgen {

/// How far a run is; it only moves on.
enum class Phase : std::uint8_t {
    set_up,  // users connect, take names, join
    rounds,  // warm-up, the measured window and the cool-down
    quiet,   // nobody sends any more; own copies still come back
    leave,   // everybody leaves its room, having got all of it
    over,    // everybody closes its connection, wherever it is
};

/// What the virtual users of a run have in common. One thread.
struct RunState {
    RunState(const Options& run_options, Scenario run_scenario, const SocketAddress& server,
             std::uint32_t run, std::unique_ptr<uring::Io> io)
        : options(run_options),
          scenario(std::move(run_scenario)),
          address(server),
          driver(std::move(io)),
          recorder({.open_loop = scenario.offered_per_second() != 0,
                    .audience = scenario.has_audience()}),
          verifier(run, scenario.users(), violations,
                   run_options.protocol == Protocol::chat ? BodyForm::chat : BodyForm::bare),
          rooms(run) {}

    /// The first reason stays.
    void fail(std::string why) {
        if (failure.empty()) failure = std::move(why);
    }

    /// The last byte of the loopback address that a user connects from; 0: the kernel chooses.
    [[nodiscard]] std::uint8_t source_of(std::uint32_t user) const noexcept {
        if (options.sources == 1) return 0;
        return static_cast<std::uint8_t>(1 + user % options.sources);
    }

    const Options& options;
    const Scenario scenario;
    const SocketAddress address;
    Driver driver;
    Recorder recorder;
    WindowUsage usage;
    Violations violations;
    Verifier verifier;
    RoomList rooms;
    Phase phase = Phase::set_up;
    std::uint64_t load_begin_ns = 0;  // of Phase::rounds
    std::uint64_t sign_ins = 0;       // names taken
    std::uint32_t connected = 0;      // users with a name whose connection is not closed
    /// Why the run cannot go on; empty while it can. The run then ends without a verdict on what
    /// is lost, since nobody could have got it.
    std::string failure;
};

}  // namespace ringside::loadgen
