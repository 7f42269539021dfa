#include "common/frame_decoder.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/allocation_count.hpp"

namespace ringside {

namespace {

constexpr std::uint64_t limit = 65536;

using Decoded = std::vector<std::pair<std::uint32_t, std::string>>;

const Decoded four_frames = {
    {0, "ann"}, {4, ""}, {3, "a somewhat longer message\twith\nseveral lines"}, {99, "x"}};

std::string encode(const Decoded& frames) {
    std::string out;
    for (const auto& [request, text] : frames) {
        append_client_frame(out, static_cast<Request>(request), text);
    }
    return out;
}

// Reads as a server does: one chunk after the other, keeping what is unread.
Decoded decode(FrameDecoder& decoder, const std::vector<std::string_view>& chunks) {
    Decoded frames;
    for (const std::string_view chunk : chunks) {
        const std::string lent(chunk);  // gone after the turn, as a receive buffer is
        decoder.feed(lent);
        ClientFrame frame;
        while (decoder.peek(frame) == FrameDecoder::Next::frame) {
            frames.emplace_back(frame.request, std::string(frame.text));
            decoder.consume();
        }
        decoder.keep_rest();
    }
    return frames;
}

std::string header(std::uint64_t length) {
    std::string bytes(client_header_bytes, '\0');
    store_client_header(bytes.data(), Request::send_message, length);
    return bytes;
}

}  // namespace

TEST_CASE("frames cut at every byte come out whole") {
    const std::string stream = encode(four_frames);
    const std::string_view all = stream;
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        CAPTURE(cut);
        FrameDecoder decoder(limit);
        REQUIRE(decode(decoder, {all.substr(0, cut), all.substr(cut)}) == four_frames);
        REQUIRE(decoder.unread_bytes() == 0);
    }
}

TEST_CASE("frames cut at every pair of bytes come out whole") {
    const std::string stream = encode(four_frames);
    const std::string_view all = stream;
    for (std::size_t first = 0; first <= all.size(); ++first) {
        for (std::size_t second = first; second <= all.size(); ++second) {
            FrameDecoder decoder(limit);
            const Decoded frames = decode(
                decoder,
                {all.substr(0, first), all.substr(first, second - first), all.substr(second)});
            if (frames != four_frames) {
                CAPTURE(first, second);
                FAIL("a frame was changed by the cuts");
            }
        }
    }
    SUCCEED();
}

TEST_CASE("frames that arrive byte by byte come out whole") {
    const std::string stream = encode(four_frames);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        bytes.push_back(std::string_view(stream).substr(i, 1));
    }
    FrameDecoder decoder(limit);
    CHECK(decode(decoder, bytes) == four_frames);
}

TEST_CASE("whole frames of a chunk are shown in place and nothing is allocated") {
    std::string chunk;
    for (int i = 0; i < 1000; ++i)
        append_client_frame(chunk, Request::send_message, "hello there");
    FrameDecoder decoder(limit);
    const test::AllocationCount count;
    decoder.feed(chunk);
    ClientFrame frame;
    std::size_t at = client_header_bytes;
    std::size_t in_place = 0;
    while (decoder.peek(frame) == FrameDecoder::Next::frame) {
        if (frame.text.data() == chunk.data() + at && frame.text == "hello there") ++in_place;
        at += frame.text.size() + client_header_bytes;
        decoder.consume();
    }
    decoder.keep_rest();
    const std::size_t allocations = count.allocations();
    CHECK(in_place == 1000);
    CHECK(allocations == 0);
}

TEST_CASE("a frame peeked twice is the same and is taken once") {
    const std::string stream = encode({{3, "one"}, {3, "two"}});
    FrameDecoder decoder(limit);
    decoder.feed(stream);
    ClientFrame frame;
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    CHECK(frame.text == "one");
    decoder.consume();
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    CHECK(frame.text == "two");
    decoder.consume();
    CHECK(decoder.peek(frame) == FrameDecoder::Next::need_more);
}

TEST_CASE("a frame survives the chunk it came in when its owner suspends before taking it") {
    // The chunk ends inside a frame, too: what follows it later must still fit.
    const std::string stream = encode({{3, "before"}, {3, "suspended"}, {3, "behind"}, {3, "cut"}});
    const std::size_t cut = stream.size() - static_cast<std::size_t>(GENERATE(0, 1, 2, 3, 5, 15));
    std::string chunk = stream.substr(0, cut);
    FrameDecoder decoder(limit);
    decoder.feed(chunk);
    ClientFrame frame;
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    decoder.consume();
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    CHECK(frame.text == "suspended");
    decoder.keep_rest();
    chunk.assign(chunk.size(), '#');
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    CHECK(frame.text == "suspended");
    decoder.keep_rest();  // a second suspension before it is taken
    REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
    CHECK(frame.text == "suspended");
    decoder.consume();
    const Decoded rest = decode(decoder, {std::string_view(stream).substr(cut)});
    CHECK(rest == Decoded{{3, "behind"}, {3, "cut"}});
    CHECK(decoder.unread_bytes() == 0);
}

