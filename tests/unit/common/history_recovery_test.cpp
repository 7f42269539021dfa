#include "common/history_recovery.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "common/history_format.hpp"
#include "common/limits.hpp"
#include "support/history_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

using namespace test;

namespace {

/// A room of messages of different sizes, of which the first `synced` were synced before the
/// others were appended. Its files can be damaged and put back.
struct Written : RoomFiles {
    std::vector<std::string> frames;
    std::vector<std::uint64_t> ends{0};
    std::string chat_bytes;
    std::string index_bytes;

    Written(std::size_t count, std::size_t synced) {
        auto file = open();
        for (std::size_t i = 0; i < count; ++i) {
            frames.push_back(message_frame("ann", std::string(1 + i % 7, 'm') + std::to_string(i)));
            ends.push_back(ends.back() + frames.back().size());
            if (i == synced && synced != 0) REQUIRE((*file)->sync());
            REQUIRE(append_frames(**file, {frames.back()}, static_cast<std::int64_t>(100 + i)));
        }
        file->reset();  // writes the last entries
        chat_bytes = read_file(chat);
        index_bytes = read_file(index);
    }

    void damage(const std::string& new_chat, const std::string& new_index) {
        write_file(chat, new_chat);
        write_file(index, new_index);
    }

    /// What the log must hold if it kept `count` messages.
    [[nodiscard]] std::string log_of(std::size_t count) const {
        return chat_bytes.substr(history_header_bytes, ends[count]);
    }

    /// Opens and checks that exactly the first `count` messages are there, that the files say so
    /// too, that the next opening has nothing to mend, and that the room takes messages again.
    void expect_messages(std::size_t count) {
        {
            const auto file = open();
            REQUIRE(file);
            REQUIRE((*file)->message_count() == count);
            REQUIRE(all_bytes(**file) == log_of(count));
            REQUIRE(read_file(chat).size() == history_header_bytes + ends[count]);
            REQUIRE(read_file(index).size() == index_header_bytes + count * index_entry_bytes);
        }
        const HistoryFile::Recovery first = recovery;
        const auto again = open();
        REQUIRE(again);
        REQUIRE(recovery.cut_bytes == 0);
        REQUIRE(recovery.rebuilt_entries == 0);
        REQUIRE((*again)->message_count() == count);
        const std::string frame = message_frame("bob", "after");
        REQUIRE(append_frames(**again, {frame}));
        REQUIRE(all_bytes(**again) == log_of(count) + frame);
        recovery = first;
    }

    void expect_quarantine() {
        const std::string chat_before = read_file(chat);
        const bool index_before = std::filesystem::exists(index);
        const std::string index_bytes_before = read_file(index);
        const auto file = open();
        REQUIRE_FALSE(file);
        REQUIRE(file.error().code == EBADMSG);
        REQUIRE(read_file(chat) == chat_before);
        REQUIRE(std::filesystem::exists(index) == index_before);
        REQUIRE(read_file(index) == index_bytes_before);
    }

    [[nodiscard]] std::size_t whole_messages(std::uint64_t log_bytes) const {
        std::size_t count = 0;
        while (count + 1 < ends.size() && ends[count + 1] <= log_bytes)
            ++count;
        return count;
    }
};

}  // namespace

TEST_CASE("a chat file cut at any byte keeps its whole messages") {
    Written room(12, 0);
    for (std::size_t size = history_header_bytes; size <= room.chat_bytes.size(); ++size) {
        CAPTURE(size);
        room.damage(room.chat_bytes.substr(0, size), room.index_bytes);
        const std::size_t count = room.whole_messages(size - history_header_bytes);
        room.expect_messages(count);
        REQUIRE(room.recovery.cut_bytes == size - history_header_bytes - room.ends[count]);
    }
}

TEST_CASE("a chat file cut at any byte below what was synced is left alone") {
    Written room(12, 5);
    for (std::size_t size = 0; size <= room.chat_bytes.size(); ++size) {
        CAPTURE(size);
        room.damage(room.chat_bytes.substr(0, size), room.index_bytes);
        if (size < history_header_bytes + room.ends[5]) {
            room.expect_quarantine();
        } else {
            room.expect_messages(room.whole_messages(size - history_header_bytes));
        }
    }
}

