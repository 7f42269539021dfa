// What a message costs besides its sends and its write: the rules, its encoding, its sum, its time.
// Part of build/bench/micro.
//
// One thread, everything in the caches: the least that each step can take, to be held against the
// 3 to 4 microseconds of a send.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/assert.hpp"
#include "common/chat_rules.hpp"
#include "common/clock.hpp"
#include "common/frame_decoder.hpp"
#include "common/history_file.hpp"
#include "common/wire.hpp"

namespace ringside::bench {

namespace {

constexpr std::string_view user = "user000000001";
constexpr std::string_view time_text = "12:34:56 11/27/26";
constexpr std::int64_t wall_ns = 1'795'780'000'000'000'000;

std::string text_of(std::int64_t bytes) {
    return std::string(static_cast<std::size_t>(bytes), 'x');
}

// 16 frames in the pieces in which the uring server's receive buffers hand them over.
void decode(benchmark::State& state) {
    constexpr std::int64_t frames = 16;
    constexpr std::size_t piece_bytes = 2048;
    std::string bytes;
    for (std::int64_t i = 0; i < frames; ++i)
        append_client_frame(bytes, Request::send_message, text_of(state.range(0)));
    FrameDecoder decoder(ChatLimits{}.frame_length_max);
    std::int64_t decoded = 0;
    while (state.KeepRunningBatch(frames)) {
        for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
            decoder.feed(std::string_view(bytes).substr(at, piece_bytes));
            for (ClientFrame frame; decoder.peek(frame) == FrameDecoder::Next::frame; ++decoded)
                decoder.consume();
            decoder.keep_rest();
        }
    }
    RINGSIDE_ASSERT(decoded == state.iterations());
}
BENCHMARK(decode)->Arg(64)->Arg(4096);

// Mostly the check that the text is UTF-8 without control characters.
void decide(benchmark::State& state) {
    const ChatRules rules(ChatLimits{});
    const std::string text = text_of(state.range(0));
    const ClientFrame frame{static_cast<std::uint32_t>(Request::send_message), text};
    for (auto _ : state)
        benchmark::DoNotOptimize(rules.decide(Stage::room, frame));
}
BENCHMARK(decide)->Arg(64)->Arg(4096);

void encode(benchmark::State& state) {
    const std::string text = text_of(state.range(0));
    std::vector<char> out(message_frame_bytes(user, time_text, text));
    for (auto _ : state) {
        store_message_frame(out.data(), user, time_text, text);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(encode)->Arg(64)->Arg(4096);

void checksum(benchmark::State& state) {
    const std::string frame = text_of(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(crc32c(frame));
}
BENCHMARK(checksum)->Arg(112)->Arg(4144);

// Formatted once a second, as the servers do.
void time_same_second(benchmark::State& state) {
    LocalTimeText time;
    for (auto _ : state)
        benchmark::DoNotOptimize(time.at(wall_ns));
}
BENCHMARK(time_same_second);

void time_new_second(benchmark::State& state) {
    LocalTimeText time;
    std::int64_t now_ns = wall_ns;
    for (auto _ : state)
        benchmark::DoNotOptimize(time.at(now_ns += 1'000'000'000));
}
BENCHMARK(time_new_second);

}  // namespace

}  // namespace ringside::bench
