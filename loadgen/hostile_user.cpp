#include "loadgen/hostile_user.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/clock.hpp"
#include "common/wire.hpp"
#include "loadgen/workload.hpp"

namespace ringside::loadgen {

HostileUser::HostileUser(VirtualUser& place, const UserGroup& group, std::string room)
    : place_(place), group_(group), room_(std::move(room)), connection_(place.run().driver.io()) {}

void HostileUser::misbehave(Workload& workload) {
    while (place_.sleep_until(workload.next_connect_ns(group_))) {
        if (!open()) return;
        ++place_.run().recorder.counts.hostile_sessions;
        ++sessions_;
        const std::uint64_t until_ns = monotonic_ns() + group_.stay_ns;
        while (connection_.state() != Connection::State::failed &&
               place_.sleep_until(std::min(until_ns, monotonic_ns() + look_ns)) &&
               monotonic_ns() < until_ns) {
        }
        hang_up();
        if (!place_.sleep_until(monotonic_ns() + draw_pause(place_.random(), group_.pause_ns))) {
            return;
        }
    }
}

// False where the load is over.
bool HostileUser::open() {
    RunState& run = place_.run();
    while (place_.in_load()) {
        connection_ = Connection(run.driver.io());
        if (const auto started = connection_.connect(run.address, run.source_of(place_.number()));
            started) {
            run.driver.watch(connection_.id(), *this);
            // A server that is full may leave a connect unanswered for minutes.
            while (connection_.state() == Connection::State::connecting && place_.in_load())
                run.driver.timers().sleep_until(monotonic_ns() + look_ns);
            if (connection_.state() == Connection::State::open) {
                queue(opening());
                return true;
            }
            hang_up();
        }
        // A server that is full, or no descriptor left: not for ever.
        if (!place_.sleep_until(monotonic_ns() + look_ns)) return false;
    }
    return false;
}

void HostileUser::hang_up() {
    connection_.close();
    while (connection_.state() != Connection::State::closed)
        place_.run().driver.timers().sleep_until(monotonic_ns() + look_ns);
}

std::string HostileUser::opening() const {
    std::string bytes;
    const std::string name =
        fmt::format("h{:08x}{}-{}", place_.run().verifier.run(), place_.number(), sessions_);
    append_client_frame(bytes, Request::set_name, name);
    if (group_.does == Behaviour::half_frame) {
        bytes.resize(bytes.size() / 2);
    } else if (group_.does == Behaviour::long_length) {
        bytes.resize(client_header_bytes);
        std::fill(bytes.end() - sizeof(std::uint64_t), bytes.end(), '\xff');
    } else if (group_.does == Behaviour::cut_replay) {
        append_client_frame(bytes, Request::connect_chat, room_);
    } else {
        // No name is empty, so each is a request that is refused.
        bytes.clear();
        for (std::size_t i = 0; i < flood_frames; ++i)
            append_client_frame(bytes, Request::set_name, {});
    }
    return bytes;
}

void HostileUser::queue(const std::string& bytes) {
    const auto append = [&bytes](std::string& out) { out.append(bytes); };
    if (connection_.queue(append)) place_.run().driver.flush_soon(*this);
}

void HostileUser::on_event(const uring::IoEvent& event) {
    uring::Io& io = place_.run().driver.io();
    if (event.kind == uring::IoEvent::Kind::received) {
        if (event.result <= 0) return connection_.on_end(-event.result);
        // With the history on its way: nothing more is read until the connection is closed.
        const bool open = connection_.state() == Connection::State::open;
        if (open && group_.does == Behaviour::cut_replay) io.hold(connection_.id());
        return;
    }
    connection_.on_event(event);
    if (connection_.state() != Connection::State::open || group_.does != Behaviour::flood) return;
    if (event.kind == uring::IoEvent::Kind::connected) io.hold(connection_.id());
    if (event.kind == uring::IoEvent::Kind::sent) queue(opening());
}

}  // namespace ringside::loadgen
