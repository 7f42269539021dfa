#include "common/history_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "common/disk_io.hpp"
#include "common/history_format.hpp"
#include "common/limits.hpp"
#include "support/history_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

using namespace test;

namespace {

UniqueFd memory_file(std::uint64_t bytes, int seals) {
    UniqueFd fd(::memfd_create("ringside-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(truncate_file(fd.get(), bytes));
    REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
    return fd;
}

}  // namespace

TEST_CASE("the checksum is the CRC-32C of RFC 3720") {
    CHECK(crc32c("") == 0);
    CHECK(crc32c("123456789") == 0xE3069283U);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
    CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43U);
    std::string ascending(32, '\0');
    for (std::size_t i = 0; i < ascending.size(); ++i)
        ascending[i] = static_cast<char>(i);
    CHECK(crc32c(ascending) == 0x46DD794EU);
}

TEST_CASE("the file name of any legal room is plain, its own, and inside the folder") {
    CHECK(HistoryFile::file_stem("general") == "general");
    CHECK(HistoryFile::file_stem("../../etc/passwd") == "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd");
    CHECK(HistoryFile::file_stem("a%2F") == "a%252F");
    CHECK(HistoryFile::file_stem(".") == "%2E");
    CHECK(HistoryFile::file_stem("\xC3\xA4") == "%C3%A4");
    for (int byte = 1; byte < 256; ++byte) {
        const std::string stem = HistoryFile::file_stem(std::string(1, static_cast<char>(byte)));
        CAPTURE(byte, stem);
        CHECK(stem.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_%") == std::string::npos);
    }
    const std::string longest = HistoryFile::file_stem(std::string(room_name_bytes_ceiling, '/'));
    CHECK(std::string(history_temporary_prefix).size() + longest.size() + 5 <= 255);
}

TEST_CASE("a room with an awkward name is created, found and opened by that name") {
    const std::string room =
        GENERATE(as<std::string>{}, "..", "/", "../up", "a/b", ".new-x", "\xF0\x9F\x92\xAC", "%2F",
                 std::string(room_name_bytes_ceiling, '/'), "CON", "~", "a\\b");
    CAPTURE(room);
    TempFolder parent;
    const auto folder = parent / "data";
    std::filesystem::create_directory(folder);
    REQUIRE(HistoryFile::create(folder, {room, 5, 6}, true));

    HistoryFile::Recovery recovery;
    const auto file = HistoryFile::open(folder, room, recovery);
    REQUIRE(file);
    CHECK((*file)->epoch() == 5);
    const auto header = HistoryFile::read_header(folder / (HistoryFile::file_stem(room) + ".chat"));
    REQUIRE(header);
    CHECK(header->room == room);
    CHECK(header->number == 6);
    CHECK(std::distance(std::filesystem::directory_iterator(parent.path()), {}) == 1);
    CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 2);
}

TEST_CASE("creating a room that exists is refused and leaves it as it is") {
    RoomFiles files;
    REQUIRE(files.created);
    const std::string before = read_file(files.chat);
    const auto again = HistoryFile::create(files.folder.path(), {files.room, 1, 1}, false);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == EEXIST);
    CHECK(read_file(files.chat) == before);
    CHECK(std::distance(std::filesystem::directory_iterator(files.folder.path()), {}) == 2);
}

TEST_CASE("a room that cannot be created leaves nothing behind") {
    TempFolder folder;
    const FileSizeLimit limit(100);
    const auto created = HistoryFile::create(folder.path(), {"room", 1, 1}, false);
    REQUIRE_FALSE(created);
    CHECK(created.error().code == EFBIG);
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what was appended is read back, also by the next opening") {
    RoomFiles files;
    const std::vector<std::string> first{message_frame("ann", "hello"), message_frame("bob", "hi")};
    const std::vector<std::string> second{message_frame("ann", std::string(5000, 'x'))};
    {
        const auto file = files.open();
        REQUIRE(file);
        CHECK((*file)->end() == 0);
        REQUIRE(append_frames(**file, first));
        REQUIRE(append_frames(**file, second));
        CHECK((*file)->message_count() == 3);
        CHECK(all_bytes(**file) == first[0] + first[1] + second[0]);
    }
    const auto file = files.open();
    REQUIRE(file);
    CHECK(files.recovery.cut_bytes == 0);
    CHECK(files.recovery.rebuilt_entries == 0);
    CHECK((*file)->message_count() == 3);
    CHECK(all_bytes(**file) == first[0] + first[1] + second[0]);

    char rest[64];
    CHECK((*file)->read((*file)->end() - 10, rest, sizeof rest).value() == 10);
    CHECK((*file)->read((*file)->end(), rest, sizeof rest).value() == 0);
}

