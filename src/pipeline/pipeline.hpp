#pragma once

#include <cstdint>

#include "common/event_fd.hpp"
#include "common/sync_thread.hpp"
#include "common/unique_fd.hpp"
#include "pipeline/accept_stage.hpp"
#include "pipeline/disconnect_stage.hpp"
#include "pipeline/lobby_stage.hpp"
#include "pipeline/name_entry_stage.hpp"
#include "pipeline/shared.hpp"

namespace ringside::pipeline {

// The stages of the pipeline, from their start to the end of the drain. Belongs to the main
// thread, which starts the stages, then waits for signals and for the stages' ends.
//
// The drain goes down the pipeline, so that each stage ends when nobody can come any more:
//
// 1. accept gets `drain`, closes the listener and ends.
// 2. name entry and the lobby get `drain` (the lobby passes it on to its rooms): they read no more,
//    send what is due and hand everyone to disconnect; whoever is not done at the deadline goes
//    as it is.
// 3. name entry ends; the lobby gets `upstream_ended` and ends when its rooms have.
// 4. disconnect gets `upstream_ended` and ends when every socket is closed.
class Pipeline {
 public:
    /// Throws StartError where the kernel gives no pipe or epoll set.
    Pipeline(Shared& shared, UniqueFd listener);
    /// The drain is over, or the stages were never started.
    ~Pipeline();

    /// Throws StartError where the kernel gives no thread.
    void start();
    /// Begins the drain, once; what is not sent at `deadline_ns` is given up.
    void drain(std::uint64_t deadline_ns);
    /// Readable when step() is to be called.
    [[nodiscard]] int event_fd() const noexcept { return over_.fd(); }
    /// Takes the drain as far as it goes without waiting; true when all stages have ended.
    [[nodiscard]] bool step();
    /// A message waits for room in a stage's pipe: step() is to be called again soon.
    [[nodiscard]] bool blocked() const noexcept;

 private:
    class OverWaker final : public Waker {
     public:
        OverWaker();
        void wake() noexcept override { event_.signal(); }
        [[nodiscard]] int fd() const noexcept { return event_.get(); }
        void take() noexcept { static_cast<void>(event_.take()); }

     private:
        EventFd event_;
    };
    enum class Phase : std::uint8_t { serving, accept, name_entry, lobby, disconnect, ended };

    /// Where `stage` has ended in its phase: joins it and goes on to `next`.
    [[nodiscard]] bool passed(Phase phase, StageThread& stage, Phase next);
    void send(HandoffOutlet& outlet, Handoff::Kind kind);
    void flush() noexcept;
    void end_those_started() noexcept;

    OverWaker over_;
    // In the order of their making: each knows the inbox of the one it hands on to.
    DisconnectStage disconnect_;
    LobbyStage lobby_;
    NameEntryStage name_entry_;
    AcceptStage accept_;
    HandoffOutlet to_disconnect_;
    HandoffOutlet to_lobby_;
    HandoffOutlet to_name_entry_;
    HandoffOutlet to_accept_;
    Phase phase_ = Phase::ended;
    std::uint64_t deadline_ns_ = 0;
};

}  // namespace ringside::pipeline
