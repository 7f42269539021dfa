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
    ClientFrame frame;
    while (next_frame(frame)) {
        if (connection_.outbox.list_pending() ||
            connection_.outbox.private_bytes() > private_bytes_max) {
            wait_for_output();
            continue;  // the wait moved the frame: peek it again
        }
        const Decision decision = worker_.shared().rules.decide(connection_.stage, frame);
        if (decision.action == Action::post_message && !room_for_post()) continue;
        connection_.last_frame_ns = worker_.now_ns();
        connection_.frame_begun_ns = 0;
        act(decision, frame);
    }
}

bool Session::next_frame(ClientFrame& frame) {
    if (connection_.closing || connection_.lingering) return false;
    switch (connection_.decoder.peek(frame)) {
        case FrameDecoder::Next::frame:
            return true;
        case FrameDecoder::Next::need_more:
            return false;
        case FrameDecoder::Next::too_long:
            refuse_and_linger(worker_.shared().rules.frame_too_long());
            return false;
    }
    RINGSIDE_ASSERT(false);
    return false;
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
    if (connection_.stage == Stage::room) {
        if (!finish_room()) return;
        connection_.stage = Stage::lobby;
    }
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
    worker_.enter_room(connection_, room->number, reply.share);
}

// The owner's answer is the message itself, among the room's; only a failure is told separately.
void Session::post(std::string_view text) {
    worker_.post(connection_, text);
    connection_.decoder.consume();
}

bool Session::room_for_post() {
    if (worker_.may_post(connection_)) return true;
    worker_.park(connection_, Connection::Wait::inbox);
    return false;
}

void Session::leave_room() {
    if (!finish_room()) return;
    connection_.stage = Stage::lobby;
    worker_.enter_lobby(connection_);
}

// Everything that was sequenced before, its own messages among it, goes out first. False where the
// connection is closing meanwhile.
bool Session::finish_room() {
    const StoryReply reply = worker_.ask_leave(connection_);
    if (connection_.closing) return false;
    worker_.stop_live(connection_);
    connection_.outbox.leave(reply.value);
    worker_.flush_soon(connection_);
    while (!connection_.closing && connection_.outbox.leaving())
        wait_for_output();
    if (connection_.closing) return false;
    worker_.give_back_room(connection_);
    return true;
}

void Session::wait_for_output() {
    worker_.park(connection_, Connection::Wait::output);
}

}  // namespace ringside::uring