TEST_CASE("an index cut at any byte is rebuilt and no message is lost") {
    const std::size_t synced = GENERATE(as<std::size_t>{}, 0, 5, 11);
    Written room(12, synced);
    for (std::size_t size = 0; size < room.index_bytes.size(); ++size) {
        CAPTURE(synced, size);
        room.damage(room.chat_bytes, room.index_bytes.substr(0, size));
        room.expect_messages(12);
        const std::size_t entries =
            size < index_header_bytes ? 0 : (size - index_header_bytes) / index_entry_bytes;
        REQUIRE(room.recovery.rebuilt_entries == 12 - entries);
        REQUIRE(room.recovery.cut_bytes == 0);
    }
}

TEST_CASE("a lost index is rebuilt, with the sums of the frames") {
    Written room(12, 5);
    std::filesystem::remove(room.index);
    {
        const auto file = room.open();
        REQUIRE(file);
        CHECK(room.recovery.rebuilt_entries == 12);
        CHECK((*file)->message_count() == 12);
    }
    const std::string rebuilt = read_file(room.index);
    for (std::size_t i = 0; i < 12; ++i) {
        const auto entry =
            decode_entry(rebuilt.data() + index_header_bytes + i * index_entry_bytes);
        REQUIRE(entry);
        CHECK(entry->end == room.ends[i + 1]);
        CHECK(entry->crc == crc32c(room.frames[i]));
    }
}

TEST_CASE("the index of another room is recognised and rebuilt") {
    Written room(12, 0);
    REQUIRE(HistoryFile::create(room.folder.path(), {"other", 43, 8}, false));
    {
        const auto other = HistoryFile::open(room.folder.path(), "other", room.recovery);
        REQUIRE(other);
        const int messages = GENERATE(1, 20);  // fewer and more than in the room itself
        for (int i = 0; i < messages; ++i)
            REQUIRE(append_frames(**other, {message_frame("x", "y")}));
    }
    room.damage(room.chat_bytes, read_file(room.folder / "other.idx"));
    room.expect_messages(12);
    CHECK(room.recovery.rebuilt_entries == 12);
}

TEST_CASE("a flipped bit behind what was synced cuts the history there") {
    Written room(6, 3);
    for (std::size_t byte = history_header_bytes + room.ends[3]; byte < room.chat_bytes.size();
         ++byte) {
        const std::size_t bit = byte % 8;
        CAPTURE(byte, bit);
        std::string damaged = room.chat_bytes;
        damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
        room.damage(damaged, room.index_bytes);
        room.expect_messages(room.whole_messages(byte - history_header_bytes));
    }
}

TEST_CASE("a flipped bit anywhere in the index loses no message") {
    const std::size_t synced = GENERATE(as<std::size_t>{}, 0, 3);
    Written room(6, synced);
    for (std::size_t bit = 0; bit < room.index_bytes.size() * 8; ++bit) {
        CAPTURE(synced, bit);
        std::string damaged = room.index_bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        room.damage(room.chat_bytes, damaged);
        const auto file = room.open();
        REQUIRE(file);
        REQUIRE((*file)->message_count() == 6);
        REQUIRE(all_bytes(**file) == room.log_of(6));
    }
}

TEST_CASE("damage below what was synced is found wherever the index is damaged too") {
    Written room(6, 5);
    // Every entry but the newest is gone, so nothing below the synced position can be trusted.
    std::string no_entries = room.index_bytes;
    std::fill(no_entries.begin() + index_header_bytes, no_entries.end() - index_entry_bytes, '\0');
    for (std::size_t message = 0; message < 5; ++message) {
        CAPTURE(message);
        std::string damaged = room.chat_bytes;
        char& request = damaged[history_header_bytes + room.ends[message]];
        request = static_cast<char>(request ^ 1);  // the request value
        room.damage(damaged, no_entries);
        room.expect_quarantine();
    }
}

TEST_CASE("an index whose synced position is inside a message makes everything be checked") {
    Written room(12, 5);
    std::string index = room.index_bytes;
    char* const newest = index.data() + index.size() - index_entry_bytes;
    auto entry = decode_entry(newest).value();
    ++entry.synced;
    encode_entry(entry, newest);
    room.damage(room.chat_bytes, index);
    CHECK(room.open());

    std::string chat = room.chat_bytes;
    chat[history_header_bytes + room.ends[2]] = 1;
    room.damage(chat, index);
    room.expect_quarantine();
}

TEST_CASE("a crash before the entries of the last messages are written keeps the messages") {
    Written room(12, 5);
    room.damage(room.chat_bytes, room.index_bytes.substr(0, room.index_bytes.size() - 40));
    room.expect_messages(12);
    CHECK(room.recovery.rebuilt_entries == 2);
    CHECK(room.recovery.cut_bytes == 0);
}

