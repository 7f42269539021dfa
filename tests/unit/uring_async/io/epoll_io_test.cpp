// What only the Io over epoll has: one receive buffer for all, and level-triggered readiness.

#include "uring_async/io/epoll_io.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "common/clock.hpp"
#include "io_fixture.hpp"

namespace ringside::uring {

TEST_CASE("connections that always have data do not keep others from being read", "[epoll]") {
    // All of them together have several times the receive buffer of a turn.
    constexpr std::size_t count = 80;
    TestLoop loop(IoKind::epoll);
    std::vector<UniqueFd> far;
    std::vector<SlotId> ids;
    for (std::size_t i = 0; i < count; ++i) {
        SocketPair pair = make_socket_pair();
        write_all(pair.far.get(), std::string(200'000, 'x'));
        far.push_back(std::move(pair.far));
        ids.push_back(loop.start(std::move(pair.near)));
    }
    for (int i = 0; i < 4; ++i)
        loop.turn();
    for (const SlotId id : ids)
        CHECK(loop[id].received_events > 0);
}

TEST_CASE("a held connection that its peer resets does not spin the loop", "[epoll]") {
    TestLoop loop(IoKind::epoll);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    loop.turn();
    loop.io().hold(id);
    const linger at_once{1, 0};  // close() sends a reset
    REQUIRE(::setsockopt(pair.far.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    pair.far.reset();
    const std::uint64_t end_ns = monotonic_ns() + 5'000'000;
    int turns = 0;
    for (; loop.io().now_ns() < end_ns; ++turns)
        CHECK(loop.io().turn(end_ns).empty());
    CHECK(turns <= 3);
    loop.io().receive(id);
    loop.run_until([&] { return loop[id].receive_error != 0; });
    loop.finish(id);
}

TEST_CASE("a hold that ends before anything arrived costs no system call", "[epoll]") {
    TestLoop loop(IoKind::epoll);
    SocketPair pair = make_socket_pair();
    const SlotId id = loop.start(std::move(pair.near));
    const std::uint64_t before = loop.io().counters().system_calls;
    loop.io().hold(id);
    loop.io().receive(id);
    CHECK(loop.io().counters().system_calls == before);
    write_all(pair.far.get(), "here");
    loop.run_until([&] { return loop[id].received == "here"; });
    loop.finish(id);
}

}  // namespace ringside::uring
