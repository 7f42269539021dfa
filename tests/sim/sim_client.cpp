#include "sim_client.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/history_file.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint64_t pause_ns_max = 3'000'000;
constexpr std::uint64_t retry_pause_ns = 20'000'000;
constexpr std::uint64_t short_hold_ns_max = 200'000'000;
constexpr std::size_t rooms_wanted = 4;
constexpr std::uint64_t messages_at_once_max = 8;
constexpr std::uint32_t unknown_request = 77;

/// Bytes of the room's log that are in the server's file.
std::uint64_t stored_bytes(const std::filesystem::path& data, const std::string& room) {
    const auto file = data / (HistoryFile::file_stem(room) + ".chat");
    return std::filesystem::file_size(file) - history_header_bytes;
}

}  // namespace

SimClient::SimClient(const ClientSetup& setup, std::uint32_t number)
    : setup_(setup),
      number_(number),
      name_("user" + std::to_string(number)),
      actions_left_(setup.actions) {}

// ---------------------------------------------------------------------------------------- acting

std::uint64_t SimClient::due_ns() const noexcept {
    if (held_until_ns_ != 0) return held_until_ns_;
    const bool named = place_ == Place::lobby || place_ == Place::room;
    if (place_ == Place::connecting || place_ == Place::closing) return wait_forever;
    if (awaits_ != Awaits::nothing || (named && actions_left_ == 0) || no_more_)
        return wait_forever;
    return next_action_ns_;
}

void SimClient::act(std::uint64_t now_ns) {
    if (now_ns < due_ns()) return;
    if (held_until_ns_ != 0) {
        held_until_ns_ = 0;
        return setup_.io.receive(id_);
    }
    next_action_ns_ = now_ns + setup_.random.below(pause_ns_max);
    if (place_ == Place::offline) return connect();
    if (place_ == Place::unnamed) return send(Request::set_name, name_, Awaits::name);
    --actions_left_;
    if (setup_.random.chance(60)) return vanish();
    if (setup_.random.chance(80)) return hold_for_a_while(now_ns);
    if (setup_.random.chance(60)) {
        refused_ = Request::wrong_request;
        const auto request = static_cast<Request>(unknown_request);
        return send(request, "what?", Awaits::refusal);
    }
    return place_ == Place::lobby ? act_in_lobby() : act_in_room();
}

void SimClient::connect() {
    end_allowed_ = setup_.resets;
    stalled_ = false;
    place_ = Place::connecting;
    reader_ = loadgen::ServerFrameReader();
    id_ =
        setup_.io
            .connect(make_stream_socket(AF_INET).value(), setup_.server.get(), setup_.server.bytes)
            .value();
}

std::string SimClient::some_room() const {
    const auto rooms = static_cast<std::uint64_t>(std::ranges::count(list_, '\n'));
    std::string_view rest = list_;
    for (std::uint64_t skip = setup_.random.below(rooms); skip > 0; --skip) {
        rest.remove_prefix(rest.find('\n') + 1);
    }
    return std::string(rest.substr(0, rest.find('\n')));
}

void SimClient::act_in_lobby() {
    const auto rooms = static_cast<std::size_t>(std::ranges::count(list_, '\n'));
    if (setup_.random.chance(50)) {
        refused_ = Request::send_message;
        return send(Request::send_message, "into the void", Awaits::refusal);
    }
    if (rooms == 0 || (rooms < rooms_wanted && setup_.random.chance(300))) {
        wanted_room_ = "room " + std::to_string(setup_.random.below(rooms_wanted));
        std::ranges::replace(wanted_room_, ' ', '.');
        return send(Request::create_chat, wanted_room_, Awaits::room_made);
    }
    wanted_room_ = some_room();
    send(Request::connect_chat, wanted_room_, Awaits::joined);
}

void SimClient::act_in_room() {
    if (setup_.random.chance(200)) return send(Request::leave_chat, {}, Awaits::list);
    if (setup_.random.chance(40)) return say_goodbye();
    if (setup_.random.chance(30)) {
        refused_ = Request::create_chat;
        return send(Request::create_chat, "not from here", Awaits::refusal);
    }
    send_messages();
}