// A power cut may lose any unsynced page, so good frames may stand behind bad ones.
TEST_CASE("a hole of zeros behind what was synced cuts the history at the hole") {
    Written room(12, 5);
    for (std::size_t hole = 5; hole < 12; ++hole) {
        const bool entry_lost_too = GENERATE(false, true);
        CAPTURE(hole, entry_lost_too);
        std::string chat = room.chat_bytes;
        // Inside the text: the frame stays well-formed, so only its sum or its zeros tell.
        const std::size_t last_byte = history_header_bytes + room.ends[hole + 1] - 1;
        chat[last_byte] = '\0';
        std::string index = room.index_bytes;
        if (entry_lost_too) {
            const std::size_t at = index_header_bytes + hole * index_entry_bytes;
            std::fill_n(index.begin() + static_cast<std::ptrdiff_t>(at), index_entry_bytes, '\0');
        }
        room.damage(chat, index);
        room.expect_messages(hole);
    }
}

// Symptom: entries were cut before frames. Without its entry a damaged text whose frame is
// well-formed passes for a message that a crash kept from getting one.
TEST_CASE("a repair that is interrupted anywhere takes nothing for a message that was damaged") {
    Written room(12, 5);
    std::string damaged = room.chat_bytes;
    char& last_of_text = damaged[history_header_bytes + room.ends[9] - 1];
    last_of_text = static_cast<char>(last_of_text ^ 1);
    room.damage(damaged, room.index_bytes);
    // What cannot be cut is where the repair is interrupted.
    const bool chat_fails = GENERATE(true, false);
    CAPTURE(chat_fails);
    {
        const UniqueFd chat(::open(room.chat.c_str(), chat_fails ? O_RDONLY : O_RDWR));
        const UniqueFd index(::open(room.index.c_str(), chat_fails ? O_RDWR : O_RDONLY));
        HistoryFile::Recovery ignored;
        REQUIRE_FALSE(recover_history(chat.get(), index.get(), 42, ignored));
    }
    room.expect_messages(8);
}

TEST_CASE("without an index no more is cut than one torn append can have left") {
    Written room(3, 0);
    const std::uint64_t torn_max = 2 * staged_bytes_max;
    std::filesystem::remove(room.index);
    write_file(room.chat, room.chat_bytes + std::string(torn_max, 'x'));
    room.expect_messages(3);
    CHECK(room.recovery.cut_bytes == torn_max);

    std::filesystem::remove(room.index);
    write_file(room.chat, room.chat_bytes + std::string(torn_max + 1, 'x'));
    room.expect_quarantine();
}

TEST_CASE("a length that claims more than any frame may have is damage, not an allocation") {
    Written room(3, 0);
    std::string chat = room.chat_bytes;
    store_u64(chat.data() + history_header_bytes + room.ends[2] + 8, UINT64_MAX);
    room.damage(chat, room.index_bytes);
    room.expect_messages(2);
}

TEST_CASE("a synced history is not read again when its tail is sane") {
    // Seen from outside: a frame damaged deep below the synced position does not keep the room
    // from opening, since only the tail is verified.
    Written room(12, 11);
    std::string chat = room.chat_bytes;
    chat[history_header_bytes + room.ends[2]] = 1;
    room.damage(chat, room.index_bytes);
    const auto file = room.open();
    REQUIRE(file);
    CHECK((*file)->message_count() == 12);
}

TEST_CASE("a history larger than the reader's buffer is verified to its end") {
    RoomFiles files;
    std::string expected;
    {
        const auto file = files.open();
        REQUIRE(file);
        for (std::size_t i = 0; i < 400; ++i) {
            const std::string frame = message_frame("ann", std::string(1 + (i * 37) % 4096, 'q'));
            expected += frame;
            REQUIRE(append_frames(**file, {frame}));
        }
    }
    const bool index_lost = GENERATE(false, true);
    if (index_lost) std::filesystem::remove(files.index);
    const auto file = files.open();
    REQUIRE(file);
    CHECK((*file)->message_count() == 400);
    CHECK(files.recovery.cut_bytes == 0);
    CHECK(files.recovery.rebuilt_entries == (index_lost ? 400 : 0));
    CHECK(all_bytes(**file) == expected);
}

}  // namespace ringside
