#include "uring_async/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <new>

#include "common/assert.hpp"
#include "common/stall.hpp"
#include "uring_async/chat/session.hpp"

namespace ringside::uring {

namespace {

// The peer went away: as normal as a disconnect request.
constexpr bool peer_is_gone(int code) noexcept {
    return code == EPIPE || code == ECONNRESET;
}

// Time limits are looked after by sweeping all connections; a limit is thus met late by at most a
// quarter of itself.
constexpr std::uint64_t sweep_period_ns_min = 10'000'000;
constexpr std::uint64_t sweep_period_ns_max = 250'000'000;

std::uint64_t sweep_period(const TimeLimits& limits) noexcept {
    std::uint64_t period = sweep_period_ns_max;
    for (const std::uint64_t limit :
         {limits.handshake_ns, limits.frame_ns, limits.idle_ns, limits.write_ns}) {
        if (limit != 0) period = std::min(period, limit / 4);
    }
    return std::max(period, sweep_period_ns_min);
}

}  // namespace

std::uint32_t Shared::connections_all() const noexcept {
    std::uint32_t sum = 0;
    for (const auto& count : connections)
        sum += count.load(std::memory_order_relaxed);
    return sum;
}

void Shared::drain() noexcept {
    draining.store(true, std::memory_order_release);
    exchange.wake_all();
}

Worker::Worker(Shared& shared, std::uint32_t number, Io& io, CounterSet& counters)
    : shared_(shared),
      number_(number),
      io_(io),
      counters_(counters),
      owned_(OwnerContext{.workers = shared.exchange.workers(),
                          .directory = &shared.rooms,
                          .sync = &shared.sync,
                          .log = &shared.log,
                          .wall = &shared.wall,
                          .counters = &counters,
                          .waker = &io},
             *this),
      outgoing_(shared.exchange.workers()),
      created_(make_created_list(io)),
      sweep_period_ns_(sweep_period(shared.options.time)) {
    shared.exchange.set_waker(number, io);
}

void Worker::listen(int listener) noexcept {
    listening_ = true;
    io_.listen(listener);
}

bool Worker::turn(bool may_wait) {
    const std::span<const IoEvent> events = io_.turn(may_wait ? wait_until() : 0);
    stall(io_.now_ns(), shared_.options.inject_stall_ns);
    owned_.begin_turn(io_.now_ns());
    for (const IoEvent& event : events)
        handle(event);
    take_letters();
    owned_.take_results();
    take_created();
    scheduler_.run_ready(std::numeric_limits<std::size_t>::max());
    owned_.commit();
    scheduler_.run_ready(std::numeric_limits<std::size_t>::max());
    broadcast_list();
    post_letters();
    flush_all();
    close_due();
    if (io_.now_ns() >= next_sweep_ns_) sweep();
    look_after_drain();
    post_letters();  // closing gave rooms back
    export_counters();
    return !drained();
}

std::uint64_t Worker::wait_until() noexcept {
    const bool work_left = scheduler_.has_ready() || owned_.commit_due() ||
                           !connections_to_flush_.empty() || !rooms_to_flush_.empty();
    if (work_left) return 0;
    return connections_open_ == 0 && drain_until_ns_ == 0 ? wait_forever : next_sweep_ns_;
}

Connection* Worker::find(SlotId id) noexcept {
    if (id.slot >= connections_.size()) return nullptr;
    Connection* const connection = connections_[id.slot].get();
    return connection != nullptr && connection->id == id ? connection : nullptr;
}

void Worker::handle(const IoEvent& event) {
    if (event.kind == IoEvent::Kind::accepted) return on_accepted(event.result);
    if (event.kind == IoEvent::Kind::closed) return on_closed(event.id);
    Connection* const connection = find(event.id);
    RINGSIDE_ASSERT(connection != nullptr);
    switch (event.kind) {
        case IoEvent::Kind::received:
            if (event.result > 0) {
                return on_received(*connection,
                                   {event.data, static_cast<std::size_t>(event.result)});
            }
            if (event.result < 0) return lose(*connection, "receive", -event.result);
            return on_input_ended(*connection);
        case IoEvent::Kind::sent:
            return on_sent(*connection, event.result);
        case IoEvent::Kind::writable:
            connection->blocked = false;
            return flush_soon(*connection);
        case IoEvent::Kind::accepted:
        case IoEvent::Kind::connected:
        case IoEvent::Kind::closed:
            break;
    }
    RINGSIDE_ASSERT(false);
}

// Each connection goes to the worker that has the fewest, so that few of them are spread evenly
// too.
void Worker::on_accepted(int descriptor) {
    accepting_fails_ = false;
    if (shared_.connections_all() >= shared_.options.connections_max || drain_until_ns_ != 0) {
        UniqueFd refused(descriptor);
        counters_.drop(drain_until_ns_ != 0 ? Drop::drain : Drop::server_full);
        return;
    }
    const auto fewest = std::min_element(shared_.connections.begin(), shared_.connections.end(),
                                         [](const auto& left, const auto& right) {
                                             return left.load(std::memory_order_relaxed) <
                                                    right.load(std::memory_order_relaxed);
                                         });
    fewest->fetch_add(1, std::memory_order_relaxed);
    const auto worker = static_cast<std::uint32_t>(fewest - shared_.connections.begin());
    if (worker == number_) return adopt(descriptor);
    send_letter(worker, Letter{.kind = Letter::Kind::adopt,
                               .value = static_cast<std::uint64_t>(descriptor)});
}

void Worker::adopt(int descriptor) {
    const Result<SlotId> id = io_.adopt(UniqueFd(descriptor));
    if (!id) {
        shared_.connections[number_].fetch_sub(1, std::memory_order_relaxed);
        counters_.drop(Drop::server_full);
        return;
    }
    if (id->slot >= connections_.size()) connections_.resize(id->slot + 1);
    connections_[id->slot] =
        std::make_unique<Connection>(*this, *id, shared_.rules.limits().frame_length_max);
    Connection& connection = *connections_[id->slot];
    connection.times = RequestTimes::make(shared_.log);
    connection.opened_ns = io_.now_ns();
    connection.last_frame_ns = connection.opened_ns;
    if (connections_open_++ == 0) next_sweep_ns_ = connection.opened_ns + sweep_period_ns_;
    counters_.add(Metric::connections_total);
    io_.receive(*id);
}

void Worker::on_received(Connection& connection, std::string_view bytes) {
    counters_.add(Metric::bytes_in_total, bytes.size());
    if (connection.closing || connection.lingering) return;
    connection.decoder.feed(bytes);
    if (connection.times != nullptr) connection.times->received(bytes.size(), io_.now_ns());
    if (!connection.story_alive) return start_story(connection);
    connection.decoder.keep_rest();
    hold_if_full(connection);
}

// The client has said all it wanted, as with disconnect; it may still read. A story that is under
// way sees to it at its end.
void Worker::on_input_ended(Connection& connection) {
    connection.input_ended = true;
    if (connection.closing || connection.story_alive) return;
    if (connection.lingering) return flush_soon(connection);
    start_story(connection);
}

// An error ends a connection at once, whatever it is owed.
void Worker::lose(Connection& connection, const char* operation, int code) noexcept {
    if (connection.closing) return;
    if (peer_is_gone(code)) return close(connection);
    shared_.log.write(LogLevel::warn, "connection failed",
                      {{"error", Error{code, operation}.text()}});
    close(connection, Drop::connection_error);
}

void Worker::start_story(Connection& connection) {
    try {
        scheduler_.spawn(&Session::run, &connection);
    } catch (const std::bad_alloc&) {
        return close(connection, Drop::no_memory);
    }
    connection.story_alive = true;
    // At once: the bytes are hot in the cache, and the stack comes back before the next one starts.
    scheduler_.run_ready(std::numeric_limits<std::size_t>::max());
}

void Worker::story_ended(Connection& connection) noexcept {
    connection.story_alive = false;
    if (connection.closing) return;
    connection.decoder.keep_rest();
    const bool unfinished = !connection.lingering && connection.decoder.mid_frame();
    if (!unfinished) {
        connection.frame_begun_ns = 0;
    } else if (connection.frame_begun_ns == 0) {
        connection.frame_begun_ns = io_.now_ns();
    }
    if (drain_until_ns_ == 0) let_go_on(connection);
}

void Worker::park(Connection& connection, Connection::Wait wait) noexcept {
    RINGSIDE_ASSERT(connection.wait == Connection::Wait::none);
    connection.decoder.keep_rest();
    hold_if_full(connection);
    if (wait == Connection::Wait::post || wait == Connection::Wait::settled) {
        waiting_for_owner_.push_back(connection.id);
    }
    connection.wait = wait;
    connection.story = scheduler_.current();
    scheduler_.suspend();
}

void Worker::resume(Connection& connection) noexcept {
    RINGSIDE_ASSERT(connection.wait != Connection::Wait::none);
    connection.wait = Connection::Wait::none;
    scheduler_.resume(connection.story);
    connection.story = nullptr;
}

void Worker::hold_if_full(Connection& connection) noexcept {
    if (connection.held || connection.decoder.unread_bytes() < unread_bytes_max) return;
    connection.held = true;
    io_.hold(connection.id);
}

void Worker::let_go_on(Connection& connection) noexcept {
    if (!std::exchange(connection.held, false)) return;
    io_.receive(connection.id);
}

void Worker::on_sent(Connection& connection, std::int32_t result) {
    RINGSIDE_ASSERT(connection.send_in_flight);
    connection.send_in_flight = false;
    const auto bytes = static_cast<std::size_t>(std::max(result, 0));
    counters_.add(Metric::bytes_out_total, bytes);
    counters_.add(Metric::deliveries_total, connection.outbox.sent(bytes));
    if (connection.closing) return;
    if (result < 0) return lose(connection, "send", -result);
    connection.blocked = bytes < connection.offered_bytes;
    if (!connection.blocked) {
        connection.stalled_ns = 0;
    } else if (bytes > 0 || connection.stalled_ns == 0) {
        connection.stalled_ns = io_.now_ns();
        connection.unsent_bytes = 0;
    }
    if (!connection.blocked && (connection.outbox.owes() || connection.lingering)) {
        flush_soon(connection);
    }
    let_through(connection);
}

void Worker::on_closed(SlotId id) {
    Connection* const connection = find(id);
    RINGSIDE_ASSERT(connection != nullptr && connection->close_called);
    RINGSIDE_ASSERT(!connection->story_alive);
    connections_[id.slot].reset();
    // With the last one the sweeps end: one more, now, gives back what is idle.
    if (--connections_open_ == 0) next_sweep_ns_ = 0;
    shared_.connections[number_].fetch_sub(1, std::memory_order_relaxed);
}

void Worker::begin_drain() {
    drain_until_ns_ = io_.now_ns() + shared_.options.drain_ns;
    next_sweep_ns_ = io_.now_ns() + sweep_period_ns_min;
    if (listening_) io_.stop_listening();
    for (const auto& connection : connections_) {
        if (connection == nullptr || connection->held || connection->close_called) continue;
        if (connection->lingering) continue;
        connection->held = true;
        io_.hold(connection->id);
    }
}

// Draining: nothing new is worked off, what is owed goes out, then the connection ends in order.
// What the peer goes on sending is read and thrown away: unread, it would reset the connection and
// take with it what the kernel has not delivered yet.
void Worker::look_after_drain() {
    if (drain_until_ns_ == 0) {
        if (!shared_.draining.load(std::memory_order_acquire)) return;
        begin_drain();
    }
    const bool late = io_.now_ns() >= drain_until_ns_;
    for (const auto& one : connections_) {
        if (one == nullptr || one->closing) continue;
        Connection& connection = *one;
        if (late && connection.lingering) {
            close(connection);
        } else if (late) {
            close(connection, Drop::drain);
        } else if (!connection.lingering && !connection.story_alive && !connection.send_in_flight &&
                   !connection.outbox.owes() && settled(connection)) {
            counters_.drop(Drop::drain);
            linger(connection);
        }
    }
    close_due();
}

bool Worker::drained() {
    if (drain_until_ns_ == 0) return false;
    const bool nothing_to_post =
        std::all_of(outgoing_.begin(), outgoing_.end(),
                    [](const auto& batch) { return batch.letters.empty(); });
    if (!drained_counted_ && nothing_to_post && shared_.connections_all() == 0) {
        drained_counted_ = true;
        shared_.drained.fetch_add(1);
        shared_.exchange.wake_all();
    }
    if (shared_.drained.load() != shared_.exchange.workers()) return false;
    // Whoever is counted has posted all it had, but perhaps after we took our letters of this turn.
    return !owned_.commit_due() && !letters_came();
}

// One line each time accepting begins to fail, not one per attempt.
void Worker::look_at_accepting() noexcept {
    const IoCounters& io = io_.counters();
    if (io.accept_errors == counters_.get(Metric::accept_errors_total)) return;
    if (std::exchange(accepting_fails_, true)) return;
    shared_.log.write(LogLevel::warn, "accepting pauses",
                      {{"error", Error{io.accept_error, "accept"}.text()},
                       {"open_connections", shared_.connections_all()}});
}

void Worker::export_counters() noexcept {
    look_at_accepting();
    const IoCounters& io = io_.counters();
    counters_.set(Metric::ring_enters_total, io.enters);
    counters_.set(Metric::completions_total, io.completions);
    counters_.set(Metric::system_calls_total, io.system_calls);
    counters_.set(Metric::sends_total, io.sends);
    counters_.set(Metric::wakes_total, io.wakes);
    counters_.set(Metric::accept_errors_total, io.accept_errors);
    counters_.set(Metric::buffer_shortages_total, io.buffer_shortages);
    counters_.set(Metric::connections, connections_open_);
    counters_.set(Metric::members, owned_.members());
    counters_.set(Metric::coroutines, scheduler_.alive());
    counters_.set(Metric::stacks_high_water, scheduler_.stacks().high_water());
    counters_.set(Metric::catch_up_reads_total, catch_up_.file_reads());
}

}  // namespace ringside::uring
