#include "pipeline/handoff.hpp"

#include <poll.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>
#include <vector>

namespace ringside::pipeline {

namespace {

constexpr std::uint32_t token = 1;

Handoff numbered(std::uint32_t sender, std::uint64_t number) {
    return {.kind = Handoff::Kind::session, .room = sender, .session = {7, 1}, .count = number};
}

// Everything that is in the pipe now.
std::vector<std::uint64_t> drain(HandoffInbox& inbox) {
    std::vector<std::uint64_t> counts;
    while (true) {
        const std::span<const Handoff> batch = inbox.receive();
        if (batch.empty()) return counts;
        for (const Handoff& message : batch)
            counts.push_back(message.count);
    }
}

bool readable(const HandoffInbox& inbox) {
    pollfd waiting{inbox.read_fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
}

bool writable(const HandoffInbox& inbox) {
    pollfd waiting{inbox.write_fd(), POLLOUT, 0};
    return ::poll(&waiting, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a hand-off arrives as it was sent, and only once it was flushed") {
    HandoffInbox inbox;
    HandoffOutlet outlet(inbox, token);
    CHECK(inbox.receive().empty());
    outlet.send(
        {.kind = Handoff::Kind::room_empty, .room = 3, .session = {4, 5}, .count = 1ULL << 40U});
    CHECK(outlet.pending());
    CHECK_FALSE(readable(inbox));

    std::uint64_t writes = 0;
    REQUIRE(outlet.flush(writes));
    CHECK(writes == 1);
    CHECK_FALSE(outlet.pending());
    const std::span<const Handoff> batch = inbox.receive();
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].kind == Handoff::Kind::room_empty);
    CHECK(batch[0].room == 3);
    CHECK(batch[0].session == SlotId{4, 5});
    CHECK(batch[0].count == 1ULL << 40U);
    CHECK(inbox.receive().empty());
}

TEST_CASE("what a full pipe does not take waits with the sender and arrives later, in order") {
    HandoffInbox inbox;
    HandoffOutlet outlet(inbox, token);
    constexpr std::uint64_t messages = 10'000;  // about four pipes full
    for (std::uint64_t i = 0; i < messages; ++i)
        outlet.send(numbered(0, i));

    std::uint64_t writes = 0;
    REQUIRE_FALSE(outlet.flush(writes));
    CHECK(outlet.pending());
    CHECK_FALSE(writable(inbox));
    // More is sent while the pipe is full.
    outlet.send(numbered(0, messages));
    REQUIRE_FALSE(outlet.flush(writes));

    std::vector<std::uint64_t> seen;
    while (outlet.pending()) {
        for (const std::uint64_t count : drain(inbox))
            seen.push_back(count);
        CHECK(writable(inbox));
        static_cast<void>(outlet.flush(writes));
    }
    for (const std::uint64_t count : drain(inbox))
        seen.push_back(count);
    REQUIRE(seen.size() == messages + 1);
    for (std::uint64_t i = 0; i <= messages; ++i)
        REQUIRE(seen[i] == i);
}

TEST_CASE("many hand-offs of one turn take one write for as many as fit into it") {
    HandoffInbox inbox;
    HandoffOutlet outlet(inbox, token);
    for (std::uint64_t i = 0; i < handoff_batch_max + 1; ++i)
        outlet.send(numbered(0, i));
    std::uint64_t writes = 0;
    REQUIRE(outlet.flush(writes));
    CHECK(writes == 2);
    CHECK(inbox.receive().size() == handoff_batch_max);
    CHECK(inbox.receive().size() == 1);
}

TEST_CASE("waking an inbox whose pipe is full neither blocks nor adds to it") {
    HandoffInbox inbox;
    inbox.wake();
    CHECK(readable(inbox));
    REQUIRE(inbox.receive().size() == 1);

    HandoffOutlet outlet(inbox, token);
    for (std::uint64_t i = 0; i < 10'000; ++i)
        outlet.send(numbered(0, i));
    std::uint64_t writes = 0;
    REQUIRE_FALSE(outlet.flush(writes));
    inbox.wake();
    CHECK(readable(inbox));
}

// Two stages that hand over to each other without pause: with blocking pipes both would end up
// waiting in write() for the other to read.
TEST_CASE("two threads that flood each other's inbox both get everything, in order") {
    constexpr std::uint64_t messages = 50'000;
    std::array<HandoffInbox, 2> inboxes;
    std::array<std::vector<std::uint64_t>, 2> seen;
    const auto side = [&](std::size_t own) {
        HandoffOutlet outlet(inboxes[1 - own], token);
        for (std::uint64_t i = 0; i < messages; ++i)
            outlet.send(numbered(0, i));
        std::uint64_t writes = 0;
        bool written = outlet.flush(writes);
        while (!written || seen[own].size() < messages) {
            std::array<pollfd, 2> waiting{
                {{inboxes[own].read_fd(), POLLIN, 0},
                 {written ? -1 : inboxes[1 - own].write_fd(), POLLOUT, 0}}};
            ::poll(waiting.data(), waiting.size(), -1);
            for (const Handoff& message : inboxes[own].receive())
                seen[own].push_back(message.count);
            if (!written) written = outlet.flush(writes);
        }
    };
    std::thread other(side, 1);
    side(0);
    other.join();
    for (const std::vector<std::uint64_t>& counts : seen) {
        REQUIRE(counts.size() == messages);
        for (std::uint64_t i = 0; i < messages; ++i)
            REQUIRE(counts[i] == i);
    }
}

TEST_CASE("several senders into one inbox never tear each other's messages and keep their order") {
    constexpr std::uint64_t messages = 20'000;
    constexpr std::uint32_t senders = 3;
    HandoffInbox inbox;
    std::vector<std::thread> threads;
    for (std::uint32_t sender = 0; sender < senders; ++sender) {
        threads.emplace_back([&inbox, sender] {
            HandoffOutlet outlet(inbox, token);
            for (std::uint64_t i = 0; i < messages; ++i) {
                outlet.send(numbered(sender, i));
                std::uint64_t writes = 0;
                while (i % 97 == 0 && !outlet.flush(writes)) {
                    pollfd waiting{outlet.fd(), POLLOUT, 0};
                    ::poll(&waiting, 1, -1);
                }
            }
            std::uint64_t writes = 0;
            while (!outlet.flush(writes)) {
                pollfd waiting{outlet.fd(), POLLOUT, 0};
                ::poll(&waiting, 1, -1);
            }
        });
    }
    std::array<std::uint64_t, senders> next{};
    for (std::uint64_t seen = 0; seen < senders * messages;) {
        pollfd waiting{inbox.read_fd(), POLLIN, 0};
        ::poll(&waiting, 1, -1);
        for (const Handoff& message : inbox.receive()) {
            REQUIRE(message.room < senders);
            REQUIRE(message.session == SlotId{7, 1});
            REQUIRE(message.count == next[message.room]++);
            ++seen;
        }
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(inbox.receive().empty());
}

}  // namespace ringside::pipeline
