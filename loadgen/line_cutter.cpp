#include "loadgen/line_cutter.hpp"

#include <cstring>

#include "common/assert.hpp"

namespace ringside::loadgen {

LineCutter::LineCutter()
    : buffer_(std::make_unique<char[]>(line_bytes_max + block_bytes + padding_bytes)) {}

std::span<char> LineCutter::room() noexcept {
    const std::size_t left = end_ - begin_;
    RINGSIDE_ASSERT(left <= line_bytes_max);
    if (left != 0) std::memmove(buffer_.get(), buffer_.get() + begin_, left);
    begin_ = 0;
    end_ = left;
    return {buffer_.get() + end_, block_bytes};
}

void LineCutter::filled(std::size_t bytes) noexcept {
    RINGSIDE_ASSERT(bytes <= block_bytes);
    end_ += bytes;
}

LineCutter::Next LineCutter::next(std::string_view& line) noexcept {
    while (begin_ != end_) {
        const char* const begin = buffer_.get() + begin_;
        const void* const found = std::memchr(begin, '\n', end_ - begin_);
        if (found == nullptr) return rest(line);
        const auto bytes = static_cast<std::size_t>(static_cast<const char*>(found) - begin);
        begin_ += bytes + 1;
        if (skipping_) {
            skipping_ = false;
            continue;
        }
        if (bytes > line_bytes_max) return Next::too_long;
        line = {begin, bytes};
        return Next::line;
    }
    return Next::need_more;
}

LineCutter::Next LineCutter::rest(std::string_view& line) noexcept {
    const std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
    if (!skipping_ && bytes.size() <= line_bytes_max && !ended_) return Next::need_more;
    begin_ = end_;
    if (skipping_) return Next::need_more;
    if (bytes.size() > line_bytes_max) {
        skipping_ = true;
        return Next::too_long;
    }
    line = bytes;
    return Next::line;
}

}  // namespace ringside::loadgen
