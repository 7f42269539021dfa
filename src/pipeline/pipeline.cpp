#include "pipeline/pipeline.hpp"

#include <system_error>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"

namespace ringside::pipeline {

Pipeline::OverWaker::OverWaker() : event_(or_start_error(EventFd::make())) {}

Pipeline::Pipeline(Shared& shared, UniqueFd listener)
    : disconnect_(shared, &over_),
      lobby_(shared, disconnect_.inbox(), &over_),
      name_entry_(shared, lobby_.inbox(), disconnect_.inbox(), &over_),
      accept_(shared, std::move(listener), name_entry_.inbox(), &over_),
      to_disconnect_(disconnect_.inbox(), 0),
      to_lobby_(lobby_.inbox(), 0),
      to_name_entry_(name_entry_.inbox(), 0),
      to_accept_(accept_.inbox(), 0) {}

Pipeline::~Pipeline() {
    RINGSIDE_ASSERT(phase_ == Phase::ended);
}

void Pipeline::start() {
    RINGSIDE_ASSERT(phase_ == Phase::ended);
    phase_ = Phase::serving;
    try {
        disconnect_.start();
        lobby_.start();
        name_entry_.start();
        accept_.start();
    } catch (const std::system_error& problem) {
        end_those_started();
        throw StartError(std::string("start a thread: ") + problem.what() +
                         "; raise the limit of processes (ulimit -u)");
    }
}

// Nobody has been accepted yet, so each ends at its first word.
void Pipeline::end_those_started() noexcept {
    deadline_ns_ = monotonic_ns();
    send(to_name_entry_, Handoff::Kind::drain);
    send(to_lobby_, Handoff::Kind::drain);
    send(to_lobby_, Handoff::Kind::upstream_ended);
    send(to_disconnect_, Handoff::Kind::upstream_ended);
    flush();
    for (StageThread* stage :
         {static_cast<StageThread*>(&name_entry_), static_cast<StageThread*>(&lobby_),
          static_cast<StageThread*>(&disconnect_)}) {
        if (stage->started()) stage->join();
    }
    phase_ = Phase::ended;
}

void Pipeline::drain(std::uint64_t deadline_ns) {
    RINGSIDE_ASSERT(phase_ == Phase::serving);
    phase_ = Phase::accept;
    deadline_ns_ = deadline_ns;
    send(to_accept_, Handoff::Kind::drain);
    flush();
}

void Pipeline::send(HandoffOutlet& outlet, Handoff::Kind kind) {
    outlet.send({.kind = kind, .room = 0, .session = {}, .count = deadline_ns_});
}

bool Pipeline::passed(Phase phase, StageThread& stage, Phase next) {
    if (phase_ != phase || !stage.is_over()) return false;
    stage.join();
    phase_ = next;
    return true;
}

bool Pipeline::step() {
    over_.take();
    if (passed(Phase::accept, accept_, Phase::name_entry)) {
        send(to_name_entry_, Handoff::Kind::drain);
        send(to_lobby_, Handoff::Kind::drain);
    }
    if (passed(Phase::name_entry, name_entry_, Phase::lobby)) {
        send(to_lobby_, Handoff::Kind::upstream_ended);
    }
    if (passed(Phase::lobby, lobby_, Phase::disconnect)) {
        send(to_disconnect_, Handoff::Kind::upstream_ended);
    }
    static_cast<void>(passed(Phase::disconnect, disconnect_, Phase::ended));
    flush();
    return phase_ == Phase::ended;
}

void Pipeline::flush() noexcept {
    std::uint64_t writes = 0;
    for (HandoffOutlet* outlet : {&to_accept_, &to_name_entry_, &to_lobby_, &to_disconnect_}) {
        static_cast<void>(outlet->flush(writes));
    }
}

bool Pipeline::blocked() const noexcept {
    return to_accept_.pending() || to_name_entry_.pending() || to_lobby_.pending() ||
           to_disconnect_.pending();
}

}  // namespace ringside::pipeline
