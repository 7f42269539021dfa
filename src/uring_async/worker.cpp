#include "uring_async/worker.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "common/assert.hpp"
#include "uring_async/chat/session.hpp"

namespace ringside::uring {

namespace {

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
            connection->input_ended = true;
            // Frames that came before the end are worked off first; an error ends it at once.
            if (event.result < 0 || !connection->story_alive) close(*connection);
            return;
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
    if (!connection.story_alive) return start_story(connection);
    connection.decoder.keep_rest();
    hold_if_full(connection);
}

void Worker::start_story(Connection& connection) {
    connection.story_alive = true;
    scheduler_.spawn(&Session::run, &connection);
    // At once: the bytes are hot in the cache, and the stack comes back before the next one starts.
    scheduler_.run_ready(std::numeric_limits<std::size_t>::max());
}

void Worker::story_ended(Connection& connection) noexcept {
    connection.story_alive = false;
    if (connection.closing) return;
    connection.decoder.keep_rest();
    if (connection.input_ended) return close(connection);
    const bool unfinished = !connection.lingering && connection.decoder.mid_frame();
    if (!unfinished) {
        connection.frame_begun_ns = 0;
    } else if (connection.frame_begun_ns == 0) {
        connection.frame_begun_ns = io_.now_ns();
    }
    if (connection.held && drain_until_ns_ == 0) {
        connection.held = false;
        io_.receive(connection.id);
    }
}

void Worker::park(Connection& connection, Connection::Wait wait) noexcept {
    RINGSIDE_ASSERT(connection.wait == Connection::Wait::none);
    connection.decoder.keep_rest();
    hold_if_full(connection);
    if (wait == Connection::Wait::inbox) waiting_for_inbox_.push_back(connection.id);
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

void Worker::on_sent(Connection& connection, std::int32_t result) {
    RINGSIDE_ASSERT(connection.send_in_flight);
    connection.send_in_flight = false;
    const auto bytes = static_cast<std::size_t>(std::max(result, 0));
    counters_.add(Metric::bytes_out_total, bytes);
    counters_.add(Metric::deliveries_total, connection.outbox.sent(bytes));
    if (connection.closing) return;
    if (result < 0) return close(connection);
    connection.blocked = bytes < connection.offered_bytes;
    if (!connection.blocked) {
        connection.stalled_ns = 0;
    } else if (bytes > 0 || connection.stalled_ns == 0) {
        connection.stalled_ns = io_.now_ns();
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
    --connections_open_;
    shared_.connections[number_].fetch_sub(1, std::memory_order_relaxed);
}

// Draining: nothing new comes in, what is owed goes out, then the connection ends.
void Worker::look_after_drain() {
    if (drain_until_ns_ == 0) {
        if (!shared_.draining.load(std::memory_order_acquire)) return;
        drain_until_ns_ = io_.now_ns() + shared_.options.drain_ns;
        next_sweep_ns_ = io_.now_ns() + sweep_period_ns_min;
        if (listening_) io_.stop_listening();
        for (const auto& connection : connections_) {
            if (connection == nullptr || connection->held || connection->close_called) continue;
            connection->held = true;
            io_.hold(connection->id);
        }
    }
    const bool late = io_.now_ns() >= drain_until_ns_;
    for (const auto& connection : connections_) {
        if (connection == nullptr || connection->closing) continue;
        const bool busy =
            connection->story_alive || connection->send_in_flight || connection->outbox.owes();
        if (late || !busy) close(*connection, Drop::drain);
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
    return shared_.drained.load() == shared_.exchange.workers() && !owned_.commit_due();
}

void Worker::export_counters() noexcept {
    const IoCounters& io = io_.counters();
    counters_.set(Metric::ring_enters_total, io.enters);
    counters_.set(Metric::completions_total, io.completions);
    counters_.set(Metric::system_calls_total, io.system_calls);
    counters_.set(Metric::sends_total, io.sends);
    counters_.set(Metric::wakes_total, io.wakes);
    counters_.set(Metric::connections, connections_open_);
    counters_.set(Metric::members, owned_.members());
    counters_.set(Metric::coroutines, scheduler_.alive());
    counters_.set(Metric::stacks_high_water, scheduler_.stacks().high_water());
    counters_.set(Metric::catch_up_reads_total, catch_up_.file_reads());
}

}  // namespace ringside::uring
