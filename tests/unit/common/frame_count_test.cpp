#include "common/frame_count.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace ringside {

namespace {

std::string three_frames() {
    std::string out;
    append_server_frame(out, Request::receive_message, Status::success, "hello");
    append_server_frame(out, Request::receive_message, Status::success, "");
    append_server_frame(out, Request::receive_message, Status::success, std::string(300, 'x'));
    return out;
}

}  // namespace

TEST_CASE("frames are counted wherever the stream is cut") {
    const std::string stream = three_frames();
    const std::string_view all = stream;
    for (std::size_t first = 0; first <= all.size(); ++first) {
        for (std::size_t second = first; second <= all.size(); second += 3) {
            FrameCount count;
            std::uint64_t frames = count.add(all.substr(0, first));
            frames += count.add(all.substr(first, second - first));
            frames += count.add(all.substr(second));
            if (frames != 3 || !count.at_boundary()) {
                CAPTURE(first, second, frames);
                FAIL("miscounted");
            }
        }
    }
    SUCCEED();
}

TEST_CASE("frames are counted one byte at a time, each with its last byte") {
    const std::string stream = three_frames();
    FrameCount count;
    std::uint64_t frames = 0;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        frames += count.add(std::string_view(stream).substr(i, 1));
        const std::size_t read = i + 1;
        const std::uint64_t expected = read < 21 ? 0U : read < 37 ? 1U : read < 353 ? 2U : 3U;
        CAPTURE(read);
        REQUIRE(frames == expected);
        REQUIRE(count.at_boundary() == (read == 21 || read == 37 || read == 353));
    }
}

TEST_CASE("the begun frame's end is known from its header on") {
    const std::string stream = three_frames();
    FrameCount count;
    CHECK(count.begun_bytes_left() == 0);
    count.add(std::string_view(stream).substr(0, 6));
    CHECK(count.begun_bytes_left() == 10);
    count.add(std::string_view(stream).substr(6, 10));
    CHECK(count.begun_bytes_left() == 5);
    count.add(std::string_view(stream).substr(16, 2));
    CHECK(count.begun_bytes_left() == 3);
    count.add(std::string_view(stream).substr(18, 3));
    CHECK(count.begun_bytes_left() == 0);
}

}  // namespace ringside
