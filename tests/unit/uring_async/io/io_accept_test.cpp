// Accepting: new connections, stopping and starting, running out of descriptors.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/clock.hpp"
#include "common/limits.hpp"
#include "io_fixture.hpp"

namespace ringside::uring {

namespace {

// No descriptor can be made while one of these lives. No checks meanwhile: UBSan needs a pipe to
// look at them.
class NoMoreDescriptors {
 public:
    NoMoreDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const UniqueFd next(::dup(0));
        REQUIRE(next);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(next.get());
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("every connection is accepted, non-blocking and usable") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    constexpr std::size_t count = 200;
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    loop.io().listen(listener.fd.get());
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(connect_stream(listener.address).value());
        if (i % 10 == 0) loop.turn();
    }
    loop.run_until([&] { return loop.accepted.size() == count; });
    for (const UniqueFd& fd : loop.accepted) {
        CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    // Connections of one listener are accepted in the order in which they were made.
    write_all(clients.front().get(), "first");
    const SlotId id = loop.start(std::move(loop.accepted.front()));
    loop.run_until([&] { return loop[id].received == "first"; });
    loop.io().stop_listening();
}

TEST_CASE("accepting stops and starts again") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    for (int round = 0; round < 3; ++round) {
        loop.io().listen(listener.fd.get());
        loop.turn();
        loop.io().stop_listening();
        loop.turn();
        const UniqueFd client = connect_stream(listener.address).value();
        for (int i = 0; i < 5; ++i)
            loop.turn();
        CHECK(loop.accepted.empty());
        loop.io().listen(listener.fd.get());
        loop.run_until([&] { return loop.accepted.size() == 1; });
        loop.io().stop_listening();
        loop.accepted.clear();
    }
}

TEST_CASE("out of descriptors, accepting pauses and goes on when there are some again") {
    // Level-triggered epoll would spin on the listener; a multishot accept would stop for good.
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    const UniqueFd client = connect_stream(listener.address).value();
    const std::uint64_t start_ns = monotonic_ns();
    {
        const NoMoreDescriptors limit;
        loop.io().listen(listener.fd.get());
        // The Io wakes itself when a pause is over: nothing else would end these turns.
        while (loop.io().counters().accept_errors < 3)
            loop.wait();
    }
    CHECK(loop.accepted.empty());
    CHECK(loop.io().counters().enters < 20);
    CHECK(monotonic_ns() - start_ns >= 3 * accept_pause_ns_min);  // one pause, then a doubled one
    while (loop.accepted.empty())
        loop.wait();
    CHECK(loop.io().counters().accept_errors <= 4);

    const UniqueFd another = connect_stream(listener.address).value();
    loop.run_until([&] { return loop.accepted.size() == 2; });
    loop.io().stop_listening();
}

TEST_CASE("accepting can be stopped while it pauses") {
    const IoKind kind = GENERATE(from_range(io_kinds()));
    CAPTURE(kind);
    TestLoop loop(kind);
    const Listener listener = make_test_listener();
    const UniqueFd client = connect_stream(listener.address).value();
    {
        const NoMoreDescriptors limit;
        loop.io().listen(listener.fd.get());
        loop.run_until([&] { return loop.io().counters().accept_errors == 1; });
        loop.io().stop_listening();
    }
    for (int i = 0; i < 5; ++i)
        loop.turn();
    CHECK(loop.accepted.empty());
    loop.io().listen(listener.fd.get());
    loop.run_until([&] { return loop.accepted.size() == 1; });
    loop.io().stop_listening();
}

}  // namespace ringside::uring
