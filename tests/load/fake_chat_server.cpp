#include "load/fake_chat_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "common/socket_ops.hpp"
#include "common/wire.hpp"

namespace ringside::test {

namespace {

std::string server_frame(Request request, Status status, std::string_view text) {
    std::string out;
    append_server_frame(out, request, status, text);
    return out;
}

std::string message_frame(std::string_view user, std::string_view time, std::string_view text) {
    std::string out(message_frame_bytes(user, time, text), '\0');
    store_message_frame(out.data(), user, time, text);
    return out;
}

constexpr std::string_view time_text = "12:00:00 11/21/26";

}  // namespace

FakeChatServer::FakeChatServer(Fault fault) : fault_(fault) {
    auto listener = make_listener(*parse_address("127.0.0.1:0"));
    if (!listener) throw std::runtime_error(listener.error().text());
    listener_ = std::move(*listener);
    address_ = "127.0.0.1:" + std::to_string(*local_port(listener_.get()));
    stop_.reset(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
}

FakeChatServer::~FakeChatServer() {
    const std::uint64_t one = 1;
    if (::write(stop_.get(), &one, sizeof one) != sizeof one) std::abort();
    thread_.join();
}

void FakeChatServer::serve() {
    while (true) {
        std::vector<pollfd> polled{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        for (const auto& [fd, client] : clients_)
            polled.push_back({fd, POLLIN, 0});
        if (::poll(polled.data(), polled.size(), -1) < 0) continue;
        if (polled[0].revents != 0) return;
        if (polled[1].revents != 0) accept_client();
        for (std::size_t i = 2; i < polled.size(); ++i) {
            if (polled[i].revents == 0) continue;
            if (!read_client(*clients_.at(polled[i].fd))) hang_up_.push_back(polled[i].fd);
        }
        for (const int fd : hang_up_) {
            const auto client = clients_.find(fd);
            if (client == clients_.end()) continue;
            leave(*client->second);
            clients_.erase(client);
        }
        hang_up_.clear();
    }
}

void FakeChatServer::accept_client() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    auto client = std::make_unique<Client>();
    const int number = fd.get();
    client->fd = std::move(fd);
    clients_.emplace(number, std::move(client));
}

bool FakeChatServer::read_client(Client& client) {
    char bytes[65536];
    const ssize_t got = ::recv(client.fd.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    client.decoder.feed({bytes, static_cast<std::size_t>(got)});
    ClientFrame frame;
    while (client.decoder.peek(frame) == FrameDecoder::Next::frame) {
        handle(client, frame);
        client.decoder.consume();
    }
    client.decoder.keep_rest();
    return true;
}

void FakeChatServer::handle(Client& client, const ClientFrame& frame) {
    const int fd = client.fd.get();
    switch (static_cast<Request>(frame.request)) {
        case Request::set_name:
            client.name = frame.text;
            send(fd, server_frame(Request::set_name, Status::success, ""));
            return send(fd, list());
        case Request::create_chat:
            if (fault_ == Fault::refuse_room) {
                return send(fd, server_frame(Request::create_chat, Status::failure, "no"));
            }
            return create_room(std::string(frame.text));
        case Request::connect_chat:
            return join(client, frame.text);
        case Request::send_message:
            return publish(client, frame.text);
        case Request::leave_chat: {
            if (fault_ == Fault::no_leave) return;
            const Room* const room = client.room;
            leave(client);
            send(fd, list());
            if (fault_ == Fault::late_message) send(fd, room->frames.back());
            if (fault_ == Fault::unasked_answer) {
                send(fd, server_frame(Request::create_chat, Status::failure, "no"));
            }
            return;
        }
        default:
            if (fault_ == Fault::torn_end) send(fd, list().substr(0, 20));
            if (fault_ != Fault::no_end) hang_up_.push_back(fd);
    }
}

std::string FakeChatServer::list() const {
    std::string text;
    for (const auto& room : rooms_)
        text += room->name + "\n";
    if (fault_ == Fault::forgetful_list && !rooms_.empty() &&
        rooms_.front()->frames.size() > fault_at) {
        text.erase(0, text.find('\n') + 1);
    }
    return server_frame(Request::get_chats, Status::success, text);
}

void FakeChatServer::create_room(const std::string& name) {
    rooms_.push_back(std::make_unique<Room>());
    rooms_.back()->name = name;
    for (const auto& [fd, client] : clients_) {
        if (client->room == nullptr && !client->name.empty()) send(fd, list());
    }
}

void FakeChatServer::join(Client& client, std::string_view name) {
    const auto room =
        std::ranges::find_if(rooms_, [name](const auto& r) { return r->name == name; });
    const int fd = client.fd.get();
    if (room == rooms_.end()) {
        return send(fd, server_frame(Request::connect_chat, Status::failure, "no such room"));
    }
    client.room = room->get();
    client.room->members.push_back(fd);
    client.room->held.emplace_back();
    std::string replay = server_frame(Request::connect_chat, Status::success, name);
    for (const std::string& frame : client.room->frames)
        replay += frame;
    send(fd, replay);
}

void FakeChatServer::leave(Client& client) {
    if (client.room == nullptr) return;
    auto& members = client.room->members;
    const auto place = std::ranges::find(members, client.fd.get()) - members.begin();
    members.erase(members.begin() + place);
    client.room->held.erase(client.room->held.begin() + place);
    client.room = nullptr;
}

void FakeChatServer::publish(Client& sender, std::string_view text) {
    Room& room = *sender.room;
    const bool now = &room == rooms_.front().get() && room.frames.size() == fault_at;
    if (now && fault_ == Fault::refuse) {
        fault_ = Fault::none;
        return send(sender.fd.get(), server_frame(Request::send_message, Status::failure, "no"));
    }
    if (now && fault_ == Fault::deaf) return;
    if (now && fault_ == Fault::drop_for_all) {
        fault_ = Fault::none;
        return;
    }
    room.frames.push_back(message_frame(sender.name, time_text, text));
    const std::size_t number = room.frames.size() - 1;
    for (std::size_t member = 0; member < room.members.size(); ++member) {
        deliver(room, member, number);
    }
}

void FakeChatServer::deliver(Room& room, std::size_t member, std::size_t number) {
    const bool for_all = fault_ == Fault::repeat_for_all || fault_ == Fault::swap_for_all;
    const bool now =
        &room == rooms_.front().get() && number == fault_at && (member == 1 || for_all);
    if (now) {
        deliver_wrongly(room, member, number);
    } else {
        send(room.members[member], room.frames[number] + std::exchange(room.held[member], {}));
    }
}

void FakeChatServer::deliver_wrongly(Room& room, std::size_t member, std::size_t number) {
    const int fd = room.members[member];
    std::string frame = room.frames[number];
    switch (fault_) {
        case Fault::drop:
            return;
        case Fault::repeat:
        case Fault::repeat_for_all:
            return send(fd, frame + frame);
        case Fault::swap:
        case Fault::swap_for_all:
            room.held[member] = frame;
            return;
        case Fault::corrupt:
            frame[frame.size() - 20] ^= 1;
            break;
        case Fault::corrupt_name:
            frame[server_header_bytes + 12] ^= 1;
            break;
        case Fault::corrupt_time:
            frame[frame.find('\t', server_header_bytes) + 1] ^= 1;
            break;
        case Fault::misdirect:
            send(rooms_.at(1)->members.front(), frame);
            break;
        case Fault::unasked_list:
            frame += list();
            break;
        case Fault::unknown_frame:
            frame += server_frame(static_cast<Request>(77), Status::success, "");
            break;
        case Fault::hang_up:
            hang_up_.push_back(fd);
            break;
        case Fault::none:
        case Fault::drop_for_all:
        case Fault::deaf:
        case Fault::refuse_room:
        case Fault::refuse:
        case Fault::no_leave:
        case Fault::late_message:
        case Fault::forgetful_list:
        case Fault::unasked_answer:
        case Fault::torn_end:
        case Fault::no_end:
            break;
    }
    send(fd, frame);
}

void FakeChatServer::send(int fd, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t took = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (took < 0 && errno == EINTR) continue;
        if (took < 0) return hang_up_.push_back(fd);
        sent += static_cast<std::size_t>(took);
    }
}

}  // namespace ringside::test
