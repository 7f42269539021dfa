#include "fake_network.hpp"

#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fake_io.hpp"

namespace ringside::uring {

namespace {

constexpr std::size_t trace_entries_kept = 400;
/// What a step of a program takes, at most.
constexpr std::uint64_t step_ns_max = 20'000;
/// A write arrives in so many pieces, at most.
constexpr std::uint64_t pieces_max = 3;

void fold(std::uint64_t& hash, const void* data, std::size_t bytes) noexcept {
    const char* const begin = static_cast<const char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) {
        hash = (hash ^ static_cast<unsigned char>(begin[i])) * 0x100000001B3U;  // FNV-1a
    }
}

const char* name_of(IoEvent::Kind kind) noexcept {
    switch (kind) {
        case IoEvent::Kind::accepted:
            return "accepted";
        case IoEvent::Kind::connected:
            return "connected";
        case IoEvent::Kind::received:
            return "received";
        case IoEvent::Kind::sent:
            return "sent";
        case IoEvent::Kind::writable:
            return "writable";
        case IoEvent::Kind::closed:
            return "closed";
    }
    return "?";
}

}  // namespace

FakeNetwork::FakeNetwork(const FakeNetworkOptions& options)
    : options_(options), random_(options.seed) {}

FakeNetwork::~FakeNetwork() {
    RINGSIDE_ASSERT(ios_.empty());
}

// ------------------------------------------------------------------------------------- the clock

FakeIo* FakeNetwork::pick() {
    notice_closed_tokens();
    std::vector<FakeIo*> runnable;
    for (FakeIo* const io : ios_) {
        if (io->runnable()) runnable.push_back(io);
    }
    if (runnable.empty()) return nullptr;
    now_ns_ += random_.below(step_ns_max);
    return runnable[random_.below(runnable.size())];
}

std::uint64_t FakeNetwork::next_ns() {
    notice_closed_tokens();
    std::uint64_t next = never_ns;
    for (FakeIo* const io : ios_)
        next = std::min(next, io->next_ns());
    return next;
}

bool FakeNetwork::advance() {
    const std::uint64_t next = next_ns();
    if (next == never_ns) return false;
    advance_to(next);
    return true;
}

void FakeNetwork::advance_to(std::uint64_t now_ns) {
    now_ns_ = std::max(now_ns_, now_ns);
}

std::uint64_t FakeNetwork::some_time() noexcept {
    if (!random_.chance(options_.delays)) return now_ns_;
    return now_ns_ + random_.between(1, options_.delay_ns_max);
}

void FakeNetwork::calm_down() noexcept {
    options_.resets = 0;
    options_.accept_errors = 0;
}

// ----------------------------------------------------------------------------------- connections

std::shared_ptr<FakeConnection> FakeNetwork::make_connection() {
    const auto capacity = [this] {
        return random_.between(options_.pipe_bytes_min, options_.pipe_bytes_max);
    };
    const std::size_t there = capacity();
    const std::size_t back = capacity();
    return std::make_shared<FakeConnection>(FakeConnection{{FakePipe(there), FakePipe(back)}});
}

std::shared_ptr<FakeConnection> FakeNetwork::connect(const sockaddr* address) {
    RINGSIDE_ASSERT(address->sa_family == AF_INET);
    sockaddr_in internet{};
    std::memcpy(&internet, address, sizeof internet);
    const std::uint16_t port = ntohs(internet.sin_port);
    notice_closed_tokens();
    for (auto& [descriptor, token] : tokens_) {
        if (token.listener == nullptr || token.listener->port != port) continue;
        auto& backlog = token.listener->backlog;
        const std::uint64_t before = backlog.empty() ? 0 : backlog.back().due_ns;
        std::shared_ptr<FakeConnection> connection = make_connection();
        backlog.push_back({{connection, 1}, std::max(before, some_time())});
        return connection;
    }
    return nullptr;
}

std::int32_t FakeNetwork::write(const FakeEndpoint& endpoint, std::string_view bytes) {
    FakePipe& in = endpoint.in();
    FakePipe& out = endpoint.out();
    if (out.ended()) return -EPIPE;
    if (in.reset_ns() <= now_ns_) return random_.chance(500) ? -EPIPE : -ECONNRESET;
    if (random_.chance(options_.resets)) {
        in.reset(some_time());
        out.reset(some_time());
    }
    std::size_t fits = std::min(bytes.size(), out.room());
    if (random_.chance(options_.short_sends)) fits = random_.below(fits + 1);
    if (out.reader_gone) {
        in.reset(some_time());
        return static_cast<std::int32_t>(fits);
    }
    std::string_view rest = bytes.substr(0, fits);
    for (std::uint64_t piece = random_.between(1, pieces_max); piece > 0; --piece) {
        const std::size_t part = piece == 1 ? rest.size() : random_.below(rest.size() + 1);
        out.write(rest.substr(0, part), some_time());
        rest.remove_prefix(part);
    }
    return static_cast<std::int32_t>(fits);
}

