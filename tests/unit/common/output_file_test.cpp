#include "common/output_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "common/unique_fd.hpp"
#include "support/temp_folder.hpp"

// Results once took the place of what they were to be written to: a link, a FIFO and even a device
// were files afterwards, and whoever read the FIFO got nothing.

namespace ringside {

namespace {

OutputFile found(const std::filesystem::path& name) {
    Result<OutputFile> file = OutputFile::find(name);
    REQUIRE(file);
    return *file;
}

}  // namespace

TEST_CASE("a free name and a regular file are replaced, with nothing left beside them") {
    const test::TempFolder folder;
    for (const std::string text : {"first", "second"}) {
        const OutputFile file = found(folder / "file");
        CHECK_FALSE(file.in_place);
        REQUIRE(file.write(text));
        CHECK(test::read_file(folder / "file") == text);
    }
    const std::filesystem::directory_iterator entries(folder.path());
    CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("the file behind symbolic links is replaced, the links stay") {
    const test::TempFolder folder;
    std::filesystem::create_directory(folder / "inner");
    if (GENERATE(true, false)) std::ofstream(folder / "inner" / "real") << "old";
    std::filesystem::create_symlink("inner/middle", folder / "link");
    std::filesystem::create_symlink(folder / "inner" / "real", folder / "inner" / "middle");
    const OutputFile file = found(folder / "link");
    CHECK_FALSE(file.in_place);
    REQUIRE(file.write("new"));
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(std::filesystem::is_symlink(folder / "inner" / "middle"));
    CHECK(test::read_file(folder / "inner" / "real") == "new");
    const std::filesystem::directory_iterator entries(folder / "inner");
    CHECK(std::distance(begin(entries), end(entries)) == 2);
}

TEST_CASE("links that lead to themselves are an error") {
    const test::TempFolder folder;
    std::filesystem::create_symlink("b", folder / "a");
    std::filesystem::create_symlink("a", folder / "b");
    const Result<OutputFile> file = OutputFile::find(folder / "a");
    REQUIRE_FALSE(file);
    CHECK(file.error().code == ELOOP);
}

TEST_CASE("a FIFO is written to, and one whose reader is gone is an error without a signal") {
    const test::TempFolder folder;
    const std::filesystem::path fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    // Else the reader would see an end between two writes.
    const UniqueFd other_writer(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    const OutputFile file = found(fifo);
    REQUIRE(file.in_place);
    REQUIRE(file.write("text"));
    std::array<char, 16> got{};
    CHECK(::read(reader.get(), got.data(), got.size()) == 4);
    CHECK(std::filesystem::is_fifo(fifo));
    // Longer than the pipe takes, so the write waits until the reader goes.
    std::thread leaving([&reader] {
        pollfd ready{reader.get(), POLLIN, 0};
        ::poll(&ready, 1, -1);
        reader.reset();
    });
    const Result<void> written = file.write(std::string(1 << 20, 'x'));
    leaving.join();
    REQUIRE_FALSE(written);
    CHECK(written.error().code == EPIPE);
}

TEST_CASE("what stands for an open descriptor is appended to, not replaced") {
    const test::TempFolder folder;
    const UniqueFd open_file(
        ::open((folder / "table").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(open_file.get(), "table ", 6) == 6);
    const OutputFile file = found("/proc/self/fd/" + std::to_string(open_file.get()));
    REQUIRE(file.in_place);
    REQUIRE(file.write("json"));
    std::array<char, 16> got{};
    CHECK(::pread(open_file.get(), got.data(), got.size(), 0) == 10);
    CHECK(std::string(got.data()) == "table json");
}

TEST_CASE("a device stays what it is, and says that it is full") {
    const test::TempFolder folder;
    const std::filesystem::path device = folder / "full";
    if (::mknod(device.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) return;  // needs root
    const OutputFile file = found(device);
    REQUIRE(file.in_place);
    const Result<void> written = file.write("text");
    REQUIRE_FALSE(written);
    // EACCES: the file system of the folder takes no devices.
    CHECK((written.error().code == ENOSPC || written.error().code == EACCES));
    CHECK(std::filesystem::is_character_file(device));
}

}  // namespace ringside
