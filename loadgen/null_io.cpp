#include "loadgen/null_io.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "common/clock.hpp"

namespace ringside::loadgen {

using uring::IoEvent;

namespace {
// The protocol's form; nobody reads it.
constexpr std::string_view message_time = "00:00:00 01/01/70";
}  // namespace

NullIo::NullIo(const uring::IoOptions& options)
    : clients_(options.connections_max), now_ns_(monotonic_ns()) {}

void NullIo::report(std::vector<IoEvent>& to, IoEvent::Kind kind, SlotId id, std::size_t bytes,
                    const char* data) noexcept {
    to.push_back(IoEvent{kind, id, static_cast<std::int32_t>(bytes), data});
}

// ---- what a client calls ----

Result<SlotId> NullIo::connect(UniqueFd, const sockaddr*, socklen_t) noexcept {
    const std::optional<SlotId> id = clients_.take();
    if (!id) return std::unexpected(Error{EMFILE, "connect: all slots are taken"});
    report(pending_, IoEvent::Kind::connected, *id);
    return *id;
}

void NullIo::receive(SlotId id) noexcept {
    RINGSIDE_ASSERT(!clients_.at(id).closed);  // whatever comes is taken
}

void NullIo::send(SlotId id, std::string_view bytes) noexcept {
    RINGSIDE_ASSERT(!clients_.at(id).closed && !bytes.empty());
    ++counters_.sends;
    report(pending_, IoEvent::Kind::sent, id, bytes.size());
    while (!bytes.empty()) {
        RINGSIDE_ASSERT(bytes.size() >= client_header_bytes);
        const ClientHeader header = load_client_header(bytes.data());
        RINGSIDE_ASSERT(bytes.size() - client_header_bytes >= header.length);
        on_request(id, static_cast<Request>(header.request),
                   bytes.substr(client_header_bytes, header.length));
        bytes.remove_prefix(client_header_bytes + header.length);
    }
}

void NullIo::close(SlotId id) noexcept {
    leave(id);
    clients_.at(id).closed = true;
    report(pending_, IoEvent::Kind::closed, id);
}

std::uint32_t NullIo::unsent_bytes(SlotId) noexcept {
    return 0;
}

void NullIo::wake() noexcept {
    woken_.store(true, std::memory_order_release);  // partner: the exchange in turn()
}

// ---- what a client does not ----

void NullIo::listen(int) noexcept {
    RINGSIDE_ASSERT(!"nobody listens here");
}

void NullIo::stop_listening() noexcept {
    RINGSIDE_ASSERT(!"nobody listens here");
}

Result<SlotId> NullIo::adopt(UniqueFd) noexcept {
    RINGSIDE_ASSERT(!"nobody accepts here");
}

void NullIo::hold(SlotId) noexcept {
    RINGSIDE_ASSERT(!"a load generator takes what comes");
}

void NullIo::shutdown_send(SlotId) noexcept {
    RINGSIDE_ASSERT(!"the chat protocol has a request for that");
}

// ---- the server ----

void NullIo::on_request(SlotId id, Request request, std::string_view text) noexcept {
    Client& client = clients_.at(id);
    switch (request) {
        case Request::set_name:
            client.name = text;
            answer(id, request, {});
            return answer_list(id);
        case Request::create_chat:
            rooms_.push_back(std::make_unique<Room>());
            rooms_.back()->name = text;
            return answer_list(id);
        case Request::connect_chat:
            return join(id, text);
        case Request::send_message: {
            RINGSIDE_ASSERT(client.room != nullptr);
            std::string& coming = client.room->coming;
            const std::size_t begin = coming.size();
            coming.resize(begin + message_frame_bytes(client.name, message_time, text));
            store_message_frame(coming.data() + begin, client.name, message_time, text);
            return;
        }
        case Request::leave_chat:
            leave(id);
            return answer_list(id);
        case Request::disconnect:
            leave(id);
            client.ends = true;
            return answered_.push_back(id);
        case Request::receive_message:
        case Request::wrong_request:
        case Request::get_chats:
        case Request::hello:
        case Request::checkpoint:
            break;
    }
    RINGSIDE_ASSERT(!"a request that the load generator sends");
}

void NullIo::answer(SlotId id, Request request, std::string_view text) noexcept {
    append_server_frame(clients_.at(id).coming, request, Status::success, text);
    answered_.push_back(id);
}

void NullIo::answer_list(SlotId id) noexcept {
    std::string list;
    for (const auto& room : rooms_)
        list += room->name + '\n';
    answer(id, Request::get_chats, list);
}

void NullIo::join(SlotId id, std::string_view name) noexcept {
    const auto room = std::ranges::find(rooms_, name, [](const auto& r) { return r->name; });
    RINGSIDE_ASSERT(room != rooms_.end());
    Client& client = clients_.at(id);
    client.room = room->get();
    client.place = client.room->members.size();
    client.room->members.push_back(id);
    answer(id, Request::connect_chat, name);
}

// The last member takes the place that becomes free: a look for it in the room would make the end
// of a run cost the square of its members.
void NullIo::leave(SlotId id) noexcept {
    Client& client = clients_.at(id);
    if (client.room == nullptr) return;
    std::vector<SlotId>& members = client.room->members;
    RINGSIDE_ASSERT(members[client.place] == id);
    members[client.place] = members.back();
    clients_.at(members.back()).place = client.place;
    members.pop_back();
    client.room = nullptr;
}

// ---- a turn ----

void NullIo::deliver_answers() noexcept {
    for (const SlotId id : answered_) {
        Client& client = clients_.at(id);
        if (client.closed) continue;
        if (!client.coming.empty()) {
            client.delivering.swap(client.coming);
            client.coming.clear();
            report(batch_, IoEvent::Kind::received, id, client.delivering.size(),
                   client.delivering.data());
        }
        if (std::exchange(client.ends, false)) report(batch_, IoEvent::Kind::received, id);
    }
    answered_.clear();
}

void NullIo::deliver_messages() noexcept {
    for (const auto& room : rooms_) {
        room->delivering.swap(room->coming);
        room->coming.clear();
        if (room->delivering.empty()) continue;
        for (const SlotId member : room->members) {
            report(batch_, IoEvent::Kind::received, member, room->delivering.size(),
                   room->delivering.data());
        }
    }
}

std::span<const IoEvent> NullIo::turn(std::uint64_t until_ns) noexcept {
    clients_.release_retired();
    batch_.swap(pending_);
    pending_.clear();
    deliver_answers();
    deliver_messages();
    for (const IoEvent& event : batch_) {
        if (event.kind == IoEvent::Kind::closed) clients_.retire(event.id);
    }
    ++counters_.enters;
    now_ns_ = monotonic_ns();
    // Partner: the release in wake().
    while (batch_.empty() && now_ns_ < until_ns &&
           !woken_.exchange(false, std::memory_order_acquire)) {
        now_ns_ = monotonic_ns();
    }
    return batch_;
}

}  // namespace ringside::loadgen
