#include "common/log_reader.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "support/history_fixture.hpp"

namespace ringside {

using namespace test;

namespace {

/// A room whose first `messages` messages of about 1,000 bytes are all but the last in the file
/// alone.
struct LongRoom : RoomFiles {
    std::string expected;
    std::shared_ptr<HistoryFile> file;

    explicit LongRoom(int messages) {
        file = open().value();
        RoomLog log(file);
        for (int i = 0; i < messages; ++i) {
            const std::string text(1000, static_cast<char>('a' + i % 26));
            expected += message_frame("ann", text);
            log.stage("ann", noon, 5, text);
            if (i % 100 == 99) REQUIRE(log.commit(second));
        }
        REQUIRE(log.commit(second));
    }
};

}  // namespace

TEST_CASE("a reader follows the tail without reading the file") {
    RoomFiles files;
    RoomLog log(files.open().value());
    CatchUpPool pool;
    LogReader reader(log, pool);
    std::string expected;
    std::string got;
    for (int i = 0; i < 2'000; ++i) {
        const std::string text = "message " + std::to_string(i);
        expected += message_frame("ann", text);
        log.stage("ann", noon, 5, text);
        REQUIRE(log.commit(second));
        log.publish(log.committed_end());
        while (got.size() < log.published_end()) {
            const auto piece = reader.read(got.size(), log.published_end());
            REQUIRE(piece);
            got += piece->bytes;
        }
    }
    CHECK(got == expected);
    CHECK(pool.file_reads() == 0);
    CHECK(pool.buffers() == 0);
}

TEST_CASE("a piece stays as it is while it is pinned, wherever the log goes meanwhile") {
    RoomFiles files;
    RoomLog log(files.open().value());
    CatchUpPool pool;
    LogReader reader(log, pool);
    log.stage("ann", noon, 5, "the first message");
    REQUIRE(log.commit(second));
    log.publish(log.committed_end());
    const auto piece = reader.read(0, log.published_end());
    REQUIRE(piece);
    for (int i = 0; i < 2'000; ++i) {
        log.stage("ann", noon, 5, std::string(1000, 'x'));
        REQUIRE(log.commit(second));
        log.publish(log.committed_end());
        (void)reader.read(log.published_end() - 1, log.published_end());
    }
    REQUIRE(log.segment_at(0) == nullptr);
    CHECK(piece->bytes == message_frame("ann", "the first message"));
}

TEST_CASE("what has left memory is read from the file, in chunks that members share") {
    LongRoom room(1'000);
    RoomLog log(room.file);
    CatchUpPool pool;
    const std::uint64_t chunks = room.expected.size() / catch_up_chunk_bytes + 1;
    for (int member = 0; member < 5; ++member) {
        LogReader reader(log, pool);
        std::string got;
        while (got.size() < log.published_end()) {
            const auto piece = reader.read(got.size(), log.published_end());
            REQUIRE(piece);
            got += piece->bytes;
        }
        CHECK(got == room.expected);
    }
    CHECK(chunks > 2);
    CHECK(pool.file_reads() == chunks);
    CHECK(pool.buffers() == chunks);
}

TEST_CASE("a reader goes from the file over to memory without a gap") {
    LongRoom room(500);
    RoomLog log(room.file);
    CatchUpPool pool;
    LogReader reader(log, pool);
    log.stage("bob", noon, 5, "live");
    REQUIRE(log.commit(second));
    log.publish(log.committed_end());
    std::string got;
    while (got.size() < log.published_end()) {
        const auto piece = reader.read(got.size(), log.published_end());
        REQUIRE(piece);
        got += piece->bytes;
    }
    CHECK(got == room.expected + message_frame("bob", "live"));
}

TEST_CASE("a chunk at the growing end is filled further under a pinned piece") {
    LongRoom room(10);
    CatchUpPool pool;
    const std::uint64_t half = room.expected.size() / 2;
    const auto first = pool.read(*room.file, 0, half);
    REQUIRE(first);
    CHECK(first->bytes == room.expected.substr(0, half));
    const auto second_piece = pool.read(*room.file, half, room.expected.size());
    REQUIRE(second_piece);
    CHECK(second_piece->bytes == room.expected.substr(half));
    CHECK(first->bytes.data() + half == second_piece->bytes.data());
    CHECK(first->bytes == room.expected.substr(0, half));
    CHECK(pool.buffers() == 1);
    CHECK(pool.file_reads() == 2);
}

TEST_CASE("a piece never goes beyond the end asked for, also where more is in the chunk") {
    LongRoom room(10);
    CatchUpPool pool;
    REQUIRE(pool.read(*room.file, 0, room.expected.size()));
    const auto piece = pool.read(*room.file, 100, 300);
    REQUIRE(piece);
    CHECK(piece->bytes == room.expected.substr(100, 200));
}

TEST_CASE("when every buffer is pinned a member waits until one is let go") {
    LongRoom room(static_cast<int>(catch_up_chunks + 2) * 256);
    REQUIRE(room.expected.size() > (catch_up_chunks + 1) * catch_up_chunk_bytes);
    CatchUpPool pool;
    const std::uint64_t end = room.expected.size();
    std::vector<LogPiece> pinned;
    for (std::size_t i = 0; i < catch_up_chunks; ++i) {
        auto piece = pool.read(*room.file, i * catch_up_chunk_bytes, end);
        REQUIRE(piece);
        pinned.push_back(*piece);
    }
    const std::uint64_t beyond = catch_up_chunks * catch_up_chunk_bytes;
    const auto refused = pool.read(*room.file, beyond, end);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EAGAIN);
    CHECK(pool.read(*room.file, 10, end));  // a chunk that is there is no trouble

    pinned.erase(pinned.begin() + 3);
    const auto piece = pool.read(*room.file, beyond, end);
    REQUIRE(piece);
    CHECK(piece->bytes == room.expected.substr(beyond, catch_up_chunk_bytes));
    for (std::size_t i = 0; i < pinned.size(); ++i) {
        const std::size_t chunk = i < 3 ? i : i + 1;
        CHECK(pinned[i].bytes ==
              room.expected.substr(chunk * catch_up_chunk_bytes, catch_up_chunk_bytes));
    }
    CHECK(pool.buffers() == catch_up_chunks);
}

TEST_CASE("the pool frees what nobody used since the trim before, and nothing that is pinned") {
    LongRoom room(600);
    CatchUpPool pool;
    const std::uint64_t end = room.expected.size();
    auto pinned = pool.read(*room.file, 0, end);
    REQUIRE(pool.read(*room.file, catch_up_chunk_bytes, end));
    CHECK(pool.buffers() == 2);
    pool.trim();
    CHECK(pool.buffers() == 2);
    pool.trim();
    CHECK(pool.buffers() == 1);
    CHECK(pinned->bytes == room.expected.substr(0, catch_up_chunk_bytes));
    pinned = std::unexpected(Error{});
    pool.trim();
    CHECK(pool.buffers() == 0);
}

TEST_CASE("a history that somebody else cut is an error, not a wait") {
    LongRoom room(10);
    CatchUpPool pool;
    std::filesystem::resize_file(room.chat, 1'000);
    const auto piece = pool.read(*room.file, 0, room.expected.size());
    REQUIRE_FALSE(piece);
    CHECK(piece.error().code == EIO);
}

TEST_CASE("readers on other threads see every published byte, in memory or from the file") {
    RoomFiles files;
    RoomLog log(files.open().value());
    constexpr std::uint64_t bytes_total = std::uint64_t{6} * 1024 * 1024;
    std::atomic<bool> done{false};  // set (release) once all is published; readers acquire

    const auto follow = [&](std::size_t step_max, std::string& got) {
        CatchUpPool pool;
        LogReader reader(log, pool);
        for (;;) {
            const bool last = done.load(std::memory_order_acquire);
            const std::uint64_t end = log.published_end();
            while (got.size() < end) {
                auto piece = reader.read(got.size(), end);
                if (!piece) return;
                got += piece->bytes.substr(0, step_max);
            }
            if (last) return;
        }
    };
    std::vector<std::string> got(3);
    std::vector<std::thread> readers;
    const std::size_t steps[] = {SIZE_MAX, 1'000, 100};  // the last falls behind into the file
    for (std::size_t i = 0; i < got.size(); ++i) {
        readers.emplace_back([&, i] { follow(steps[i], got[i]); });
    }
    bool fine = true;
    std::uint64_t number = 0;
    for (std::uint64_t now = second; log.committed_end() < bytes_total; now += 10'000) {
        for (std::uint64_t more = number % 50 + 1; more > 0; --more, ++number) {
            const std::string text(1 + number * 7 % 500, static_cast<char>('a' + number % 26));
            log.stage("ann", noon, 5, text);
        }
        fine = log.commit(now).has_value() && fine;
        log.publish(log.committed_end());
    }
    done.store(true, std::memory_order_release);
    for (std::thread& reader : readers)
        reader.join();
    REQUIRE(fine);
    const std::string expected = all_bytes(*log.file());
    for (const std::string& bytes : got)
        CHECK((bytes == expected));
}

}  // namespace ringside
