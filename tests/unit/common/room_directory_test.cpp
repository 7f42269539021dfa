#include "common/room_directory.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"

namespace ringside {

namespace {

std::vector<std::string> names_of(const RoomDirectory& directory) {
    std::vector<std::string> names;
    for (std::uint32_t number = 0; number < directory.size(); ++number) {
        names.push_back(directory.at(number)->name);
    }
    return names;
}

void say(RoomLog& log, std::string_view text) {
    log.stage("ann", "00:00:00 01/01/70", 0, text);
    REQUIRE(log.commit(1));
    log.publish(log.committed_end());
}

/// The descriptor under which this process has a file open.
int descriptor_of(const std::filesystem::path& file) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the iterator's own
        if (std::filesystem::read_symlink(entry.path(), gone) == file) {
            return std::stoi(entry.path().filename().string());
        }
    }
    return -1;
}

}  // namespace

TEST_CASE("rooms are listed in the order of creation, also after a restart") {
    const test::TempFolder folder;
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i)
        names.push_back("room " + std::to_string(i * 7919 % 300));
    names.push_back(".");
    names.push_back("../../outside");
    names.push_back("Grüße/☃");
    {
        RoomDirectory directory(folder.path(), false);
        for (const std::string& name : names)
            REQUIRE(directory.create(name));
        CHECK(names_of(directory) == names);
    }
    const RoomDirectory again(folder.path(), false);
    CHECK(names_of(again) == names);
    CHECK(again.warnings().empty());
    CHECK_FALSE(std::filesystem::exists(folder.path().parent_path() / "outside"));
}

TEST_CASE("a room is created once") {
    const test::TempFolder folder;
    RoomDirectory directory(folder.path(), true);
    const Result<const Room*> made = directory.create("lounge");
    REQUIRE(made);
    CHECK(directory.find("lounge") == *made);
    CHECK(directory.find("Lounge") == nullptr);
    const Result<const Room*> twice = directory.create("lounge");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().code == EEXIST);
    CHECK(directory.size() == 1);
}

TEST_CASE("the room list is one finished frame per version") {
    const test::TempFolder folder;
    RoomDirectory directory(folder.path(), false);
    const auto empty = directory.list();
    CHECK(empty->frame.size() == server_header_bytes);
    REQUIRE(directory.create("a"));
    REQUIRE(directory.create("b"));
    const auto two = directory.list();
    CHECK(two->version == directory.list_version());
    CHECK(two->version > empty->version);
    CHECK(two->frame.substr(server_header_bytes) == "a\nb\n");
    CHECK(load_server_header(two->frame.data()).length == 4);
    CHECK(directory.list() == two);
}

TEST_CASE("a data folder is one server's at a time") {
    const test::TempFolder folder;
    {
        const RoomDirectory first(folder.path(), false);
        CHECK_THROWS_WITH(RoomDirectory(folder.path(), false), Catch::Contains("another server"));
    }
    CHECK_NOTHROW(RoomDirectory(folder.path(), false));
}

