#include "fake_io.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "common/assert.hpp"

namespace ringside::uring {

namespace {

/// A receive gives at most so many bytes, and so many events of a connection come in one turn.
constexpr std::size_t receive_bytes_max = 16384;
constexpr std::uint64_t receives_per_turn = 3;
constexpr std::uint64_t accepts_per_turn = 4;
/// After hold() so many bytes may still come.
constexpr std::size_t late_bytes_max = 4096;
constexpr unsigned even_chance = 500;

std::size_t hash_of(std::string_view bytes) noexcept {
    return std::hash<std::string_view>{}(bytes);
}

}  // namespace

FakeIo::FakeIo(FakeNetwork& network, const IoOptions& options)
    : network_(network),
      number_(network.enlist(*this)),
      sockets_(options.connections_max),
      now_ns_(network.now_ns()) {}

FakeIo::~FakeIo() {
    sockets_.for_each_taken([this](Socket& socket) { hang_up(socket); });
    network_.dismiss(*this);
}

// -------------------------------------------------------------------------------------- requests

FakeIo::Socket& FakeIo::open_socket(SlotId id) noexcept {
    Socket& socket = sockets_.at(id);
    RINGSIDE_ASSERT(!socket.closing);
    asleep_ = false;
    return socket;
}

void FakeIo::listen(int listener) noexcept {
    RINGSIDE_ASSERT(listener_ == nullptr);
    listener_ = network_.listener(listener);
    asleep_ = false;
}

void FakeIo::stop_listening() noexcept {
    RINGSIDE_ASSERT(listener_ != nullptr);
    listener_.reset();
    accept_pause_ = AcceptPause{};
}

Result<SlotId> FakeIo::add_socket(FakeEndpoint endpoint) noexcept {
    const std::optional<SlotId> id = sockets_.take();
    if (!id) {
        if (endpoint.connection != nullptr) network_.hang_up(endpoint);
        return std::unexpected(Error{EMFILE, "adopt: all slots are taken"});
    }
    Socket& socket = open_socket(*id);
    socket.endpoint = std::move(endpoint);
    socket.id = *id;
    return *id;
}

Result<SlotId> FakeIo::adopt(UniqueFd fd) noexcept {
    return add_socket(network_.claim(fd.get()));
}

Result<SlotId> FakeIo::connect(UniqueFd fd, const sockaddr* address, socklen_t) noexcept {
    RINGSIDE_ASSERT(fd);
    const std::shared_ptr<FakeConnection> connection = network_.connect(address);
    const Result<SlotId> id = add_socket({connection, 0});
    if (!id) return id;
    Socket& socket = sockets_.at(*id);
    socket.connected_ns = network_.some_time();
    socket.connected_result = connection == nullptr ? -ECONNREFUSED : 0;
    return id;
}

void FakeIo::receive(SlotId id) noexcept {
    Socket& socket = open_socket(id);
    RINGSIDE_ASSERT(socket.connected_ns == never_ns);
    socket.wants_receive = !socket.ended;
    socket.late_bytes = 0;
    socket.late_end = false;
}

void FakeIo::hold(SlotId id) noexcept {
    Socket& socket = open_socket(id);
    if (!std::exchange(socket.wants_receive, false)) return;
    if (!network_.random().chance(even_chance)) return;
    const FakePipe& in = socket.endpoint.in();
    socket.late_bytes = std::min(in.readable(network_.now_ns()), late_bytes_max);
    socket.late_end = in.at_end(network_.now_ns());
}

void FakeIo::send(SlotId id, std::string_view bytes) noexcept {
    Socket& socket = open_socket(id);
    RINGSIDE_ASSERT(socket.connected_ns == never_ns && !bytes.empty());
    RINGSIDE_ASSERT(!socket.sending && !socket.full);
    RINGSIDE_ASSERT(!socket.ends_sending);
    socket.sending = true;
    socket.taken = false;
    socket.bytes = bytes;
    socket.bytes_hash = hash_of(bytes);
    if (network_.random().chance(even_chance)) take(socket);
}

void FakeIo::shutdown_send(SlotId id) noexcept {
    Socket& socket = open_socket(id);
    RINGSIDE_ASSERT(socket.connected_ns == never_ns);
    socket.ends_sending = true;
    if (socket.sending && !socket.taken) return;
    socket.endpoint.out().end(network_.some_time());
}

void FakeIo::close(SlotId id) noexcept {
    Socket& socket = open_socket(id);
    socket.closing = true;
    socket.closed_ns = network_.some_time();
    if (!socket.sending || socket.taken) hang_up(socket);
}

std::uint32_t FakeIo::unsent_bytes(SlotId id) noexcept {
    return static_cast<std::uint32_t>(open_socket(id).endpoint.out().unread_bytes());
}

void FakeIo::wake() noexcept {
    if (asleep_) ++counters_.wakes;
    wake_ns_ = std::min(wake_ns_, network_.some_time());
}

void FakeIo::take(Socket& socket) noexcept {
    socket.taken = true;
    socket.sent_ns = network_.some_time();
    socket.sent_result = network_.write(socket.endpoint, socket.bytes);
    ++counters_.sends;
    if (socket.ends_sending && !socket.endpoint.out().ended()) {
        socket.endpoint.out().end(network_.some_time());
    }
    if (socket.closing) hang_up(socket);
}

void FakeIo::hang_up(Socket& socket) noexcept {
    if (socket.endpoint.connection == nullptr) return;
    network_.hang_up(socket.endpoint);
    socket.endpoint.connection.reset();
}

// ----------------------------------------------------------------------------------- what is due

std::uint64_t FakeIo::receive_due(const Socket& socket) noexcept {
    if (socket.ended || socket.closing) return never_ns;
    if (socket.wants_receive) return socket.endpoint.in().next_ns();
    return socket.late_bytes > 0 || socket.late_end ? 0 : never_ns;
}

std::uint64_t FakeIo::sent_due(const Socket& socket) noexcept {
    if (!socket.sending) return never_ns;
    return socket.taken ? socket.sent_ns : 0;
}

std::uint64_t FakeIo::writable_due(const Socket& socket) noexcept {
    if (!socket.full || socket.closing) return never_ns;
    const FakePipe& out = socket.endpoint.out();
    const std::uint64_t room_ns =
        out.room() > 0 ? std::max(socket.writable_ns, out.room_due_ns) : never_ns;
    return std::min(room_ns, socket.endpoint.in().reset_ns());
}

std::uint64_t FakeIo::closed_due(const Socket& socket) noexcept {
    return socket.closing && !socket.sending ? socket.closed_ns : never_ns;
}

std::uint64_t FakeIo::accept_due() const noexcept {
    if (listener_ == nullptr || listener_->backlog.empty()) return never_ns;
    const std::uint64_t pause_ns = accept_pause_.active() ? accept_pause_.until_ns() : 0;
    return std::max(listener_->backlog.front().due_ns, pause_ns);
}

std::uint64_t FakeIo::due_ns() noexcept {
    std::uint64_t due = accept_due();
    sockets_.for_each_taken([&due](const Socket& socket) {
        const std::uint64_t connected = socket.closing ? never_ns : socket.connected_ns;
        due = std::min({due, connected, receive_due(socket), sent_due(socket), writable_due(socket),
                        closed_due(socket)});
    });
    return due;
}

std::uint64_t FakeIo::next_ns() noexcept {
    const std::uint64_t sleep_ns = asleep_ ? until_ns_ : 0;
    return std::max(network_.now_ns(), std::min({sleep_ns, wake_ns_, due_ns()}));
}

bool FakeIo::runnable() noexcept {
    return next_ns() <= network_.now_ns();
}

// -------------------------------------------------------------------------------------- the turn

std::span<const IoEvent> FakeIo::turn(std::uint64_t until_ns) noexcept {
    sockets_.release_retired();
    forget_batch();
    const std::uint64_t now = network_.now_ns();
    const bool woken = until_ns != 0 && wake_ns_ <= now;
    if (woken) wake_ns_ = never_ns;
    sockets_.for_each_taken([this](Socket& socket) {
        if (socket.sending && !socket.taken) take(socket);
    });
    if (accept_pause_.over(now)) accept_pause_.end();
    report_due();
    now_ns_ = now;
    asleep_ = batch_.empty() && !woken && until_ns > now;
    until_ns_ = until_ns;
    ++counters_.enters;
    ++counters_.system_calls;
    return batch_;
}

// Overwritten before they go: who still looks at them sees it, with or without a sanitizer.
void FakeIo::forget_batch() noexcept {
    for (std::string& bytes : batch_bytes_)
        std::ranges::fill(bytes, '\xDD');
    batch_bytes_.clear();
    batch_.clear();
}

void FakeIo::report(IoEvent::Kind kind, SlotId id, std::int32_t result, const char* data) noexcept {
    batch_.push_back(IoEvent{kind, id, result, data});
    ++counters_.completions;
    network_.record(number_, batch_.back());
}

void FakeIo::report_due() noexcept {
    using Kind = IoEvent::Kind;
    const std::uint64_t now = network_.now_ns();
    std::vector<std::pair<Kind, Socket*>> due;
    if (accept_due() <= now) due.emplace_back(Kind::accepted, nullptr);
    sockets_.for_each_taken([&due, now](Socket& socket) {
        if (!socket.closing && socket.connected_ns <= now)
            due.emplace_back(Kind::connected, &socket);
        if (receive_due(socket) <= now) due.emplace_back(Kind::received, &socket);
        if (sent_due(socket) <= now) due.emplace_back(Kind::sent, &socket);
        if (writable_due(socket) <= now) due.emplace_back(Kind::writable, &socket);
        if (closed_due(socket) <= now) due.emplace_back(Kind::closed, &socket);
    });
    Random& random = network_.random();
    random.shuffle(due);
    for (std::size_t i = 0; i < due.size(); ++i) {
        // Not all of them: a turn that waited and found something reports something.
        const bool may_wait = i + 1 < due.size() || !batch_.empty();
        if (may_wait && random.chance(network_.options().held_back)) continue;
        report_one(due[i].first, due[i].second);
    }
}

void FakeIo::report_one(IoEvent::Kind kind, Socket* socket) noexcept {
    switch (kind) {
        case IoEvent::Kind::accepted:
            for (std::uint64_t n = network_.random().between(1, accepts_per_turn); n > 0; --n) {
                if (accept_due() <= network_.now_ns()) accept_one();
            }
            return;
        case IoEvent::Kind::connected:
            socket->connected_ns = never_ns;
            return report(kind, socket->id, socket->connected_result);
        case IoEvent::Kind::received:
            for (std::uint64_t n = network_.random().between(1, receives_per_turn); n > 0; --n) {
                if (receive_due(*socket) <= network_.now_ns()) receive_one(*socket);
            }
            return;
        case IoEvent::Kind::sent:
            return finish_send(*socket);
        case IoEvent::Kind::writable:
            socket->full = false;
            return report(kind, socket->id, 0);
        case IoEvent::Kind::closed:
            socket->closed_ns = never_ns;
            report(kind, socket->id, 0);
            return sockets_.retire(socket->id);
    }
}

void FakeIo::accept_one() noexcept {
    if (network_.random().chance(network_.options().accept_errors)) {
        ++counters_.accept_errors;
        counters_.accept_error = EMFILE;
        return accept_pause_.begin(network_.now_ns());
    }
    accept_pause_.succeeded();
    FakeEndpoint endpoint = std::move(listener_->backlog.front().endpoint);
    listener_->backlog.pop_front();
    report(IoEvent::Kind::accepted, SlotId{}, network_.make_token(std::move(endpoint)).release());
}

void FakeIo::receive_one(Socket& socket) noexcept {
    FakePipe& in = socket.endpoint.in();
    std::size_t bytes = std::min(in.readable(network_.now_ns()), receive_bytes_max);
    if (!socket.wants_receive) bytes = std::min(bytes, socket.late_bytes);
    if (bytes == 0) {
        const bool lost = in.at_reset(network_.now_ns());
        RINGSIDE_ASSERT(lost || in.at_end(network_.now_ns()));
        socket.ended = true;
        return report(IoEvent::Kind::received, socket.id, lost ? -ECONNRESET : 0);
    }
    if (bytes > 1 && network_.random().chance(network_.options().short_receives)) {
        bytes = network_.random().between(1, bytes);
    }
    if (in.room() == 0) in.room_due_ns = network_.some_time();
    socket.late_bytes -= std::min(bytes, socket.late_bytes);
    ++counters_.receives;
    batch_bytes_.push_back(in.read(bytes));
    report(IoEvent::Kind::received, socket.id, static_cast<std::int32_t>(bytes),
           batch_bytes_.back().data());
}

void FakeIo::finish_send(Socket& socket) noexcept {
    RINGSIDE_ASSERT(socket.taken && hash_of(socket.bytes) == socket.bytes_hash);
    socket.sending = false;
    if (socket.sent_result >= 0 &&
        static_cast<std::size_t>(socket.sent_result) < socket.bytes.size()) {
        ++counters_.short_sends;
        socket.full = !socket.closing;
        socket.writable_ns = network_.some_time();
    }
    report(IoEvent::Kind::sent, socket.id, socket.sent_result);
}

}  // namespace ringside::uring