void SimClient::send_messages() {
    Stay& stay = stays_.back();
    for (std::uint64_t n = setup_.random.between(1, messages_at_once_max); n > 0; --n) {
        std::string text = stay.tag + std::to_string(++stay.sent) + '/';
        text.append(setup_.random.below(setup_.message_bytes_max), 'x');
        append_client_frame(outbox_, Request::send_message, text);
    }
    push();
}

void SimClient::send(Request request, std::string_view text, Awaits answer) {
    awaits_ = answer;
    append_client_frame(outbox_, request, text);
    push();
}

void SimClient::push() {
    if (outbox_.empty() || offered_ != nullptr || full_) return;
    offered_ = std::make_unique<std::string>(outbox_);
    setup_.io.send(id_, *offered_);
}

// By disconnect, or by ending its sending: the server is to close then.
void SimClient::say_goodbye() {
    end_allowed_ = true;
    refused_ = Request::disconnect;  // never answered
    const bool all_sent = outbox_.empty() && offered_ == nullptr;
    if (!all_sent || setup_.random.chance(500)) {
        return send(Request::disconnect, {}, Awaits::refusal);
    }
    awaits_ = Awaits::refusal;
    setup_.io.shutdown_send(id_);
}

// Without a word, whatever is on its way.
void SimClient::vanish() {
    place_ = Place::closing;
    held_until_ns_ = 0;
    setup_.io.close(id_);
}

void SimClient::hold_for_a_while(std::uint64_t now_ns) {
    std::uint64_t hold_ns = setup_.random.between(1, short_hold_ns_max);
    if (setup_.random.chance(200)) {
        hold_ns = 2 * setup_.write_limit_ns;
        stalled_ = true;
        end_allowed_ = true;
    }
    held_until_ns_ = now_ns + hold_ns;
    setup_.io.hold(id_);
}

// ---------------------------------------------------------------------------------- what happens

void SimClient::on_event(const IoEvent& event) {
    switch (event.kind) {
        case IoEvent::Kind::accepted:
            FAIL("the clients' loop listens to nothing");
            return;
        case IoEvent::Kind::connected:
            REQUIRE(event.result == 0);
            place_ = Place::unnamed;
            return setup_.io.receive(id_);
        case IoEvent::Kind::received:
            if (place_ == Place::closing) return;
            if (event.result == 0 && no_more_ && !stalled_ && place_ == Place::room) {
                stays_.back().drained = awaits_ != Awaits::refusal;
            }
            if (event.result <= 0) return on_lost();
            REQUIRE(reader_.feed({event.data, static_cast<std::size_t>(event.result)},
                                 [this](const ServerHeader& header, std::string_view text) {
                                     on_frame(header, text);
                                 }));
            return;
        case IoEvent::Kind::sent:
            return on_sent(event.result);
        case IoEvent::Kind::writable:
            full_ = false;
            if (place_ != Place::closing) push();
            return;
        case IoEvent::Kind::closed:
            REQUIRE(place_ == Place::closing);
            place_ = Place::offline;
            awaits_ = Awaits::nothing;
            outbox_.clear();
            full_ = false;
            creations_shown_ = 0;
            return;
    }
}

void SimClient::on_sent(std::int32_t result) {
    const std::size_t offered = offered_->size();
    std::ranges::fill(*offered_, '\xEE');
    offered_.reset();
    if (place_ == Place::closing) return;
    if (result < 0) return on_lost();
    outbox_.erase(0, static_cast<std::size_t>(result));
    full_ = static_cast<std::size_t>(result) < offered;
    push();
}

void SimClient::on_lost() {
    INFO(describe());
    REQUIRE(end_allowed_);
    vanish();
}

void SimClient::on_frame(const ServerHeader& header, std::string_view text) {
    INFO(describe());
    CAPTURE(header.request, header.status, text.substr(0, 200));
    REQUIRE(header.status <= 1);
    const auto request = static_cast<Request>(header.request);
    if (header.status == 0) return on_success(request, text);
    on_failure(request, text);
}

