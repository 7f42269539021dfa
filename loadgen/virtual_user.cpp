#include "loadgen/virtual_user.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "loadgen/payload.hpp"

namespace ringside::loadgen {

namespace {
std::string_view name_of(const Answer& answer) {
    return request_name(static_cast<Request>(answer.request));
}
}  // namespace

VirtualUser::VirtualUser(RunState& run, std::uint32_t number)
    : run_(run),
      number_(number),
      random_(run.options.seed, run.options.place_of(number)),
      connection_(run.driver.io()),
      dialect_(make_dialect(run.options.protocol)) {}

// ---- waiting ----

bool VirtualUser::over() const noexcept {
    if (broken_ || run_.phase == Phase::over) return true;
    switch (connection_.state()) {
        case Connection::State::idle:
        case Connection::State::connecting:
        case Connection::State::open:
            return false;
        case Connection::State::failed:
        case Connection::State::closing:
        case Connection::State::closed:
            return true;
    }
    return true;
}

void VirtualUser::park() noexcept {
    RINGSIDE_ASSERT(parked_ == nullptr);
    parked_ = run_.driver.scheduler().current();
    run_.driver.scheduler().suspend();
}

void VirtualUser::wake() noexcept {
    if (parked_ != nullptr) run_.driver.scheduler().resume(std::exchange(parked_, nullptr));
}

bool VirtualUser::sleep_until(std::uint64_t until_ns) {
    // The end of the load does not wake a sleeper, so nobody sleeps for long at a time.
    constexpr std::uint64_t nap_ns = 100'000'000;
    const auto on = [this] { return !over() && run_.phase == Phase::rounds; };
    for (std::uint64_t now_ns = monotonic_ns(); now_ns < until_ns && on();
         now_ns = monotonic_ns()) {
        run_.driver.timers().sleep_until(std::min(until_ns, now_ns + nap_ns));
    }
    return on();
}

bool VirtualUser::next_answer(Answer& answer) {
    if (!wait_until([this] { return !answers_.empty(); })) return false;
    answer = std::move(answers_.front());
    answers_.erase(answers_.begin());
    return true;
}

bool VirtualUser::await(Request request, Answer& answer) {
    do {
        if (!next_answer(answer)) return false;
    } while (answer.is(Request::get_chats) && request != Request::get_chats);
    if (answer.is(request) && answer.status == Status::success) return true;
    break_off(fmt::format("{} was answered by {} {} \"{}\"", request_name(request), name_of(answer),
                          answer.status == Status::success ? "success" : "failure", answer.text));
    return false;
}

// ---- the steps of a session ----

bool VirtualUser::connect() {
    if (over()) return false;
    if (const Result<void> started = connection_.connect(run_.address, run_.source_of(number_));
        !started) {
        run_.fail(
            fmt::format("cannot open connection {}: {}", number_ + 1, started.error().text()));
        return false;
    }
    run_.driver.watch(connection_.id(), *this);
    return wait_until([this] { return connection_.state() == Connection::State::open; });
}

void VirtualUser::queue(Request request, std::string_view text) {
    const auto kind = static_cast<std::size_t>(request);
    if (kind < request_kinds) ++run_.recorder.counts.requests[kind];
    const auto encode = [&](std::string& out) {
        std::visit([&](auto& dialect) { dialect.encode(out, request, text); }, dialect_);
    };
    if (connection_.queue(encode)) run_.driver.flush_soon(*this);
}

std::uint64_t VirtualUser::ask(Request request, std::string_view text) {
    const std::uint64_t now_ns = monotonic_ns();
    awaiting_ = request;
    queue(request, text);
    return now_ns;
}

void VirtualUser::record(Latency kind, std::uint64_t sent_ns, std::uint64_t answered_ns) noexcept {
    if (run_.phase == Phase::set_up) {
        run_.recorder.record_always(kind, answered_ns - sent_ns);
    } else {
        run_.recorder.record(kind, sent_ns, answered_ns);
    }
}

bool VirtualUser::sign_in() {
    Answer answer;
    const std::string name = user_name(run_.verifier.run(), number_);
    const std::uint64_t sent_ns = ask(Request::set_name, name);
    if (!await(Request::set_name, answer)) return false;
    record(Latency::set_name, sent_ns, answer.at_ns);
    return await(Request::get_chats, answer);
}

bool VirtualUser::create_room(const std::string& name) {
    Answer answer;
    const std::uint64_t sent_ns = ask(Request::create_chat, name);
    while (true) {
        if (!await(Request::get_chats, answer)) return false;
        const auto index = run_.rooms.find(name);
        if (index && *index < answer.rooms) break;
    }
    awaiting_.reset();
    record(Latency::create_chat, sent_ns, answer.at_ns);
    return true;
}

bool VirtualUser::join_room(RoomLedger& room, Audience* audience, Counted counted) {
    RINGSIDE_ASSERT(stage_ == Stage::lobby);
    Answer answer;
    joining_ = &room;
    audience_ = audience;
    counted_ = counted == Counted::yes;
    joined_ns_ = ask(Request::connect_chat, room.name());
    if (!await(Request::connect_chat, answer)) return false;
    record(Latency::connect_chat, joined_ns_, answer.at_ns);
    return true;
}

bool VirtualUser::read_replay() {
    if (replay_end_ == replay_unknown) return !over();
    if (!wait_until([this] { return cursor_.index >= replay_end_; })) return false;
    // The coroutine runs in the turn in which the last of it came.
    record(Latency::replay, joined_ns_, run_.driver.now_ns());
    return true;
}

bool VirtualUser::publish(std::size_t bytes, std::optional<std::uint64_t> due_ns,
                          std::uint64_t free_ns) {
    RINGSIDE_ASSERT(stage_ == Stage::room);
    if (!run_.verifier.may_send(number_)) {
        run_.fail(
            fmt::format("user {} has sent as many messages as it has numbers for; measure for a "
                        "shorter time (--duration) or with more publishers",
                        number_));
        return false;
    }
    const std::uint64_t now_ns = monotonic_ns();
    const SendTime time{due_ns.value_or(now_ns), now_ns};
    if (due_ns) run_.recorder.record(Latency::send_lag, free_ns, now_ns);
    const std::uint32_t counter = run_.verifier.send(number_, time);
    payload_.resize(bytes);
    store_payload(payload_, {run_.verifier.run(), number_, cursor_.room->tag(), counter});
    queue(Request::send_message, payload_);
    ++run_.recorder.counts.messages_sent;
    if (due_ns) ++run_.recorder.counts.messages_scheduled;
    return true;
}

bool VirtualUser::leave_room() {
    RINGSIDE_ASSERT(stage_ == Stage::room);
    Answer answer;
    leave_end_ = cursor_.room->size();
    leaving_ = true;
    const std::uint64_t sent_ns = ask(Request::leave_chat, {});
    if (!await(Request::get_chats, answer)) return false;
    record(Latency::leave_chat, sent_ns, answer.at_ns);
    return true;
}

bool VirtualUser::end_session() {
    RINGSIDE_ASSERT(stage_ == Stage::lobby);
    disconnect();
    close();
    if (broken_ || !run_.failure.empty()) return false;
    connection_ = Connection(run_.driver.io());
    dialect_ = make_dialect(run_.options.protocol);
    answers_.clear();
    awaiting_.reset();
    disconnecting_ = false;
    rooms_known_ = 0;
    return true;
}

// ---- reading slowly ----

void VirtualUser::limit_reading() noexcept {
    reads_slowly_ = true;
    may_read_bytes_ = 0;
}

void VirtualUser::allow_reading(std::uint64_t bytes) noexcept {
    const auto more = static_cast<std::int64_t>(bytes);
    may_read_bytes_ = std::min(may_read_bytes_ + more, more);
    if (may_read_bytes_ > 0 && !over() && std::exchange(held_, false)) {
        run_.driver.io().receive(connection_.id());
    }
}

void VirtualUser::read_freely() noexcept {
    reads_slowly_ = false;
    if (!over() && std::exchange(held_, false)) run_.driver.io().receive(connection_.id());
}

void VirtualUser::give_up_room() {
    if (stage_ != Stage::room || broken_) return;
    if (leaving_) break_off("leave_chat was not answered");
    run_.verifier.leave(cursor_, cursor_.room->size(), number_);
    stage_ = Stage::lobby;
}

void VirtualUser::disconnect() {
    if (over() || connection_.state() == Connection::State::idle) return;
    disconnecting_ = true;
    if (run_.options.protocol == Protocol::chat) {
        queue(Request::disconnect, {});
    } else {
        connection_.end_sending();
        run_.driver.flush_soon(*this);
    }
    while (!over())
        park();
    if (broken_ || !run_.failure.empty()) return;
    if (connection_.state() != Connection::State::failed) {
        break_off("disconnect did not end the connection");
    } else if (mid_frame()) {
        break_off("the connection ended within a frame");
    }
}

void VirtualUser::close() {
    connection_.close();
    while (connection_.state() != Connection::State::closed)
        park();
    if (signed_in()) --run_.connected;
    stage_ = Stage::unnamed;
}

void VirtualUser::break_off(std::string_view what) {
    run_.violations.add(Violation::protocol);
    run_.violations.tell(Violation::protocol, fmt::format("user {}: {}", number_, what));
    run_.verifier.write_off(number_);
    broken_ = true;
    wake_wanted_ = true;
}

void VirtualUser::give_up_run(std::string why) {
    run_.fail(std::move(why));
    broken_ = true;
    wake_wanted_ = true;
}

bool VirtualUser::mid_frame() const noexcept {
    return std::visit([](const auto& dialect) { return dialect.mid_frame(); }, dialect_);
}

// ---- the loop ----

void VirtualUser::on_event(const uring::IoEvent& event) {
    if (event.kind == uring::IoEvent::Kind::received) {
        on_received(event);
    } else {
        connection_.on_event(event);
        wake_wanted_ = event.kind == uring::IoEvent::Kind::connected ||
                       event.kind == uring::IoEvent::Kind::closed;
    }
    if (connection_.state() == Connection::State::failed) on_failed();
    if (std::exchange(wake_wanted_, false)) wake();
}

void VirtualUser::on_failed() {
    wake_wanted_ = true;
    if (broken_ || disconnecting_ || run_.phase == Phase::over) return;
    const int code = connection_.error_code();
    const std::string why = code == 0 ? "the server closed it" : std::strerror(code);
    if (!connection_.was_open()) {
        return run_.fail(
            fmt::format("cannot connect to {} ({}). Is the server running there? "
                        "--connect HOST:PORT names another.",
                        run_.options.connect, why));
    }
    const std::string too_many =
        run_.phase > Phase::set_up
            ? ""
            : fmt::format("; does it take so many{}?",
                          run_.options.protocol == Protocol::chat ? " (--max-connections)" : "");
    run_.fail(
        fmt::format("lost the connection of user {} of {} ({}). The server's log tells more{}",
                    number_ + 1, run_.options.own_users(), why, too_many));
}

void VirtualUser::on_received(const uring::IoEvent& event) {
    if (event.result <= 0) return connection_.on_end(-event.result);
    if (broken_) return;
    const std::string_view chunk(event.data, static_cast<std::size_t>(event.result));
    run_.recorder.counts.bytes_received += chunk.size();
    const auto handle = [this](const ServerHeader& header, std::string_view text) {
        on_frame(header, text);
    };
    const auto respond = [this](std::string_view bytes) {
        const auto append = [bytes](std::string& out) { out.append(bytes); };
        if (connection_.queue(append)) run_.driver.flush_soon(*this);
    };
    const bool sound =
        std::visit([&](auto& dialect) { return dialect.feed(chunk, handle, respond); }, dialect_);
    if (!sound && !broken_) on_broken_stream();
    if (!reads_slowly_ || over()) return;
    may_read_bytes_ -= event.result;
    if (may_read_bytes_ > 0 || std::exchange(held_, true)) return;
    run_.driver.io().hold(connection_.id());
}

void VirtualUser::on_broken_stream() {
    const std::string_view came = std::visit(
        [](const auto& dialect) -> std::string_view { return dialect.nonsense(); }, dialect_);
    if (run_.phase != Phase::set_up) {
        return break_off(fmt::format("the stream is broken, this came: {}", came));
    }
    give_up_run(
        fmt::format("{} does not speak the protocol {}, it sent: {}. --connect names another "
                    "server, --protocol what it speaks.",
                    run_.options.connect, protocol_name(run_.options.protocol), printable(came)));
}

void VirtualUser::on_frame(const ServerHeader& header, std::string_view text) {
    const bool success = header.status == static_cast<std::uint32_t>(Status::success);
    const bool message = header.request == static_cast<std::uint32_t>(Request::receive_message);
    if (message && success && stage_ == Stage::room && !broken_) [[likely]] {
        return on_message(text);
    }
    if (over()) return;
    Answer answer;
    answer.request = header.request;
    answer.status = success ? Status::success : Status::failure;
    answer.at_ns = run_.driver.now_ns();
    if (answer.is(Request::get_chats) && success) {
        on_list(text, answer);
    } else {
        answer.text = text.substr(0, 256);
    }
    on_answer(std::move(answer));
}

void VirtualUser::on_message(std::string_view body) {
    Counts& counts = run_.recorder.counts;
    ++counts.deliveries;
    const bool replaying = cursor_.index < replay_end_;
    const Delivery delivery = run_.verifier.deliver(cursor_, body);
    if (!delivery.valid()) return;
    if (replaying) {
        ++counts.replayed;
        if (cursor_.index >= replay_end_) wake_wanted_ = true;
    }
    if (audience_ != nullptr) {
        const std::uint64_t now_ns = run_.driver.now_ns();
        while (audience_->end() < cursor_.room->size()) {
            const MessageKey key = cursor_.room->at(audience_->end()).key;
            // Nobody knows when somebody else's message was sent.
            audience_->published((key & foreign_key) == 0 ? run_.verifier.sent_at(key)
                                                          : SendTime{now_ns, now_ns});
        }
        if (counted_) audience_->received(delivery.index, now_ns);
    }
    if (sender_of(delivery.key) == number_) on_own_copy(delivery.key);
}

void VirtualUser::on_own_copy(MessageKey key) noexcept {
    const SendTime sent = run_.verifier.sent_at(key);
    if (!run_.verifier.answer(key)) return;  // it came late, a violation that is counted
    if (counter_of(key) >= unmeasured_below_) {
        run_.recorder.record(Latency::own_copy, Latency::own_copy_uncorrected, sent,
                             run_.driver.now_ns());
    }
    ++run_.recorder.counts.messages_answered;
    wake_wanted_ = true;
    if (replay_end_ != replay_unknown) return;
    // Whatever was in the room before has passed by now.
    cursor_.room->set_charted();
    replay_end_ = 0;
    unmeasured_below_ = counter_of(key) + 1 + unanswered();
}

void VirtualUser::on_list(std::string_view text, Answer& answer) {
    const auto rooms = run_.rooms.update(text);
    if (!rooms) return break_off("a room list contradicts an earlier one");
    answer.rooms = rooms_known_ = *rooms;
    if (!leaving_) return;
    run_.verifier.leave(cursor_, leave_end_, number_);
    leaving_ = false;
    awaiting_.reset();
    audience_ = nullptr;
    stage_ = Stage::lobby;
}

// Only what is right at this stage goes on to the coroutine.
void VirtualUser::on_answer(Answer answer) {
    if (broken_) return;
    const bool success = answer.status == Status::success;
    if (answer.is(Request::set_name) && !success && run_.options.protocol != Protocol::chat) {
        // Names are not what it refuses: it wants a password, is full, too old or something else.
        return give_up_run(fmt::format("{} let user {} of {} not in over protocol {}: {}",
                                       run_.options.connect, number_ + 1, run_.options.own_users(),
                                       protocol_name(run_.options.protocol),
                                       printable(answer.text)));
    }
    bool expected = awaiting_ && answer.is(*awaiting_);
    if (answer.is(Request::get_chats)) expected = success && stage_ == Stage::lobby;
    if (expected && answer.is(Request::connect_chat) && success) {
        expected = answer.text == joining_->name();
    }
    if (!expected) {
        return break_off(fmt::format("{} {} \"{}\" came {}", name_of(answer),
                                     success ? "success" : "failure", answer.text,
                                     stage_ == Stage::unnamed ? "before the name was taken"
                                     : stage_ == Stage::lobby ? "in the lobby"
                                                              : "in a room"));
    }
    if (answer.is(Request::set_name) && success) {
        stage_ = Stage::lobby;
        ++run_.sign_ins;
        ++run_.connected;
    }
    if (answer.is(Request::connect_chat) && success) enter_room();
    if (awaiting_ && answer.is(*awaiting_)) awaiting_.reset();
    answers_.push_back(std::move(answer));
    wake_wanted_ = true;
}

void VirtualUser::enter_room() noexcept {
    RoomLedger& room = *std::exchange(joining_, nullptr);
    cursor_.room = &room;
    stage_ = Stage::room;
    replay_end_ = room.charted() ? room.size() : replay_unknown;
    unmeasured_below_ = room.charted() ? 0 : UINT32_MAX;
}

}  // namespace ringside::loadgen
