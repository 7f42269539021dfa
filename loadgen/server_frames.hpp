#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/wire.hpp"

namespace ringside::loadgen {

// Cuts a connection's incoming bytes into server frames. Frames that lie whole in a chunk are
// handed on where they lie; only one that is cut by the end of a chunk is put together in a buffer.
class ServerFrameReader {
 public:
    /// The longest frames are room lists: 64 MiB are a million rooms.
    static constexpr std::uint64_t text_bytes_max = std::uint64_t{64} << 20U;

    /// Calls `handle(const ServerHeader&, std::string_view text)` for each whole frame; the text is
    /// valid during the call. False where a length is beyond all reason: the stream is broken.
    template <typename Handler>
    [[nodiscard]] bool feed(std::string_view chunk, Handler&& handle) {
        while (!kept_.empty()) {
            const std::size_t wanted = kept_frame_bytes() - kept_.size();
            const std::size_t taken = std::min(wanted, chunk.size());
            kept_.append(chunk.substr(0, taken));
            chunk.remove_prefix(taken);
            if (taken < wanted) return true;
            if (kept_.size() < kept_frame_bytes()) {  // that was the header, now the text
                if (load_server_header(kept_.data()).length > text_bytes_max) return false;
                continue;
            }
            handle(load_server_header(kept_.data()),
                   std::string_view(kept_).substr(server_header_bytes));
            forget_kept();
        }
        while (chunk.size() >= server_header_bytes) {
            const ServerHeader header = load_server_header(chunk.data());
            if (header.length > text_bytes_max) return false;
            if (chunk.size() - server_header_bytes < header.length) break;
            handle(header, chunk.substr(server_header_bytes, header.length));
            chunk.remove_prefix(server_header_bytes + header.length);
        }
        kept_.assign(chunk);
        return true;
    }

    /// A frame has begun and is not whole.
    [[nodiscard]] bool mid_frame() const noexcept { return !kept_.empty(); }

 private:
    static constexpr std::size_t kept_bytes_spare = std::size_t{16} * 1024;

    /// What kept_ must grow to next: a whole header, then the whole frame.
    [[nodiscard]] std::size_t kept_frame_bytes() const noexcept {
        if (kept_.size() < server_header_bytes) return server_header_bytes;
        return server_header_bytes + load_server_header(kept_.data()).length;
    }
    /// Ten thousand users must not each hold on to the memory of their longest room list.
    void forget_kept() {
        if (kept_.capacity() > kept_bytes_spare) kept_ = std::string();
        kept_.clear();
    }

    std::string kept_;  // the start of a frame that has not come whole yet
};

}  // namespace ringside::loadgen
