#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "loadgen/driver.hpp"
#include "loadgen/options.hpp"
#include "loadgen/recorder.hpp"
#include "loadgen/room_list.hpp"
#include "loadgen/verifier.hpp"
#include "loadgen/violations.hpp"
#include "loadgen/window_usage.hpp"

namespace ringside::loadgen {

/// How far a run is; it only moves on.
enum class Phase : std::uint8_t {
    set_up,  // users connect, take names, join
    rounds,  // warm-up and the measured window
    quiet,   // nobody sends any more; own copies still come back
    leave,   // everybody leaves its room, having got all of it
    over,    // everybody closes its connection, wherever it is
};

/// What the virtual users of a run have in common. One thread.
struct RunState {
    RunState(const Options& run_options, std::uint32_t run, std::unique_ptr<uring::Io> io)
        : options(run_options),
          driver(std::move(io)),
          recorder(run_options.offered.per_second != 0),
          verifier(run, run_options.users, violations,
                   run_options.protocol == Protocol::chat ? BodyForm::chat : BodyForm::bare),
          rooms(run) {}

    /// The first reason stays.
    void fail(std::string why) {
        if (failure.empty()) failure = std::move(why);
    }

    const Options& options;
    Driver driver;
    Recorder recorder;
    WindowUsage usage;
    Violations violations;
    Verifier verifier;
    RoomList rooms;
    Phase phase = Phase::set_up;
    std::uint64_t load_begin_ns = 0;  // of Phase::rounds
    /// Why the run cannot go on; empty while it can. The run then ends without a verdict on what
    /// is lost, since nobody could have got it.
    std::string failure;
};

}  // namespace ringside::loadgen