TEST_CASE("a data folder is one process's at a time, and free again when that is killed") {
    const test::TempFolder folder;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t other = ::fork();
    REQUIRE(other >= 0);
    if (other == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const RoomDirectory directory(folder.path(), false);
        (void)!::write(ready[1], "x", 1);
        for (;;)
            ::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    CHECK_THROWS_WITH(RoomDirectory(folder.path(), false), Catch::Contains("another server"));
    ::kill(other, SIGKILL);
    REQUIRE(::waitpid(other, nullptr, 0) == other);
    CHECK_NOTHROW(RoomDirectory(folder.path(), false));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("a data folder several levels deep is made") {
    const test::TempFolder folder;
    RoomDirectory directory(folder / "a/b/c", true);
    CHECK(directory.create("room"));
    CHECK(std::filesystem::exists(folder / "a/b/c/room.chat"));
}

TEST_CASE("a data folder that cannot be made is refused with the way out") {
    const test::TempFolder folder;
    std::ofstream(folder / "file") << "x";
    CHECK_THROWS_WITH(RoomDirectory(folder / "file/data", false), Catch::Contains("--data"));
}

TEST_CASE("a log that nobody holds is found again with what it had") {
    const test::TempFolder folder;
    RoomDirectory directory(folder.path(), false);
    std::vector<const Room*> rooms;
    for (std::size_t i = 0; i < idle_open_rooms_max + 2; ++i) {
        rooms.push_back(directory.create("room" + std::to_string(i)).value());
    }
    const RoomLog* first = nullptr;
    {
        const auto log = directory.open_log(*rooms[0]).value();
        say(*log, "hello");
        first = log.get();
    }
    CHECK(directory.open_log(*rooms[0]).value().get() == first);
    // So many others that the first one is closed, and opened anew from its file.
    for (const Room* room : rooms)
        REQUIRE(directory.open_log(*room));
    const auto reopened = directory.open_log(*rooms[0]).value();
    CHECK(reopened->message_count() == 1);
}

TEST_CASE("of the logs that nobody holds those that were used last stay open") {
    const test::TempFolder folder;
    RoomDirectory directory(folder.path(), false);
    std::vector<const Room*> rooms;
    for (std::size_t i = 0; i <= idle_open_rooms_max; ++i) {
        rooms.push_back(directory.create("room" + std::to_string(i)).value());
    }
    for (std::size_t i = 0; i < idle_open_rooms_max; ++i)
        REQUIRE(directory.open_log(*rooms[i]));
    REQUIRE(directory.open_log(*rooms[0]));      // opened first, used last
    REQUIRE(directory.open_log(*rooms.back()));  // takes a place
    CHECK(descriptor_of(folder / "room0.chat") >= 0);
    CHECK(descriptor_of(folder / "room1.chat") < 0);
}

TEST_CASE("what is no room is named and left alone, cut-off creations are cleared away") {
    const test::TempFolder folder;
    std::ofstream(folder / "junk.chat") << "no header";
    std::ofstream(folder / (std::string(history_temporary_prefix) + "half.chat")) << "x";
    const RoomDirectory directory(folder.path(), false);
    CHECK(directory.size() == 0);
    REQUIRE(directory.warnings().size() == 1);
    CHECK_THAT(directory.warnings()[0], Catch::Contains("junk.chat"));
    CHECK(std::filesystem::exists(folder / "junk.chat"));
    CHECK_FALSE(
        std::filesystem::exists(folder / (std::string(history_temporary_prefix) + "half.chat")));
}

// Symptom: the room did not exist for whoever joined, and existed for whoever created it.
TEST_CASE("a room whose header is damaged is not made anew, and its files stay as they are") {
    const test::TempFolder folder;
    std::ofstream(folder / "damaged.chat") << "no header";
    RoomDirectory directory(folder.path(), false);
    CHECK(directory.find("damaged") == nullptr);
    const Result<const Room*> made = directory.create("damaged");
    REQUIRE_FALSE(made);
    CHECK(made.error().code == EBADMSG);
    CHECK(std::filesystem::file_size(folder / "damaged.chat") == 9);
    CHECK_FALSE(std::filesystem::exists(folder / "damaged.idx"));
    CHECK(directory.create("another"));
}

TEST_CASE("a damaged room is closed and the others serve") {
    const test::TempFolder folder;
    {
        RoomDirectory directory(folder.path(), false);
        for (const char* name : {"damaged", "fine"}) {
            const auto log = directory.open_log(*directory.create(name).value()).value();
            say(*log, "one");
            REQUIRE(log->file()->sync());
            say(*log, "two");
        }
    }
    // Less than what was synced.
    std::filesystem::resize_file(folder / "damaged.chat", history_header_bytes + 10);
    RoomDirectory directory(folder.path(), false);
    const Room& damaged = *directory.find("damaged");
    CHECK(directory.open_log(damaged).error().code == EBADMSG);
    CHECK(directory.open_log(*directory.find("fine")).value()->message_count() == 2);
    // It stays closed without being read again.
    std::filesystem::remove(folder / "damaged.chat");
    CHECK(directory.open_log(damaged).error().code == EBADMSG);
}

TEST_CASE("a room whose sync failed is not opened again") {
    const test::TempFolder folder;
    RoomDirectory directory(folder.path(), false);
    std::vector<const Room*> rooms;
    for (std::size_t i = 0; i <= idle_open_rooms_max; ++i) {
        rooms.push_back(directory.create("room" + std::to_string(i)).value());
    }
    {
        const auto log = directory.open_log(*rooms[0]).value();
        // fdatasync refuses a pipe, so one takes the place of the file.
        int fds[2];
        REQUIRE(::pipe(fds) == 0);
        REQUIRE(::dup2(fds[0], descriptor_of(folder / "room0.chat")) >= 0);
        CHECK_FALSE(log->file()->sync());
        ::close(fds[0]);
        ::close(fds[1]);
    }
    for (std::size_t i = 1; i < rooms.size(); ++i)
        REQUIRE(directory.open_log(*rooms[i]));
    const auto refused = directory.open_log(*rooms[0]);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EIO);
}

TEST_CASE("a repaired history is reported once") {
    const test::TempFolder folder;
    {
        RoomDirectory directory(folder.path(), false);
        const Room* room = directory.create("a").value();
        say(*directory.open_log(*room).value(), "kept");
    }
    std::ofstream(folder / "a.chat", std::ios::app) << "torn";
    RoomDirectory directory(folder.path(), false);
    REQUIRE(directory.open_log(*directory.find("a")));
    const std::vector<RoomRepair> repairs = directory.take_repairs();
    REQUIRE(repairs.size() == 1);
    CHECK(repairs[0].room == "a");
    CHECK(repairs[0].recovery.cut_bytes == 4);
    CHECK(directory.take_repairs().empty());
}

}  // namespace ringside
