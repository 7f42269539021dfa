#include "loadgen/server_frames.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

using Frames = std::vector<std::pair<std::uint32_t, std::string>>;

std::string stream() {
    std::string bytes;
    append_server_frame(bytes, Request::set_name, Status::success, "");
    append_server_frame(bytes, Request::get_chats, Status::success, "one\ntwo\n");
    append_server_frame(bytes, Request::receive_message, Status::success, std::string(300, 'x'));
    append_server_frame(bytes, Request::leave_chat, Status::failure, "");
    return bytes;
}

const Frames expected = {{0, ""}, {8, "one\ntwo\n"}, {6, std::string(300, 'x')}, {4, ""}};

bool feed(ServerFrameReader& reader, std::string_view chunk, Frames& frames) {
    // A copy of exactly these bytes, so that a sanitizer sees a read beyond them.
    const std::vector<char> own(chunk.begin(), chunk.end());
    return reader.feed({own.data(), own.size()},
                       [&](const ServerHeader& header, std::string_view text) {
                           frames.emplace_back(header.request, text);
                       });
}

}  // namespace

TEST_CASE("frames come out whole wherever the stream is cut in two") {
    const std::string bytes = stream();
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        ServerFrameReader reader;
        Frames frames;
        REQUIRE(feed(reader, bytes.substr(0, cut), frames));
        const bool at_boundary = cut == 0 || cut == 16 || cut == 40 || cut == 356 || cut == 372;
        REQUIRE(reader.mid_frame() != at_boundary);
        REQUIRE(feed(reader, bytes.substr(cut), frames));
        REQUIRE(frames == expected);
        REQUIRE_FALSE(reader.mid_frame());
    }
}

TEST_CASE("frames come out whole from chunks of any one size") {
    const std::string bytes = stream() + stream();
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        CAPTURE(size);
        ServerFrameReader reader;
        Frames frames;
        for (std::size_t at = 0; at < bytes.size(); at += size) {
            REQUIRE(feed(reader, std::string_view(bytes).substr(at, size), frames));
        }
        REQUIRE(frames.size() == 2 * expected.size());
    }
}

TEST_CASE("a length beyond all reason is refused, even where the header comes in pieces") {
    std::string header(server_header_bytes, '\0');
    store_server_header(header.data(), Request::get_chats, Status::success,
                        ServerFrameReader::text_bytes_max + 1);
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
        CAPTURE(cut);
        ServerFrameReader reader;
        Frames frames;
        const bool first = feed(reader, header.substr(0, cut), frames);
        CHECK_FALSE((first && feed(reader, header.substr(cut), frames)));
    }
}
