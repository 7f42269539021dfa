#include "common/frame_decoder.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace ringside {

namespace {

// A buffer that once held much more than what is kept now is given back: a client that leaves one
// unfinished byte behind must not pin the memory of the burst before it.
constexpr std::size_t slack_factor = 4;
constexpr std::size_t slack_bytes_min = 256;

}  // namespace

void FrameDecoder::feed(std::string_view chunk) {
    RINGSIDE_ASSERT(chunk_.empty());
    peeked_bytes_ = 0;
    chunk_ = chunk;
}

bool FrameDecoder::gather(std::size_t bytes) {
    const std::size_t kept = kept_.size() - kept_read_;
    if (kept < bytes) {
        const std::size_t moved = std::min(bytes - kept, chunk_.size());
        kept_.append(chunk_.substr(0, moved));
        chunk_.remove_prefix(moved);
    }
    return kept_.size() - kept_read_ >= bytes;
}

FrameDecoder::Next FrameDecoder::peek(ClientFrame& frame) {
    peeked_bytes_ = 0;
    // Where a frame began in an earlier chunk, its rest joins it; otherwise it is shown in place.
    const bool in_kept = kept_.size() > kept_read_;
    if (in_kept ? !gather(client_header_bytes) : chunk_.size() < client_header_bytes) {
        return Next::need_more;
    }
    const char* begin = in_kept ? kept_.data() + kept_read_ : chunk_.data();
    const ClientHeader header = load_client_header(begin);
    // Compared before anything is added to it: the length is the peer's and may be near 2^64.
    if (header.length > length_max_) return Next::too_long;
    const std::size_t bytes = client_header_bytes + static_cast<std::size_t>(header.length);
    if (in_kept ? !gather(bytes) : chunk_.size() < bytes) return Next::need_more;
    begin = in_kept ? kept_.data() + kept_read_ : chunk_.data();
    frame = {header.request, {begin + client_header_bytes, bytes - client_header_bytes}};
    peeked_bytes_ = bytes;
    return Next::frame;
}

void FrameDecoder::consume() noexcept {
    RINGSIDE_ASSERT(peeked_bytes_ != 0);
    if (kept_.size() > kept_read_) {
        RINGSIDE_ASSERT(kept_.size() - kept_read_ >= peeked_bytes_);
        kept_read_ += peeked_bytes_;
        if (kept_read_ == kept_.size()) {
            kept_.clear();
            kept_read_ = 0;
        }
    } else {
        RINGSIDE_ASSERT(chunk_.size() >= peeked_bytes_);
        chunk_.remove_prefix(peeked_bytes_);
    }
    peeked_bytes_ = 0;
}

void FrameDecoder::keep_rest() {
    const std::size_t unread = unread_bytes();
    peeked_bytes_ = 0;
    if (kept_.capacity() > slack_bytes_min && kept_.capacity() / slack_factor > unread) {
        std::string fresh;
        fresh.reserve(unread);
        fresh.append(kept_, kept_read_).append(chunk_);
        kept_.swap(fresh);
    } else {
        kept_.erase(0, kept_read_);
        kept_.append(chunk_);
        if (unread == 0) std::string().swap(kept_);
    }
    kept_read_ = 0;
    chunk_ = {};
    RINGSIDE_ASSERT(kept_.size() == unread);
}

std::size_t FrameDecoder::unread_bytes() const noexcept {
    return kept_.size() - kept_read_ + chunk_.size();
}

}  // namespace ringside