TEST_CASE("a commit of more pieces than one system call takes is written whole") {
    RoomFiles files;
    std::vector<std::string> frames;
    std::string expected;
    for (int i = 0; i < 300; ++i) {
        frames.push_back(message_frame("user", std::to_string(i)));
        expected += frames.back();
    }
    const auto file = files.open();
    REQUIRE(file);
    REQUIRE(append_frames(**file, frames));
    CHECK(all_bytes(**file) == expected);
}

TEST_CASE("an index entry holds end, time, sum and the position known to be synced") {
    RoomFiles files;
    const auto file = files.open();
    REQUIRE(file);
    const std::string frame = message_frame("ann", "one");
    REQUIRE(append_frames(**file, {frame}, 1'000));
    REQUIRE((*file)->sync());
    REQUIRE(append_frames(**file, {frame}, 2'000));
    REQUIRE((*file)->sync());

    const std::string index = read_file(files.index);
    REQUIRE(index.size() == index_header_bytes + 2 * index_entry_bytes);
    const auto one = decode_entry(index.data() + index_header_bytes);
    const auto two = decode_entry(index.data() + index_header_bytes + index_entry_bytes);
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->end == frame.size());
    CHECK(one->wall_ns == 1'000);
    CHECK(one->synced == 0);
    CHECK(one->crc == crc32c(frame));
    CHECK(two->end == 2 * frame.size());
    CHECK(two->wall_ns == 2'000);
    CHECK(two->synced == frame.size());
}

// The kernel writes what fits before it refuses, so every limit between the two sizes leaves
// another torn write.
TEST_CASE("an append that the disk tears is undone, and works when there is room again") {
    RoomFiles files;
    const auto file = files.open();
    REQUIRE(file);
    const std::string kept = message_frame("ann", "kept");
    const std::string big = message_frame("ann", "this one does not fit");
    REQUIRE(append_frames(**file, {kept}));
    const std::string chat_before = read_file(files.chat);
    const std::string index_before = read_file(files.index);

    for (std::uint64_t limit = chat_before.size(); limit < chat_before.size() + big.size();
         ++limit) {
        CAPTURE(limit);
        {
            const FileSizeLimit size_limit(limit);
            const auto refused = append_frames(**file, {big});
            REQUIRE_FALSE(refused);
            REQUIRE(refused.error().code == EFBIG);
        }
        REQUIRE(read_file(files.chat) == chat_before);
        REQUIRE(read_file(files.index) == index_before);
        REQUIRE((*file)->end() == kept.size());
        REQUIRE((*file)->message_count() == 1);
    }
    REQUIRE(append_frames(**file, {big}));
    CHECK(all_bytes(**file) == kept + big);
}

// Appends as many messages as may have entries that wait.
void append_until_entries_are_due(HistoryFile& file, const std::string& frame) {
    for (std::size_t i = 0; i < index_entries_waiting_max; ++i)
        REQUIRE(append_frames(file, {frame}));
}

// A sealed memory file stands in for a disk that is full.
TEST_CASE("while entries cannot be written, appends are refused once as many wait as may") {
    UniqueFd chat = memory_file(history_header_bytes, 0);
    const int chat_fd = chat.get();
    HistoryFile file(std::move(chat), memory_file(index_header_bytes, F_SEAL_GROW), 1, {});
    const std::string frame = message_frame("a", "b");
    append_until_entries_are_due(file, frame);
    const std::uint64_t end = file.end();
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto refused = append_frames(file, {frame});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == EPERM);
        CHECK(std::string(refused.error().operation) == "pwritev");
        CHECK(file_bytes(chat_fd).value() == history_header_bytes + end);
        CHECK(file.end() == end);
    }
}

TEST_CASE("index entries torn half-way are written again, and none is lost") {
    // Behind the place of many entries the index is the larger file, so the limit tears it alone.
    constexpr std::uint64_t entries = 1000;
    constexpr std::uint64_t index_bytes = index_header_bytes + entries * index_entry_bytes;
    UniqueFd index = memory_file(index_bytes, 0);
    const UniqueFd index_again(::dup(index.get()));
    const std::string frame = message_frame("a", "b");
    {
        HistoryFile file(memory_file(history_header_bytes, 0), std::move(index), 1,
                         {.end = 0, .message_count = entries});
        append_until_entries_are_due(file, frame);
        {
            const FileSizeLimit limit(index_bytes + 16);
            REQUIRE_FALSE(append_frames(file, {frame}));
        }
        CHECK(file.message_count() == entries + index_entries_waiting_max);
        CHECK(append_frames(file, {frame}));
    }
    std::string written((index_entries_waiting_max + 1) * index_entry_bytes, '\0');
    REQUIRE(read_fully(index_again.get(), written.data(), written.size(), index_bytes).value() ==
            written.size());
    for (std::size_t i = 0; i <= index_entries_waiting_max; ++i) {
        const auto entry = decode_entry(written.data() + i * index_entry_bytes);
        REQUIRE(entry);
        CHECK(entry->end == (i + 1) * frame.size());
    }
}

TEST_CASE("a file whose failed append cannot be undone takes nothing more") {
    // The chat file can be written but not shrunk, and the limit tears one append.
    UniqueFd chat = memory_file(history_header_bytes, F_SEAL_SHRINK);
    const int chat_fd = chat.get();
    HistoryFile file(std::move(chat), memory_file(index_header_bytes, 0), 1, {});
    const std::string frame = message_frame("a", "b");
    const std::uint64_t size = history_header_bytes + 7;
    {
        const FileSizeLimit limit(size);
        REQUIRE_FALSE(append_frames(file, {frame}));
    }
    CHECK(file_bytes(chat_fd).value() == size);

    const auto refused = append_frames(file, {frame});
    REQUIRE_FALSE(refused);
    CHECK(std::string(refused.error().operation) == "ftruncate");
    CHECK(file_bytes(chat_fd).value() == size);
    CHECK(file.end() == 0);
}

TEST_CASE("a failed sync is not retried") {
    // fdatasync refuses a pipe with EINVAL, as good a failure as any.
    int pipe_fds[2];
    REQUIRE(::pipe2(pipe_fds, O_CLOEXEC) == 0);
    const UniqueFd other_end(pipe_fds[1]);
    UniqueFd chat(pipe_fds[0]);
    const int chat_fd = chat.get();
    HistoryFile file(std::move(chat), memory_file(index_header_bytes, 0), 1, {});
    REQUIRE(file.sync().error().code == EINVAL);

    const UniqueFd healthy = memory_file(history_header_bytes, 0);
    REQUIRE(::dup2(healthy.get(), chat_fd) == chat_fd);
    CHECK(file.sync().error().code == EINVAL);
}

TEST_CASE("only what was appended before a sync counts as synced") {
    RoomFiles files;
    const auto file = files.open();
    REQUIRE(file);
    REQUIRE((*file)->sync());
    const std::string frame = message_frame("ann", "x");
    REQUIRE(append_frames(**file, {frame, frame}));
    REQUIRE((*file)->sync());
    REQUIRE(append_frames(**file, {frame}));
    REQUIRE((*file)->sync());
    const std::string index = read_file(files.index);
    const auto last = decode_entry(index.data() + index.size() - index_entry_bytes);
    REQUIRE(last);
    CHECK(last->synced == 2 * frame.size());
}

TEST_CASE("a file that is no room's history is refused") {
    TempFolder folder;
    HistoryFile::Recovery recovery;
    SECTION("none") {
        CHECK(HistoryFile::open(folder.path(), "room", recovery).error().code == ENOENT);
        CHECK(HistoryFile::read_header(folder / "room.chat").error().code == ENOENT);
    }
    SECTION("something else") {
        write_file(folder / "room.chat", std::string(1000, 'x'));
        CHECK(HistoryFile::open(folder.path(), "room", recovery).error().code == EBADMSG);
        CHECK(HistoryFile::read_header(folder / "room.chat").error().code == EBADMSG);
    }
    SECTION("another room's") {
        REQUIRE(HistoryFile::create(folder.path(), {"other", 1, 1}, false));
        std::filesystem::copy_file(folder / "other.chat", folder / "room.chat");
        CHECK(HistoryFile::open(folder.path(), "room", recovery).error().code == EBADMSG);
    }
}

}  // namespace ringside
