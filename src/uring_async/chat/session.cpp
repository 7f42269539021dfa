#include "uring_async/chat/session.hpp"

#include <string>
#include <utility>

#include "common/assert.hpp"
#include "uring_async/worker.hpp"

namespace ringside::uring {

Session::Session(Connection& connection) noexcept
    : connection_(connection), worker_(connection.worker) {}

void Session::run(void* argument) noexcept {
    Connection& connection = *static_cast<Connection*>(argument);
    Session(connection).tell();
    connection.worker.story_ended(connection);
}

void Session::tell() {
    const ChatRules& rules = worker_.shared().rules;
    while (!over()) {
        ClientFrame frame;
        const FrameDecoder::Next next = connection_.decoder.peek(frame);
        if (next == FrameDecoder::Next::need_more) break;
        if (connection_.outbox.list_pending() ||
            connection_.outbox.private_bytes() > private_bytes_max) {
            wait_for(Connection::Wait::output);
            continue;  // the wait moved the frame: peek it again
        }
        const Decision decision = next == FrameDecoder::Next::frame
                                      ? rules.decide(connection_.stage, frame)
                                      : rules.frame_too_long();
        if (waits_for_owner(decision.action)) continue;
        connection_.last_frame_ns = worker_.now_ns();
        connection_.frame_begun_ns = 0;
        if (connection_.times != nullptr) connection_.times->open(decision, frame);
        act(decision, frame);
        if (connection_.times != nullptr && !connection_.closing) connection_.times->answered();
    }
    if (connection_.input_ended) say_goodbye();
}

bool Session::over() const noexcept {
    return connection_.closing || connection_.lingering;
}

// Whether its messages were stored is answered before anything that it asks later.
bool Session::waits_for_owner(Action action) {
    switch (action) {
        case Action::post_message:
            if (worker_.may_post(connection_)) return false;
            worker_.counters().add(Metric::held_messages_total);
            wait_for(Connection::Wait::post);
            return true;
        case Action::leave_room:
            return false;  // the owner answers it behind them
        case Action::refuse:
        case Action::refuse_and_close:
        case Action::take_name:
        case Action::create_room:
        case Action::join_room:
        case Action::disconnect:
            break;
    }
    if (worker_.settled(connection_)) return false;
    wait_for(Connection::Wait::settled);
    return true;
}

// A client that has closed, or half closed: the same as disconnect.
void Session::say_goodbye() {
    while (!over() && !worker_.settled(connection_))
        wait_for(Connection::Wait::settled);
    if (!over()) worker_.linger(connection_);
}

// Each action consumes the frame: at once where it needs its text no longer, or at its end.
void Session::act(const Decision& decision, const ClientFrame& frame) {
    switch (decision.action) {
        case Action::refuse:
            connection_.decoder.consume();
            return refuse(decision.answer, decision.reason);
        case Action::refuse_and_close:
            return refuse_and_linger(decision);
        case Action::take_name:
            take_name(frame.text);
            return connection_.decoder.consume();
        case Action::create_room:
            return create_room(frame.text);
        case Action::join_room:
            return join_room(frame.text);
        case Action::post_message:
            return post(frame.text);
        case Action::leave_room:
            connection_.decoder.consume();
            return leave_room();
        case Action::disconnect:
            connection_.decoder.consume();
            return worker_.linger(connection_);
    }
}

void Session::refuse(Request request, std::string_view reason) {
    worker_.counters().add(Metric::refusals_total);
    connection_.outbox.answer(request, Status::failure, reason);
    worker_.flush_soon(connection_);
}

void Session::refuse_and_linger(const Decision& decision) {
    refuse(decision.answer, decision.reason);
    worker_.counters().drop(Drop::frame_too_long);
    worker_.linger(connection_);
}

void Session::take_name(std::string_view name) {
    if (!worker_.shared().names.take(name)) {
        return refuse(Request::set_name, reason::name_taken);
    }
    connection_.name = name;
    connection_.stage = Stage::lobby;
    connection_.outbox.answer(Request::set_name, Status::success, {});
    worker_.enter_lobby(connection_);
}

void Session::create_room(std::string_view name) {
    std::string own_name(name);
    connection_.decoder.consume();
    const StoryReply reply = worker_.ask_create(connection_, std::move(own_name));
    if (reply.error == 0) {
        // The list that answers must be due before the client's next request is looked at.
        return worker_.broadcast_list();
    }
    refuse(Request::create_chat, reason::of_failed_create(reply.error));
}

void Session::join_room(std::string_view name) {
    const Room* const room = worker_.shared().rooms.find(name);
    connection_.decoder.consume();
    if (room == nullptr) return refuse(Request::connect_chat, reason::room_unknown);
    const StoryReply reply = worker_.ask_join(connection_, room->number);
    if (reply.error != 0) return refuse(Request::connect_chat, reason::of_failed_join(reply.error));
    worker_.leave_lobby(connection_);
    connection_.stage = Stage::room;
    connection_.outbox.answer(Request::connect_chat, Status::success, room->name);
    worker_.enter_room(connection_);
}

// The owner's answer is the message itself, among the room's; only a failure is told separately.
void Session::post(std::string_view text) {
    worker_.post(connection_, text);
    connection_.decoder.consume();
}

// Everything that was sequenced before, its own messages among it, goes out first.
void Session::leave_room() {
    const StoryReply reply = worker_.ask_leave(connection_);
    if (connection_.closing) return;
    worker_.stop_live(connection_);
    connection_.outbox.leave(reply.value);
    worker_.flush_soon(connection_);
    while (!connection_.closing && connection_.outbox.leaving())
        wait_for(Connection::Wait::output);
    if (connection_.closing) return;
    worker_.give_back_room(connection_);
    connection_.stage = Stage::lobby;
    worker_.enter_lobby(connection_);
}

void Session::wait_for(Connection::Wait what) {
    worker_.park(connection_, what);
    connection_.last_frame_ns = worker_.now_ns();  // until now it waited for us
}

}  // namespace ringside::uring
