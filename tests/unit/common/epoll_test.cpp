#include "common/epoll.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>

#include "common/clock.hpp"
#include "common/event_fd.hpp"

namespace ringside {

namespace {

struct Pair {
    UniqueFd near;
    UniqueFd far;
};

Pair make_pair_of_sockets() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace

TEST_CASE("an epoll set reports readiness with the caller's token until it is taken") {
    Epoll epoll = Epoll::make().value();
    const Pair pair = make_pair_of_sockets();
    std::array<epoll_event, 4> buffer{};
    constexpr std::uint64_t token = 0xfedc'ba98'7654'3210;
    REQUIRE(epoll.add(pair.near.get(), EPOLLIN, token));
    CHECK(epoll.wait(buffer, 0).empty());

    REQUIRE(::write(pair.far.get(), "x", 1) == 1);
    for (int i = 0; i < 2; ++i) {
        const std::span<epoll_event> ready = epoll.wait(buffer, Epoll::wait_forever);
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].data.u64 == token);
        CHECK(ready[0].events == EPOLLIN);
    }
    REQUIRE(epoll.modify(pair.near.get(), EPOLLOUT, 7));
    const std::span<epoll_event> ready = epoll.wait(buffer, Epoll::wait_forever);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].events == EPOLLOUT);
    CHECK(ready[0].data.u64 == 7);
    epoll.remove(pair.near.get());
    CHECK(epoll.wait(buffer, 0).empty());
}

TEST_CASE("a descriptor that cannot be watched is an error") {
    Epoll epoll = Epoll::make().value();
    const Pair pair = make_pair_of_sockets();
    REQUIRE(epoll.add(pair.near.get(), EPOLLIN, 1));
    const Result<void> again = epoll.add(pair.near.get(), EPOLLIN, 1);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == EEXIST);
    CHECK(epoll.add(-1, EPOLLIN, 1).error().code == EBADF);
}

TEST_CASE("a wait lasts at least as long as asked, to the nanosecond") {
    Epoll epoll = Epoll::make().value();
    std::array<epoll_event, 1> buffer{};
    const std::uint64_t start = monotonic_ns();
    CHECK(epoll.wait(buffer, 1'500'000).empty());
    CHECK(monotonic_ns() - start >= 1'500'000);
}

TEST_CASE("an event counter is readable from the first signal until it is taken") {
    const EventFd event = EventFd::make().value();
    CHECK(event.take() == 0);
    Epoll epoll = Epoll::make().value();
    std::array<epoll_event, 1> buffer{};
    REQUIRE(epoll.add(event.get(), EPOLLIN, 1));
    CHECK(epoll.wait(buffer, 0).empty());
    event.signal();
    event.signal();
    CHECK(epoll.wait(buffer, Epoll::wait_forever).size() == 1);
    CHECK(event.take() == 2);
    CHECK(epoll.wait(buffer, 0).empty());
}

}  // namespace ringside
