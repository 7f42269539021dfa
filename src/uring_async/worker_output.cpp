// Worker, third part: who is in which list, flushing, closing, time limits.
//
// Closing is done at the end of a turn only (close_due), so that no list changes while it is walked
// and no connection disappears under a caller's hands.

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "uring_async/worker.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint64_t linger_ns_max = 1'000'000'000;

// Coroutine stacks that stay when many stories have ended: those of everyday work.
constexpr std::size_t stacks_kept = 64;

// A lingering connection whose peer takes nothing is given up after this long where
// --write-timeout is off: it has said goodbye already and holds a slot.
constexpr std::uint64_t closing_ns_max = 10'000'000'000;

bool catches_up(const Outbox& outbox) noexcept {
    const std::uint64_t lag = outbox.lag_bytes();
    if (lag <= short_history_bytes) return false;
    return lag > staged_bytes_max || !outbox.caught_up_once();
}

bool over(std::uint64_t since_ns, std::uint64_t limit_ns, std::uint64_t now_ns) noexcept {
    return limit_ns != 0 && since_ns != 0 && now_ns - since_ns >= limit_ns;
}

void put_in(std::vector<Connection*>& list, Connection& connection) {
    RINGSIDE_ASSERT(!connection.listed);
    connection.listed = true;
    connection.place = static_cast<std::uint32_t>(list.size());
    list.push_back(&connection);
}

void take_out(std::vector<Connection*>& list, Connection& connection) noexcept {
    RINGSIDE_ASSERT(list[connection.place] == &connection);
    list[connection.place] = list.back();
    list[connection.place]->place = connection.place;
    list.pop_back();
    connection.listed = false;
}

}  // namespace

// ---- lists ----

void Worker::enter_lobby(Connection& connection) {
    if (!connection.closing) put_in(lobby_, connection);
    connection.outbox.owe_list(shared_.rooms.list());
    flush_soon(connection);
}

void Worker::leave_lobby(Connection& connection) noexcept {
    if (connection.listed) take_out(lobby_, connection);
}

void Worker::enter_room(Connection& connection) {
    if (connection.closing) return;
    put_in(connection.room->members, connection);
    connection.room->flush_all_members();
    connection.outbox.join(connection.room->reader, 0);
    flush_soon(connection);
}

void Worker::stop_live(Connection& connection) noexcept {
    if (!connection.listed) return;
    take_out(connection.room->members, connection);
    connection.room->flush_all_members();
}

void Worker::give_back_room(Connection& connection) {
    LocalRoom& local = *std::exchange(connection.room, nullptr);
    const std::uint32_t number = local.number;
    if (--local.users == 0) {
        RINGSIDE_ASSERT(local.members.empty());
        if (local.dirty) std::erase(rooms_to_flush_, &local);
        local.share.own->posted = local.posted;
        local_rooms_.erase(number);
    }
    const std::uint32_t owner = owner_of(number);
    if (owner == number_) return owned_.gone(number, number_);
    send_letter(owner, Letter{.kind = Letter::Kind::gone, .room = number});
}

void Worker::unlist(Connection& connection) noexcept {
    if (connection.stage == Stage::room) return stop_live(connection);
    leave_lobby(connection);
}

void Worker::broadcast_list() {
    const std::uint64_t version = shared_.rooms.list_version();
    if (version == lobby_version_) return;
    const std::shared_ptr<const RoomList> list = shared_.rooms.list();
    lobby_version_ = list->version;
    for (Connection* connection : lobby_) {
        connection->outbox.owe_list(list);
        flush_soon(*connection);
    }
}

// ---- flushing ----

void Worker::flush_soon(Connection& connection) {
    if (std::exchange(connection.flush_due, true)) return;
    connections_to_flush_.push_back(connection.id);
}

void Worker::flush_all() {
    catch_up_left_ = catch_up_bytes_per_turn;
    std::erase_if(rooms_to_flush_, [this](LocalRoom* room) {
        flush(*room);
        room->dirty = room->flush_left > 0;
        return !room->dirty;
    });
    std::swap(flushing_, connections_to_flush_);
    for (const SlotId id : flushing_) {
        Connection* const connection = find(id);
        if (connection == nullptr) continue;
        connection->flush_due = false;
        flush(*connection);
    }
    flushing_.clear();
}

// The members take turns, so that whoever comes and goes keeps nobody waiting.
void Worker::flush(LocalRoom& room) {
    const std::size_t count = room.members.size();
    const std::size_t now = std::min(room.flush_left, shared_.members_per_turn);
    for (std::size_t i = 0; i < now; ++i)
        flush(*room.members[(room.flush_from + i) % count]);
    room.flush_from = count == 0 ? 0 : (room.flush_from + now) % count;
    room.flush_left -= now;
}

void Worker::flush(Connection& connection) {
    if (connection.send_in_flight || connection.blocked || connection.closing) return;
    if (catch_up_left_ == 0 && catches_up(connection.outbox)) return flush_soon(connection);
    const Result<std::string_view> piece = connection.outbox.next_piece();
    if (!piece) {
        if (piece.error().code == EAGAIN) return flush_soon(connection);
        shared_.log.write(LogLevel::error, "a room's history cannot be read",
                          {{"error", piece.error().text()}});
        return close(connection, Drop::storage);
    }
    if (piece->empty()) {
        if (connection.lingering) end_sending(connection);
        return;
    }
    if (piece->size() > short_history_bytes && catches_up(connection.outbox)) {
        catch_up_left_ -= std::min(catch_up_left_, piece->size());
    }
    connection.send_in_flight = true;
    connection.offered_bytes = static_cast<std::uint32_t>(piece->size());
    io_.send(connection.id, *piece);
    let_through(connection);  // a list handed out lets the next request through
}

