#include "common/atomic_file.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <iterator>
#include <string>

#include "support/temp_folder.hpp"

namespace ringside {

TEST_CASE("an atomic write makes the file or replaces it, and leaves nothing beside it") {
    const test::TempFolder folder;
    REQUIRE(write_file_atomically(folder / "file", std::string(100'000, 'a')));
    REQUIRE(write_file_atomically(folder / "file", "short"));
    CHECK(test::read_file(folder / "file") == "short");
    const std::filesystem::directory_iterator entries(folder.path());
    CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("an atomic write that fails names the step and leaves nothing behind") {
    const test::TempFolder folder;
    // A folder cannot be replaced by a file.
    std::filesystem::create_directories(folder / "taken" / "inner");
    const Result<void> written = write_file_atomically(folder / "taken", "text");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == EISDIR);
    CHECK(written.error().operation == std::string("rename"));
    const std::filesystem::directory_iterator entries(folder.path());
    CHECK(std::distance(begin(entries), end(entries)) == 1);
    CHECK_FALSE(write_file_atomically(folder / "missing" / "file", "text"));
}

}  // namespace ringside
