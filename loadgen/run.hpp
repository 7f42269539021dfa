#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "loadgen/hiccup_probe.hpp"
#include "loadgen/interruption.hpp"
#include "loadgen/monitor.hpp"
#include "loadgen/results.hpp"
#include "loadgen/run_state.hpp"
#include "loadgen/virtual_user.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

// One run of a workload, from the first connect to the verdict, on one thread. Every virtual user
// is a coroutine, and one more conducts: it moves the run from phase to phase (run_state.hpp). A
// third kind watches how late the loop is (hiccup_probe.hpp).
//
// 1. User 0 connects and prepares the rooms; then all others that arrive in set-up do so, over the
//    scenario's ramp and at most `set_ups_max` at a time: without a ramp it is the server's answers
//    that set their pace.
// 2. When everybody is ready, or at an agreed time after that (--start-at), the load starts:
//    warm-up, the measured window, cool-down.
// 3. Then nobody sends any more, and everybody's own copies come back.
// 4. Everybody leaves its room. The room list that answers comes after the last message, so what
//    has not come by then is lost. Then everybody asks the server to close, and reads until it
//    does: anything that comes after the list is a violation. Redis and NATS have no such request:
//    there the sending direction is shut down instead.
// 5. A server that lets 10 s of set-up, or Options::drain_patience_ns of the end, go by without a
//    byte is not waited for.
class Run {
 public:
    /// `io_name`: for the report. Throws StartError where the address or a file is no good.
    Run(const Options& options, std::unique_ptr<uring::Io> io, const char* io_name,
        Interruption& interruption);

    /// Blocks until the run is over. Once.
    [[nodiscard]] Results execute();

 private:
    static constexpr std::uint32_t set_ups_max = 256;
    static constexpr std::uint64_t tick_ns = 100'000'000;
    static constexpr std::uint64_t short_tick_ns = 2'000'000;
    static constexpr std::uint64_t set_up_patience_ns = 10'000'000'000;

    /// Where a coroutine starts: which user of which run.
    struct Start {
        Run* run = nullptr;
        VirtualUser* user = nullptr;  // null: the conductor
    };

    /// How far a user is.
    enum class Step : std::uint8_t { arriving, ready, quiet, gone };

    void conduct();
    void live(VirtualUser& user);
    [[nodiscard]] bool arrive(VirtualUser& user);
    void spawn(VirtualUser* user);
    void enter_phase(Phase phase);

    [[nodiscard]] bool stopped();
    /// Until the time has come; false where the run was stopped before.
    bool pause_until(std::uint64_t until_ns);
    /// Until every user that was started is so far; false where the run was stopped or nothing
    /// came any more.
    bool await_users(Step step, std::uint64_t patience_ns);
    [[nodiscard]] bool set_up();
    [[nodiscard]] bool everybody_ready();
    /// When the load begins, which other processes may have agreed on; nothing where that is over
    /// (the run fails) or the run was stopped before.
    [[nodiscard]] std::optional<std::uint64_t> await_start();
    void load();
    void measure();
    [[nodiscard]] std::optional<std::uint64_t> server_resident_bytes() const;
    void drain();

    const Options& options_;
    Interruption& interruption_;
    RunState state_;
    Monitor monitor_;
    Workload workload_;
    HiccupProbe hiccups_;
    std::vector<std::unique_ptr<VirtualUser>> users_;
    std::vector<Start> starts_;  // the conductor's, then those of users in order
    fiber::WaitQueue set_up_queue_;
    std::uint32_t setting_up_ = 0;  // users between their connect and being ready
    std::vector<Step> steps_;       // by user
    Results results_;
};

}  // namespace ringside::loadgen
