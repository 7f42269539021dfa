// What only the Io over io_uring has: its rings, which are tiny here, and its fallbacks.

#include "uring_async/io/uring_io.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "io_fixture.hpp"

namespace ringside::uring {

namespace {

UringSizes sizes(std::uint32_t submissions, std::uint32_t completions, std::uint32_t buffers,
                 std::uint32_t buffer_bytes) {
    return UringSizes{{submissions, completions}, buffers, buffer_bytes};
}

TestLoop make_loop(const UringSizes& sizes, const Probe& probe = probe_io_uring()) {
    return TestLoop(std::make_unique<UringIo>(probe, IoOptions{}, sizes));
}

// Connections with both their ends.
struct Crowd {
    std::vector<UniqueFd> far;
    std::vector<SlotId> ids;

    Crowd(TestLoop& loop, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            SocketPair pair = make_socket_pair();
            far.push_back(std::move(pair.far));
            ids.push_back(loop.start(std::move(pair.near)));
        }
    }
};

}  // namespace

TEST_CASE("a turn of sends costs one system call", "[uring]") {
    TestLoop loop = make_loop(UringSizes{});
    const Crowd crowd(loop, 200);
    loop.turn();
    const std::uint64_t before = loop.io().counters().system_calls;
    for (const SlotId id : crowd.ids)
        loop.io().send(id, "hello");
    loop.turn();
    CHECK(loop.io().counters().system_calls == before + 1);
    CHECK(loop.io().counters().sends == 200);
    for (const SlotId id : crowd.ids)
        CHECK(loop[id].sent == std::vector<int>{5});
}

TEST_CASE("more requests than the submission queue holds go out in the same turn", "[uring]") {
    // 64 completions do not hold what 300 sends and their receives bring, either.
    TestLoop loop = make_loop(sizes(8, 64, 16, 64));
    const Crowd crowd(loop, 300);
    for (int round = 0; round < 3; ++round) {
        for (const SlotId id : crowd.ids)
            loop.io().send(id, "0123456789");
        loop.run_until([&] {
            for (const SlotId id : crowd.ids) {
                if (loop[id].sent.size() != static_cast<std::size_t>(round) + 1) return false;
            }
            return true;
        });
        for (std::size_t i = 0; i < crowd.ids.size(); ++i) {
            CHECK(loop[crowd.ids[i]].sent.back() == 10);
            CHECK(read_exactly(crowd.far[i].get(), 10) == "0123456789");
            write_all(crowd.far[i].get(), std::to_string(i));
        }
        loop.run_until([&] {
            for (std::size_t i = 0; i < crowd.ids.size(); ++i) {
                if (loop[crowd.ids[i]].received != std::to_string(i)) return false;
            }
            return true;
        });
        for (const SlotId id : crowd.ids)
            loop[id].received.clear();
    }
    for (const SlotId id : crowd.ids)
        loop.io().close(id);
    loop.run_until([&] {
        for (const SlotId id : crowd.ids) {
            if (loop[id].closed == 0) return false;
        }
        return true;
    });
}

TEST_CASE("with fewer receive buffers than ready connections everybody gets everything",
          "[uring]") {
    TestLoop loop = make_loop(sizes(64, 256, 4, 64));
    const Crowd crowd(loop, 50);
    loop.turn();
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < crowd.ids.size(); ++i) {
        texts.emplace_back(1000 + i, static_cast<char>('A' + i));
        write_all(crowd.far[i].get(), texts[i]);
    }
    loop.run_until([&] {
        for (std::size_t i = 0; i < crowd.ids.size(); ++i) {
            if (loop[crowd.ids[i]].received.size() < texts[i].size()) return false;
        }
        return true;
    });
    for (std::size_t i = 0; i < crowd.ids.size(); ++i) {
        CHECK(loop[crowd.ids[i]].received == texts[i]);
    }
    CHECK(loop.io().counters().buffer_shortages > 0);
}

TEST_CASE("bytes of a batch stay as they are until the next turn", "[uring]") {
    Probe probe = probe_io_uring();
    probe.defer_taskrun = probe.defer_taskrun && GENERATE(true, false);
    CAPTURE(probe.defer_taskrun);
    TestLoop loop = make_loop(sizes(2, 256, 4, 64), probe);
    const Crowd crowd(loop, 4);
    loop.turn();
    for (const UniqueFd& far : crowd.far)
        write_all(far.get(), std::string(64, 'a'));
    std::span<const IoEvent> batch;
    while (batch.empty())
        batch = loop.io().turn(wait_forever);
    // More data is there and the kernel is called for the sends that do not fit into the queue: it
    // would fill a buffer that went back too early.
    for (const UniqueFd& far : crowd.far)
        write_all(far.get(), std::string(64, 'b'));
    const std::uint64_t enters = loop.io().counters().enters;
    for (const SlotId id : crowd.ids)
        loop.io().send(id, "x");
    CHECK(loop.io().counters().enters > enters);
    for (const IoEvent& event : batch) {
        REQUIRE(event.kind == IoEvent::Kind::received);
        CHECK(std::string(event.data, static_cast<std::size_t>(event.result)) ==
              std::string(64, 'a'));
    }
}

TEST_CASE("without the newer features of the kernel everything still works", "[uring]") {
    Probe probe = probe_io_uring();
    probe.defer_taskrun = probe.defer_taskrun && GENERATE(true, false);
    probe.multishot_accept = false;
    probe.multishot_receive = probe.multishot_receive && GENERATE(true, false);
    CAPTURE(probe.defer_taskrun, probe.multishot_receive);
    TestLoop loop = make_loop(sizes(8, 32, 4, 64), probe);
    const Listener listener = make_test_listener();
    loop.io().listen(listener.fd.get());
    std::vector<UniqueFd> far;
    for (int i = 0; i < 20; ++i)
        far.push_back(connect_stream(listener.address).value());
    loop.run_until([&] { return loop.accepted.size() == 20; });
    std::vector<SlotId> ids;
    for (UniqueFd& fd : loop.accepted)
        ids.push_back(loop.start(std::move(fd)));
    const std::string text(5000, 'z');
    for (const UniqueFd& fd : far)
        write_all(fd.get(), text);
    loop.run_until([&] {
        for (const SlotId id : ids) {
            if (loop[id].received.size() < text.size()) return false;
        }
        return true;
    });
    for (const SlotId id : ids) {
        CHECK(loop[id].received == text);
        loop.io().hold(id);
        loop.io().send(id, "bye");
        loop.finish(id);
        CHECK(loop[id].sent == std::vector<int>{3});
    }
    loop.io().stop_listening();
}

}  // namespace ringside::uring
