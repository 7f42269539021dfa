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

void Worker::enter_room(Connection& connection, std::uint32_t number, const RoomShare& share) {
    std::unique_ptr<LocalRoom>& local = local_rooms_[number];
    if (local == nullptr) {
        local = std::make_unique<LocalRoom>(number, share, catch_up_);
        // A `published` that came before this, or after the last member here had gone, found no
        // room and left the flag up; the owner would never tell us again.
        share.told->exchange(false, std::memory_order_acq_rel);
    }
    ++local->users;
    connection.room = local.get();
    if (connection.closing) return;
    put_in(local->members, connection);
    connection.outbox.join(local->reader, 0);
    flush_soon(connection);
}

void Worker::stop_live(Connection& connection) noexcept {
    if (connection.listed) take_out(connection.room->members, connection);
}

void Worker::give_back_room(Connection& connection) {
    LocalRoom& local = *std::exchange(connection.room, nullptr);
    const std::uint32_t number = local.number;
    if (--local.users == 0) {
        RINGSIDE_ASSERT(local.members.empty());
        if (local.dirty) std::erase(rooms_to_flush_, &local);
        local_rooms_.erase(number);
    }
    const std::uint32_t owner = owner_of(number);
    if (owner == number_) return owned_.gone(number, number_);
    send_letter(owner, Letter{.kind = Letter::Kind::gone, .room = number});
}

void Worker::unlist(Connection& connection) noexcept {
    if (!connection.listed) return;
    take_out(connection.stage == Stage::room ? connection.room->members : lobby_, connection);
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
    for (LocalRoom* room : rooms_to_flush_) {
        room->dirty = false;
        for (Connection* member : room->members)
            flush(*member);
    }
    rooms_to_flush_.clear();
    std::swap(flushing_, connections_to_flush_);
    for (const SlotId id : flushing_) {
        Connection* const connection = find(id);
        if (connection == nullptr) continue;
        connection->flush_due = false;
        flush(*connection);
    }
    flushing_.clear();
}

void Worker::flush(Connection& connection) {
    if (connection.send_in_flight || connection.blocked || connection.closing) return;
    const Result<std::string_view> piece = connection.outbox.next_piece();
    if (!piece) {
        if (piece.error().code == EAGAIN) return flush_soon(connection);
        shared_.log.write(LogLevel::error, "a room's history cannot be read",
                          {{"error", piece.error().text()}});
        return close(connection, Drop::storage);
    }
    if (piece->empty()) {
        if (connection.lingering && !std::exchange(connection.fin_sent, true)) {
            io_.shutdown_send(connection.id);
        }
        return;
    }
    connection.send_in_flight = true;
    connection.offered_bytes = static_cast<std::uint32_t>(piece->size());
    io_.send(connection.id, *piece);
    let_through(connection);  // a list handed out lets the next request through
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
    connection.linger_until_ns = io_.now_ns() + linger_ns_max;
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
    if (connection.wait == Connection::Wait::output || connection.wait == Connection::Wait::inbox) {
        resume(connection);
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
}

void Worker::check_limits(Connection& connection, std::uint64_t now_ns) {
    const TimeLimits& limits = shared_.options.time;
    const auto over = [now_ns](std::uint64_t since_ns, std::uint64_t limit_ns) {
        return limit_ns != 0 && since_ns != 0 && now_ns - since_ns >= limit_ns;
    };
    if (connection.lingering) {
        if (now_ns >= connection.linger_until_ns) close(connection);
        return;
    }
    if (connection.stage == Stage::unnamed && over(connection.opened_ns, limits.handshake_ns)) {
        return close(connection, Drop::handshake_timeout);
    }
    // A frame that the server itself left unread is not the client's delay.
    if (!connection.story_alive && over(connection.frame_begun_ns, limits.frame_ns)) {
        return close(connection, Drop::frame_timeout);
    }
    if (over(connection.last_frame_ns, limits.idle_ns)) {
        return close(connection, Drop::idle_timeout);
    }
    if (connection.blocked && over(connection.stalled_ns, limits.write_ns)) {
        return close(connection, Drop::slow_consumer);
    }
    if (limits.lag_bytes_max != 0 && connection.outbox.caught_up_once() &&
        connection.outbox.lag_bytes() > limits.lag_bytes_max) {
        return close(connection, Drop::lag);
    }
}

}  // namespace ringside::uring
