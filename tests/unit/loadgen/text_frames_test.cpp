#include "loadgen/text_frames.hpp"

#include <catch2/catch.hpp>

using namespace ringside::loadgen;

TEST_CASE("a counted text says how much of it is missing, wherever it ends") {
    const std::string whole = "x 12\r\n0123456789ab\r\n";
    for (std::size_t size = 2; size < whole.size(); ++size) {
        CAPTURE(size);
        std::string_view text;
        const Taken taken = take_counted(std::string_view(whole).substr(0, size), 2, text);
        CHECK(taken.what == Taken::What::part);
        CHECK(taken.bytes == (size < 6 ? 0 : whole.size() - size));
    }
    std::string_view text;
    const Taken taken = take_counted(whole + "more", 2, text);
    CHECK(taken.what == Taken::What::frame);
    CHECK(taken.bytes == whole.size());
    CHECK(text.size() == 12);
}

TEST_CASE("a frame that never ends is refused before it takes much memory") {
    TextFrames frames;
    const auto never = [](std::string_view) { return rest_of_line; };
    const std::string chunk(65536, 'x');
    std::size_t fed = 0;
    while (frames.feed(chunk, never))
        fed += chunk.size();
    CHECK(fed <= frame_bytes_max);
    CHECK(frames.nonsense() == std::string(80, 'x'));
}
