#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/wire.hpp"

namespace ringside {

// Cuts a connection's incoming bytes into client frames, without copying where a chunk holds whole
// frames and without ever allocating from a length that the peer chose.
//
// 1. feed(chunk) lends the decoder the bytes just received.
// 2. peek() shows the next whole frame without taking it; consume() takes it. Between the two the
//    owner may suspend, provided that it called keep_rest() before the chunk went away.
// 3. keep_rest() copies what is unread into the decoder; peek() again after it, since the text of
//    an earlier peek() pointed into the chunk.
// 4. A length above the limit is answered by `too_long` for good: the stream cannot be trusted.
//
// One connection, one decoder, one thread at a time. An idle decoder owns no heap memory.
class FrameDecoder {
 public:
    enum class Next : std::uint8_t { frame, need_more, too_long };

    explicit FrameDecoder(std::uint64_t length_max) noexcept : length_max_(length_max) {}

    /// Lends `chunk` until the next keep_rest(). Any chunk lent before must have been used up or
    /// kept.
    void feed(std::string_view chunk);
    /// The next frame; its text is valid until consume(), feed() or keep_rest().
    [[nodiscard]] Next peek(ClientFrame& frame);
    /// Drops the frame that peek() returned last.
    void consume() noexcept;
    /// Copies the unread rest of the chunk; frees the own buffer where nothing is left.
    void keep_rest();

    /// Bytes received and not consumed: bounds what the owner lets a held-up client send.
    [[nodiscard]] std::size_t unread_bytes() const noexcept;
    /// True when the unread bytes end in an unfinished frame (the frame time limit runs). Only
    /// meaningful after peek() answered need_more.
    [[nodiscard]] bool mid_frame() const noexcept { return unread_bytes() != 0; }
    /// Heap memory that it owns.
    [[nodiscard]] std::size_t heap_bytes() const noexcept {
        return kept_.capacity() > std::string().capacity() ? kept_.capacity() + 1 : 0;
    }

 private:
    /// Moves bytes from the chunk behind the kept ones until `bytes` are together, if it has them:
    /// memory grows with what has arrived, never with what a header promises.
    [[nodiscard]] bool gather(std::size_t bytes);

    std::uint64_t length_max_;
    // Bytes kept over from earlier chunks come first, then the rest of the chunk lent.
    std::string kept_;
    std::size_t kept_read_ = 0;
    std::string_view chunk_;
    std::size_t peeked_bytes_ = 0;  // size of the frame that peek() showed, 0 where none
};

}  // namespace ringside