void SimClient::on_success(Request request, std::string_view text) {
    switch (request) {
        case Request::set_name:
            REQUIRE((awaits_ == Awaits::name && text.empty()));
            awaits_ = Awaits::first_list;
            return;
        case Request::get_chats:
            return on_list(text);
        case Request::connect_chat:
            REQUIRE((awaits_ == Awaits::joined && text == wanted_room_));
            awaits_ = Awaits::nothing;
            place_ = Place::room;
            creations_shown_ = 0;  // answers come in order: no refusal is due any more
            stays_.push_back(
                {.room = wanted_room_, .tag = name_ + '/' + std::to_string(++stay_count_) + '/'});
            return;
        case Request::receive_message:
            return on_message(text);
        default:
            FAIL("no server answers this with success");
    }
}

void SimClient::on_failure(Request request, std::string_view reason) {
    REQUIRE_FALSE(reason.empty());
    if (awaits_ == Awaits::name && request == Request::set_name) {
        // The connection before may not have ended yet, as the server sees it.
        next_action_ns_ = setup_.io.now_ns() + retry_pause_ns;
    } else if (awaits_ == Awaits::room_made && request == Request::create_chat) {
        // Somebody was faster.
    } else if (creations_shown_ > 0 && request == Request::create_chat) {
        --creations_shown_;
        return;
    } else {
        REQUIRE((awaits_ == Awaits::refusal && request == refused_));
    }
    awaits_ = Awaits::nothing;
}

void SimClient::on_list(std::string_view text) {
    REQUIRE(text.starts_with(list_));  // rooms never go, and keep the order of creation
    list_ = text;
    switch (awaits_) {
        case Awaits::first_list:
            REQUIRE(place_ == Place::unnamed);
            place_ = Place::lobby;
            awaits_ = Awaits::nothing;
            return;
        case Awaits::list:
            REQUIRE(place_ == Place::room);
            // It came after everything that was sent before the leave.
            REQUIRE(stays_.back().own == stays_.back().sent);
            stays_.back().left = true;
            place_ = Place::lobby;
            awaits_ = Awaits::nothing;
            return;
        case Awaits::room_made:
            if (("\n" + list_).find('\n' + wanted_room_ + '\n') != std::string::npos) {
                awaits_ = Awaits::nothing;
                ++creations_shown_;
            }
            [[fallthrough]];
        case Awaits::nothing:
        case Awaits::name:
        case Awaits::joined:
        case Awaits::refusal:
            REQUIRE(place_ == Place::lobby);
    }
}

void SimClient::on_message(std::string_view text) {
    REQUIRE(place_ == Place::room);
    Stay& stay = stays_.back();
    append_server_frame(stay.bytes, Request::receive_message, Status::success, text);
    if (stay.bytes.size() > stay.known_stored) {
        stay.known_stored = stored_bytes(setup_.data, stay.room);
    }
    REQUIRE(stay.bytes.size() <= stay.known_stored);
    const std::string_view message = text.substr(text.find('\n') + 1);
    if (!message.starts_with(stay.tag)) return;
    const std::string own = stay.tag + std::to_string(++stay.own) + '/';
    REQUIRE(message.starts_with(own));
}

// --------------------------------------------------------------------------------------- at rest

bool SimClient::at_rest(std::string_view newest_list) const {
    if (awaits_ != Awaits::nothing || actions_left_ > 0 || held_until_ns_ != 0) return false;
    if (place_ == Place::lobby) return list_ == newest_list;
    if (place_ != Place::room) return false;
    const Stay& stay = stays_.back();
    return stay.own == stay.sent && stay.bytes.size() == stored_bytes(setup_.data, stay.room);
}

std::string SimClient::describe() const {
    std::string text = name_ + " place " + std::to_string(static_cast<int>(place_)) + " awaits " +
                       std::to_string(static_cast<int>(awaits_)) + " of request " +
                       std::to_string(static_cast<std::uint32_t>(refused_)) + " actions left " +
                       std::to_string(actions_left_) + " unsent " + std::to_string(outbox_.size());
    if (place_ != Place::room) return text;
    const Stay& stay = stays_.back();
    return text + " in " + stay.room + " has " + std::to_string(stay.bytes.size()) + " own " +
           std::to_string(stay.own) + " of " + std::to_string(stay.sent);
}

}  // namespace ringside::uring