void FakeNetwork::hang_up(const FakeEndpoint& endpoint) noexcept {
    FakePipe& in = endpoint.in();
    FakePipe& out = endpoint.out();
    in.reader_gone = true;
    // As the kernel does: bytes that nobody will read are answered by a reset, which may overtake
    // what was sent before.
    if (in.holds_bytes()) out.reset(some_time());
    if (!out.ended()) out.end(some_time());
}

// ---------------------------------------------------------------------------------------- tokens

UniqueFd FakeNetwork::add_token(Token token) {
    int ends[2] = {-1, -1};
    RINGSIDE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) ==
                    0);
    notice_closed_tokens();  // the number may be that of a token closed since
    token.own_end.reset(ends[1]);
    RINGSIDE_ASSERT(tokens_.emplace(ends[0], std::move(token)).second);
    return UniqueFd(ends[0]);
}

void FakeNetwork::notice_closed_tokens() {
    for (auto it = tokens_.begin(); it != tokens_.end();) {
        pollfd asked{it->second.own_end.get(), 0, 0};
        if (::poll(&asked, 1, 0) == 0) {
            ++it;
            continue;
        }
        const Token closed = std::move(it->second);
        it = tokens_.erase(it);
        if (closed.listener == nullptr) hang_up(closed.endpoint);
        if (closed.listener == nullptr) continue;
        for (const Listener::Waiting& waiting : closed.listener->backlog) {
            hang_up(waiting.endpoint);
        }
    }
}

UniqueFd FakeNetwork::make_token(FakeEndpoint endpoint) {
    return add_token(Token{.own_end = {}, .endpoint = std::move(endpoint), .listener = nullptr});
}

UniqueFd FakeNetwork::make_listener(std::uint16_t port) {
    for (const auto& [descriptor, token] : tokens_) {
        RINGSIDE_ASSERT(token.listener == nullptr || token.listener->port != port);
    }
    return add_token(Token{
        .own_end = {}, .endpoint = {}, .listener = std::make_shared<Listener>(Listener{port, {}})});
}

SocketAddress FakeNetwork::address(std::uint16_t port) {
    return parse_address("127.0.0.1:" + std::to_string(port)).value();
}

std::pair<UniqueFd, UniqueFd> FakeNetwork::make_pair() {
    const std::shared_ptr<FakeConnection> connection = make_connection();
    UniqueFd one = make_token({connection, 0});
    return {std::move(one), make_token({connection, 1})};
}

std::shared_ptr<FakeNetwork::Listener> FakeNetwork::listener(int token) {
    const auto found = tokens_.find(token);
    RINGSIDE_ASSERT(found != tokens_.end() && found->second.listener != nullptr);
    return found->second.listener;
}

FakeEndpoint FakeNetwork::claim(int token) {
    const auto found = tokens_.find(token);
    RINGSIDE_ASSERT(found != tokens_.end() && found->second.listener == nullptr);
    FakeEndpoint endpoint = std::move(found->second.endpoint);
    tokens_.erase(found);
    return endpoint;
}

// ------------------------------------------------------------------------- the loops, the trace

std::uint32_t FakeNetwork::enlist(FakeIo& io) {
    ios_.push_back(&io);
    return ios_ever_++;
}

void FakeNetwork::dismiss(FakeIo& io) noexcept {
    std::erase(ios_, &io);
}

void FakeNetwork::record(std::uint32_t io, const IoEvent& event) {
    // A descriptor's number is the process' own: the same trace may have others.
    const std::int32_t result = event.kind == IoEvent::Kind::accepted ? 0 : event.result;
    const TraceEntry entry{now_ns_, io, event.kind, event.id, result};
    ++trace_events_;
    for (const std::uint64_t part :
         {entry.now_ns, std::uint64_t{entry.io}, static_cast<std::uint64_t>(entry.kind),
          std::uint64_t{entry.id.slot}, std::uint64_t{entry.id.generation},
          static_cast<std::uint64_t>(entry.result)}) {
        fold(trace_hash_, &part, sizeof part);
    }
    if (event.data != nullptr) {
        fold(trace_hash_, event.data, static_cast<std::size_t>(event.result));
    }
    trace_.push_back(entry);
    if (trace_.size() > trace_entries_kept) trace_.pop_front();
}

void FakeNetwork::print_trace(std::ostream& out) const {
    for (const TraceEntry& entry : trace_) {
        out << entry.now_ns << " io " << entry.io << " slot " << entry.id.slot << '/'
            << entry.id.generation << ' ' << name_of(entry.kind) << ' ' << entry.result << '\n';
    }
}

}  // namespace ringside::uring