void Worker::end_sending(Connection& connection) noexcept {
    if (connection.input_ended) return close(connection);
    if (std::exchange(connection.fin_sent, true)) return;
    connection.linger_until_ns = io_.now_ns() + linger_ns_max;
    io_.shutdown_send(connection.id);
}

void Worker::let_through(Connection& connection) noexcept {
    if (connection.wait != Connection::Wait::output) return;
    const Outbox& outbox = connection.outbox;
    const bool through =
        !outbox.list_pending() && !outbox.leaving() && outbox.private_bytes() <= private_bytes_max;
    if (through) resume(connection);
}

// ---- closing ----

// The peer may be gone, and back under its name, as soon as it sees the end: so all that others can
// see of it ends here. Of a room only the message that has begun still goes out.
void Worker::linger(Connection& connection) noexcept {
    unlist(connection);
    if (connection.stage == Stage::room) connection.outbox.leave(0);
    release_name(connection);
    connection.lingering = true;
    let_go_on(connection);
    flush_soon(connection);
}

void Worker::close(Connection& connection, Drop reason) noexcept {
    if (connection.closing) return;
    counters_.drop(reason);
    // A drain closes everybody: said once by the server, not once per connection.
    const LogLevel level = reason == Drop::drain ? LogLevel::debug : LogLevel::info;
    shared_.log.write(level, "connection dropped",
                      {{"reason", drop_name(reason)}, {"user", PeerText{connection.name}}});
    close(connection);
}

void Worker::close(Connection& connection) noexcept {
    if (std::exchange(connection.closing, true)) return;
    to_close_.push_back(connection.id);
    switch (connection.wait) {
        case Connection::Wait::none:
        case Connection::Wait::reply:
            return;
        case Connection::Wait::output:
        case Connection::Wait::post:
        case Connection::Wait::settled:
            return resume(connection);
    }
}

void Worker::close_due() {
    // Connections whose story still waits for an answer stay until it has come.
    std::erase_if(to_close_, [this](SlotId id) {
        Connection* const connection = find(id);
        RINGSIDE_ASSERT(connection != nullptr && !connection->close_called);
        if (connection->story_alive) return false;
        finish_close(*connection);
        return true;
    });
}

void Worker::finish_close(Connection& connection) {
    unlist(connection);
    connection.outbox.drop_log();
    if (connection.room != nullptr) give_back_room(connection);
    release_name(connection);
    connection.close_called = true;
    io_.close(connection.id);
}

void Worker::release_name(Connection& connection) noexcept {
    if (connection.name.empty()) return;
    shared_.names.release(connection.name);
    connection.name.clear();
}

// ---- time limits ----

void Worker::sweep() {
    const std::uint64_t now_ns = io_.now_ns();
    next_sweep_ns_ = now_ns + sweep_period_ns_;
    for (const auto& connection : connections_) {
        if (connection != nullptr && !connection->closing) check_limits(*connection, now_ns);
    }
    close_due();
    catch_up_.trim();
    scheduler_.stacks().trim(stacks_kept);
}

// `writable` comes only when much of the socket's buffer is free again, so a peer that takes little
// is known by what is left unsent: compared over a whole limit, asked twice in it.
bool Worker::takes_nothing(Connection& connection, std::uint64_t now_ns) noexcept {
    std::uint64_t limit_ns = shared_.options.time.write_ns;
    if (limit_ns == 0 && connection.lingering) limit_ns = closing_ns_max;
    if (!connection.blocked || limit_ns == 0) return false;
    const bool first = connection.unsent_bytes == 0;
    if (!first && !over(connection.stalled_ns, limit_ns, now_ns)) return false;
    const std::uint32_t before =
        std::exchange(connection.unsent_bytes, io_.unsent_bytes(connection.id));
    if (!first && connection.unsent_bytes >= before) return true;
    connection.stalled_ns = now_ns;
    return false;
}

void Worker::check_limits(Connection& connection, std::uint64_t now_ns) {
    const TimeLimits& limits = shared_.options.time;
    if (takes_nothing(connection, now_ns)) return close(connection, Drop::slow_consumer);
    if (connection.lingering) {
        if (connection.fin_sent && now_ns >= connection.linger_until_ns) close(connection);
        return;
    }
    if (connection.stage == Stage::unnamed &&
        over(connection.opened_ns, limits.handshake_ns, now_ns)) {
        return close(connection, Drop::handshake_timeout);
    }
    // A frame that the server itself left unread is not the client's delay.
    if (!connection.story_alive && over(connection.frame_begun_ns, limits.frame_ns, now_ns)) {
        return close(connection, Drop::frame_timeout);
    }
    // Nor is a client idle that waits for the server.
    if (!connection.story_alive && over(connection.last_frame_ns, limits.idle_ns, now_ns)) {
        return close(connection, Drop::idle_timeout);
    }
    if (limits.lag_bytes_max != 0 && connection.outbox.caught_up_once() &&
        connection.outbox.lag_bytes() > limits.lag_bytes_max) {
        return close(connection, Drop::lag);
    }
}

}  // namespace ringside::uring
