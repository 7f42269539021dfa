#include "common/room_log.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "common/log_reader.hpp"
#include "support/allocation_count.hpp"
#include "support/history_fixture.hpp"

namespace ringside {

using namespace test;

namespace {

constexpr std::uint64_t millisecond = 1'000'000;

/// A log over a room of its own, read whole through a reader.
struct LogFixture : RoomFiles {
    std::shared_ptr<HistoryFile> file = open().value();
    RoomLog log{file};
    CatchUpPool pool;

    std::string read_all() {
        LogReader reader(log, pool);
        std::string bytes;
        while (bytes.size() < log.published_end()) {
            const auto piece = reader.read(bytes.size(), log.published_end());
            REQUIRE(piece);
            REQUIRE_FALSE(piece->bytes.empty());
            bytes += piece->bytes;
        }
        return bytes;
    }

    void say(std::string_view text, std::uint64_t now_ns) {
        log.stage("ann", noon, 5, text);
        REQUIRE(log.commit(now_ns));
        log.publish(log.committed_end());
    }

    [[nodiscard]] std::size_t memory_bytes() const {
        std::size_t bytes = 0;
        const LogSegment* last = nullptr;
        for (std::uint64_t position = 0; position < log.published_end(); ++position) {
            const auto segment = log.segment_at(position);
            if (segment.get() != last && segment != nullptr) bytes += segment->capacity;
            last = segment.get();
        }
        return bytes;
    }
};

}  // namespace

TEST_CASE("a message is seen by readers when it is published, not before") {
    LogFixture room;
    room.log.stage("ann", noon, 5, "hello");
    const std::string frame = message_frame("ann", "hello");
    CHECK(room.log.staged_bytes() == frame.size());
    CHECK(room.log.staged_end() == frame.size());
    CHECK(room.log.committed_end() == 0);
    CHECK(room.file->end() == 0);

    REQUIRE(room.log.commit(second));
    CHECK(room.log.staged_bytes() == 0);
    CHECK(room.log.committed_end() == frame.size());
    CHECK(room.log.published_end() == 0);
    CHECK(all_bytes(*room.file) == frame);

    room.log.publish(frame.size());
    CHECK(room.log.published_end() == frame.size());
    CHECK(room.read_all() == frame);
    CHECK(room.log.message_count() == 1);
}

TEST_CASE("a commit without messages does nothing") {
    LogFixture room;
    CHECK(room.log.commit(second));
    CHECK(room.file->end() == 0);
}

TEST_CASE("file and memory hold the same bytes over many segments") {
    LogFixture room;
    std::string expected;
    std::uint64_t now = second;
    for (int turn = 0; turn < 300; ++turn) {
        for (int i = 0; i <= turn % 5; ++i) {
            const std::string text(1 + static_cast<std::size_t>(turn * 131 + i * 17) % 4096, 'a');
            room.log.stage("ann", noon, turn, text);
            expected += message_frame("ann", text);
        }
        REQUIRE(room.log.commit(now += millisecond));
        room.log.publish(room.log.committed_end());
    }
    CHECK(all_bytes(*room.file) == expected);
    CHECK(room.read_all() == expected);
}

TEST_CASE("no frame straddles two segments") {
    LogFixture room;
    std::vector<std::uint64_t> boundaries{0};
    for (int i = 0; i < 200; ++i) {
        room.say(std::string(100 + static_cast<std::size_t>(i) * 7, 'x'), second);
        boundaries.push_back(room.log.published_end());
        const auto segment = room.log.segment_at(boundaries.back() - 1);
        REQUIRE(segment != nullptr);
        REQUIRE(segment->begin <= boundaries[boundaries.size() - 2]);
        REQUIRE(boundaries.back() - segment->begin <= segment->capacity);
    }
}

TEST_CASE("a reopened log continues where the file ends") {
    RoomFiles files;
    const std::string one = message_frame("ann", "one");
    {
        const auto file = files.open().value();
        RoomLog log(file);
        log.stage("ann", noon, 5, "one");
        REQUIRE(log.commit(second));
    }
    const auto file = files.open().value();
    RoomLog log(file);
    CHECK(log.published_end() == one.size());
    CHECK(log.message_count() == 1);
    CHECK(log.segment_at(0) == nullptr);
    log.stage("bob", noon, 6, "two");
    REQUIRE(log.commit(second));
    log.publish(log.committed_end());
    CHECK(log.segment_at(0) == nullptr);
    CHECK(log.segment_at(one.size()) != nullptr);
    CHECK(all_bytes(*file) == one + message_frame("bob", "two"));
}

TEST_CASE("a busy room gets large segments and two of them") {
    LogFixture room;
    for (int i = 0; i < 20'000; ++i) {
        room.log.stage("ann", noon, 5, std::string(100, 'x'));
        if (i % 100 != 99) continue;
        REQUIRE(room.log.commit(second + static_cast<std::uint64_t>(i) * 1'000));
        room.log.publish(room.log.committed_end());
    }
    CHECK(room.memory_bytes() == segments_kept * segment_bytes_max);
}

TEST_CASE("a slow room keeps small segments, also when it was busy before") {
    LogFixture room;
    const bool busy_before = GENERATE(false, true);
    CAPTURE(busy_before);
    std::uint64_t now = second;
    for (int i = 0; busy_before && i < 3'000; ++i)
        room.say(std::string(1000, 'x'), now += 1'000);
    for (int i = 0; i < 400; ++i)
        room.say(std::string(40, 'x'), now += second / 2);
    CHECK(room.memory_bytes() == segments_kept * segment_bytes_min);
}

TEST_CASE("a message larger than any segment gets one of its size") {
    LogFixture room;
    room.say("small", second);
    const std::string huge(segment_bytes_max + 1, 'h');
    room.say(huge, second);
    room.say("small", second);
    CHECK(room.read_all() == message_frame("ann", "small") + message_frame("ann", huge) +
                                 message_frame("ann", "small"));
}

TEST_CASE("what is not published stays in memory however much it is") {
    LogFixture room;
    std::string expected;
    for (int i = 0; i < 2'000; ++i) {
        const std::string text(1000, static_cast<char>('a' + i % 26));
        expected += message_frame("ann", text);
        room.log.stage("ann", noon, 5, text);
        REQUIRE(room.log.commit(second));
    }
    room.log.publish(room.log.committed_end());
    REQUIRE(room.log.segment_at(0) != nullptr);
    LogReader reader(room.log, room.pool);
    CHECK(room.read_all() == expected);
    CHECK(room.pool.file_reads() == 0);
    // The next turn lets go of what is beyond the kept segments.
    room.say("next", second);
    CHECK(room.log.segment_at(0) == nullptr);
}

TEST_CASE("a failed commit drops what was staged, and the retry comes after its time") {
    LogFixture room;
    room.say("kept", second);
    const std::uint64_t end = room.log.committed_end();
    // Several segments' worth, so that segments that were opened for it go too.
    for (int i = 0; i < 30; ++i)
        room.log.stage("ann", noon, 5, std::string(1000, 'x'));
    {
        const FileSizeLimit limit(history_header_bytes + end + 10'000);
        const auto refused = room.log.commit(5 * second);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == EFBIG);
    }
    CHECK(room.log.staged_bytes() == 0);
    CHECK(room.log.staged_end() == end);
    CHECK(room.log.committed_end() == end);
    CHECK(room.file->end() == end);
    CHECK_FALSE(room.log.writable(5 * second));
    CHECK_FALSE(room.log.writable(5 * second + storage_retry_ns - 1));
    REQUIRE(room.log.writable(5 * second + storage_retry_ns));

    // On over the place where the segment had been closed for its successor.
    std::string expected = message_frame("ann", "kept");
    for (int i = 0; i < 100; ++i) {
        room.say("after", 7 * second);
        expected += message_frame("ann", "after");
    }
    CHECK(room.log.writable(7 * second));
    CHECK(room.read_all() == expected);
    CHECK(all_bytes(*room.file) == expected);
}

TEST_CASE("a failed first commit leaves an empty log that works") {
    LogFixture room;
    room.log.stage("ann", noon, 5, "lost");
    {
        const FileSizeLimit limit(history_header_bytes);
        REQUIRE_FALSE(room.log.commit(second));
    }
    room.say("kept", 3 * second);
    CHECK(room.read_all() == message_frame("ann", "kept"));
}

TEST_CASE("a fenced log takes and publishes nothing more, and what was published stays readable") {
    LogFixture room;
    room.say("published", second);
    const std::uint64_t end = room.log.published_end();
    room.log.stage("ann", noon, 5, "committed");
    REQUIRE(room.log.commit(second));
    room.log.stage("ann", noon, 5, "staged");

    room.log.fence();
    CHECK(room.log.staged_bytes() == 0);
    CHECK_FALSE(room.log.writable(UINT64_MAX));
    room.log.publish(room.log.committed_end());
    CHECK(room.log.published_end() == end);
    CHECK(room.log.commit(second));
    CHECK(room.read_all() == message_frame("ann", "published"));
}

// Symptom: a room that was opened again before its sync looked damaged, since the file that the
// sync still held had the last entries in memory.
TEST_CASE("a log that is let go leaves a whole index behind, whoever still holds the file") {
    RoomFiles files;
    const std::shared_ptr<HistoryFile> held = files.open().value();
    {
        RoomLog log(held);
        log.stage("ann", noon, 5, "a message");
        REQUIRE(log.commit(second));
        log.publish(log.committed_end());
    }
    REQUIRE(files.open());
    CHECK(files.recovery.rebuilt_entries == 0);
}

TEST_CASE("a warm log stages and commits without allocating") {
    LogFixture room;
    const auto turn = [&] {
        for (int i = 0; i < 100; ++i) {
            room.log.stage("ann", noon, 5, "a message of the usual length, more or less");
        }
        const auto committed = room.log.commit(second);
        room.log.publish(room.log.committed_end());
        return committed.has_value();
    };
    for (int i = 0; i < 200; ++i)
        REQUIRE(turn());  // until segments are as large as they get
    // A segment takes about 25 turns; it and its successor cost a handful of allocations.
    const AllocationCount count;
    bool fine = true;
    for (int i = 0; i < 100; ++i)
        fine = turn() && fine;
    const std::size_t allocations = count.allocations();
    REQUIRE(fine);
    CHECK(allocations <= 4 * 6);
}

}  // namespace ringside
