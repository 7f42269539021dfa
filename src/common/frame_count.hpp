#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/wire.hpp"

namespace ringside {

// Follows one connection's stream of server frames as it is handed to the kernel, in pieces that
// may end anywhere: how many frames are complete, and where the one that has begun ends. Walks from
// header to header, about 2 ns a frame.
class FrameCount {
 public:
    /// `bytes` follow those of the calls before; returns how many frames they complete.
    std::uint64_t add(std::string_view bytes) noexcept;
    /// No frame is begun.
    [[nodiscard]] bool at_boundary() const noexcept { return header_bytes_ == 0; }
    /// Bytes that the begun frame surely still has: the rest of its header where that is not whole
    /// yet, else its rest. 0 at a boundary.
    [[nodiscard]] std::uint64_t begun_bytes_left() const noexcept;

 private:
    // The length of the begun frame as far as its header was seen, then the bytes left of its text.
    std::uint64_t text_left_ = 0;
    std::uint32_t header_bytes_ = 0;  // bytes seen of the begun frame's header; 0: none begun
};

/// The stretch of a log that was counted last, both ends frame boundaries. Members of a room are
/// mostly at the same place: the first of them counts, the others find the answer here.
struct CountedRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t frames = 0;
};

}  // namespace ringside
