#include "io_fixture.hpp"

#include <poll.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>

#include "common/clock.hpp"

namespace ringside::uring {

namespace {

void wait_for(int fd, short events) {
    pollfd waiting{fd, events, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, IoKind kind) {
    return out << (kind == IoKind::uring ? "uring" : "epoll");
}

std::vector<IoKind> io_kinds() {
    const char* const chosen = std::getenv("IO_KIND");
    if (chosen == nullptr) return {IoKind::uring, IoKind::epoll};
    return {std::string(chosen) == "uring" ? IoKind::uring : IoKind::epoll};
}

std::unique_ptr<Io> make_io(IoKind kind, const IoOptions& options) {
    if (kind == IoKind::epoll) return make_epoll_io(options);
    static const Probe probe = probe_io_uring();
    return make_uring_io(probe, options);
}

Listener make_test_listener() {
    Listener listener;
    listener.fd = make_listener(parse_address("127.0.0.1:0").value()).value();
    const std::uint16_t port = local_port(listener.fd.get()).value();
    listener.address = parse_address("127.0.0.1:" + std::to_string(port)).value();
    return listener;
}

SocketPair make_socket_pair() {
    const Listener listener = make_test_listener();
    SocketPair pair;
    pair.far = connect_stream(listener.address).value();
    wait_for(listener.fd.get(), POLLIN);
    pair.near.reset(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(pair.near);
    return pair;
}

std::string read_all(int fd) {
    std::string all;
    char buffer[65536];
    for (;;) {
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got <= 0) return all;
        all.append(buffer, static_cast<std::size_t>(got));
    }
}

std::string read_exactly(int fd, std::size_t bytes) {
    std::string all(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
        wait_for(fd, POLLIN);
        const ssize_t got = ::read(fd, all.data() + have, bytes - have);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    all.resize(have);
    return all;
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        wait_for(fd, POLLOUT);
        const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        REQUIRE((put > 0 || errno == EAGAIN));
        if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

TestLoop::TestLoop(IoKind kind, const IoOptions& options) : io_(make_io(kind, options)) {}
TestLoop::TestLoop(std::unique_ptr<Io> io) : io_(std::move(io)) {}

void TestLoop::record(std::span<const IoEvent> events) {
    for (const IoEvent& event : events) {
        if (event.kind == IoEvent::Kind::accepted) {
            accepted.emplace_back(event.result);
        } else {
            Connection& connection = (*this)[event.id];
            // Nothing comes after `closed`: an event of a generation that is gone.
            REQUIRE(connection.closed == 0);
            switch (event.kind) {
                case IoEvent::Kind::accepted:
                    break;
                case IoEvent::Kind::connected:
                    connection.connected.push_back(event.result);
                    break;
                case IoEvent::Kind::received:
                    REQUIRE(connection.ends == 0);
                    REQUIRE(connection.receive_error == 0);
                    ++connection.received_events;
                    if (event.result > 0) {
                        connection.received.append(event.data,
                                                   static_cast<std::size_t>(event.result));
                    }
                    if (event.result == 0) ++connection.ends;
                    if (event.result < 0) connection.receive_error = event.result;
                    break;
                case IoEvent::Kind::sent:
                    connection.sent.push_back(event.result);
                    break;
                case IoEvent::Kind::writable:
                    ++connection.writable;
                    break;
                case IoEvent::Kind::closed:
                    ++connection.closed;
                    break;
            }
        }
        if (on_event) on_event(event);
    }
}

void TestLoop::turn() {
    record(io_->turn(0));
}

void TestLoop::wait() {
    record(io_->turn(wait_forever));
}

void TestLoop::run_until(const std::function<bool()>& done) {
    const std::uint64_t start_ns = monotonic_ns();
    while (!done()) {
        if (monotonic_ns() - start_ns > give_up_ns) FAIL("what was waited for did not happen");
        record(io_->turn(monotonic_ns() + 1'000'000'000));
    }
}

SlotId TestLoop::start(UniqueFd fd) {
    const SlotId id = io_->adopt(std::move(fd)).value();
    io_->receive(id);
    return id;
}

void TestLoop::finish(SlotId id) {
    io_->close(id);
    run_until([&] { return (*this)[id].closed == 1; });
}

}  // namespace ringside::uring
