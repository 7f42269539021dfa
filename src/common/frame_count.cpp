#include "common/frame_count.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace ringside {

namespace {

constexpr std::uint32_t length_offset = 8;  // of the u64 length in a server's frame

}  // namespace

std::uint64_t FrameCount::add(std::string_view bytes) noexcept {
    std::uint64_t frames = 0;
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (header_bytes_ == 0 && bytes.size() - at >= server_header_bytes) {
            text_left_ = load_u64(bytes.data() + at + length_offset);
            header_bytes_ = server_header_bytes;
            at += server_header_bytes;
        }
        while (header_bytes_ < server_header_bytes && at < bytes.size()) {
            if (header_bytes_ == 0) text_left_ = 0;
            if (header_bytes_ >= length_offset) {
                const auto byte = static_cast<unsigned char>(bytes[at]);
                text_left_ |= std::uint64_t{byte} << (8 * (header_bytes_ - length_offset));
            }
            ++header_bytes_;
            ++at;
        }
        if (header_bytes_ < server_header_bytes) break;
        const std::uint64_t taken = std::min<std::uint64_t>(text_left_, bytes.size() - at);
        text_left_ -= taken;
        at += taken;
        if (text_left_ == 0) {
            header_bytes_ = 0;
            ++frames;
        }
    }
    RINGSIDE_ASSERT(at == bytes.size());
    return frames;
}

std::uint64_t FrameCount::begun_bytes_left() const noexcept {
    if (header_bytes_ == 0) return 0;
    if (header_bytes_ < server_header_bytes) return server_header_bytes - header_bytes_;
    return text_left_;
}

}  // namespace ringside