TEST_CASE("an owner that suspends at every frame takes each of them once") {
    const std::string stream = encode(four_frames);
    FrameDecoder decoder(limit);
    decoder.feed(stream);
    Decoded frames;
    ClientFrame frame;
    while (decoder.peek(frame) == FrameDecoder::Next::frame) {
        decoder.keep_rest();
        REQUIRE(decoder.peek(frame) == FrameDecoder::Next::frame);
        frames.emplace_back(frame.request, std::string(frame.text));
        decoder.consume();
        decoder.keep_rest();
    }
    CHECK(frames == four_frames);
    CHECK(decoder.unread_bytes() == 0);
}

TEST_CASE("a length up to the limit is taken and one above it refused for good") {
    const std::uint64_t length_max = GENERATE(std::uint64_t{0}, std::uint64_t{5}, limit);
    FrameDecoder decoder(length_max);
    const std::string text(length_max, 'x');
    CHECK(decode(decoder, {header(length_max), text}) == Decoded{{3, text}});
    const std::string too_long = header(length_max + 1);
    decoder.feed(too_long);
    ClientFrame frame;
    CHECK(decoder.peek(frame) == FrameDecoder::Next::too_long);
    decoder.keep_rest();
    CHECK(decoder.peek(frame) == FrameDecoder::Next::too_long);
    decoder.feed(text);
    CHECK(decoder.peek(frame) == FrameDecoder::Next::too_long);
}

TEST_CASE("the decoder refuses a length above the limit before it allocates") {
    const std::uint64_t length = GENERATE(limit + 1, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
                                          std::uint64_t{1} << 63, UINT64_MAX - 11, UINT64_MAX);
    const auto cut = static_cast<std::size_t>(GENERATE(0, 1, 4, 11, 12));
    CAPTURE(length, cut);
    const std::string bytes = header(length);
    FrameDecoder decoder(limit);
    const test::AllocationCount count;
    decoder.feed(std::string_view(bytes).substr(0, cut));
    ClientFrame frame;
    FrameDecoder::Next next = decoder.peek(frame);
    if (next == FrameDecoder::Next::need_more) {
        decoder.keep_rest();
        decoder.feed(std::string_view(bytes).substr(cut));
        next = decoder.peek(frame);
    }
    const std::size_t allocations = count.allocations();
    CHECK(next == FrameDecoder::Next::too_long);
    CHECK(allocations == 0);
}

TEST_CASE("memory grows with the bytes that arrived and not with the length that was promised") {
    FrameDecoder decoder(limit);
    const std::string begun = header(limit) + "only this much";
    const test::AllocationCount count;
    decoder.feed(begun);
    ClientFrame frame;
    CHECK(decoder.peek(frame) == FrameDecoder::Next::need_more);
    decoder.keep_rest();
    CHECK(decoder.peek(frame) == FrameDecoder::Next::need_more);
    const std::size_t largest = test::AllocationCount::largest();
    CHECK(decoder.mid_frame());
    CHECK(largest <= 2 * begun.size());
}

TEST_CASE("a decoder that is idle again owns no heap memory") {
    const auto bytes = static_cast<std::size_t>(GENERATE(100, 60'000));
    const std::string text(bytes, 'x');
    const std::string stream = header(text.size()) + text;
    const std::string_view all = stream;
    FrameDecoder decoder(limit);
    REQUIRE(decode(decoder, {all.substr(0, bytes), all.substr(bytes)}) == Decoded{{3, text}});
    CHECK(decoder.unread_bytes() == 0);
    CHECK_FALSE(decoder.mid_frame());
    CHECK(decoder.heap_bytes() == 0);
    SECTION("and one with an unfinished frame no more than a few times what it keeps") {
        const std::string more = stream + "\x03";
        const std::string_view both = more;
        REQUIRE(decode(decoder, {both.substr(0, bytes), both.substr(bytes)}).size() == 1);
        CHECK(decoder.mid_frame());
        CHECK(decoder.heap_bytes() <= 256);
    }
}

}  // namespace ringside
