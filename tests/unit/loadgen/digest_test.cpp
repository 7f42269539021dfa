#include "loadgen/digest.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using ringside::loadgen::digest_of;

TEST_CASE("digests of messages that differ in one bit, or in length, differ") {
    const auto bytes = GENERATE(range(0U, 130U));
    CAPTURE(bytes);
    std::string text(bytes, 'a');
    std::set<std::uint64_t> seen{digest_of(text), digest_of(text + 'a'), digest_of(text + '\0')};
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
        seen.insert(digest_of(text));
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    }
    CHECK(seen.size() == 3 + bytes * 8);
}

TEST_CASE("a digest reads no byte beyond the message") {
    for (std::size_t bytes = 0; bytes < 100; ++bytes) {
        const std::string longer(bytes + 32, 'b');
        const std::string exact(bytes, 'b');
        REQUIRE(digest_of(std::string_view(longer).substr(0, bytes)) == digest_of(exact));
    }
}
