#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace ringside::loadgen {

/// What the start of some bytes holds, in a protocol whose lines say how many bytes follow them.
struct Taken {
    enum class What : std::uint8_t {
        frame,    // a whole one, of `bytes`
        part,     // a frame's start: `bytes` are missing at least, 0: the rest of a line at least
        nonsense  // what the protocol does not have
    };
    What what = What::nonsense;
    std::size_t bytes = 0;
};

inline constexpr Taken rest_of_line{Taken::What::part, 0};
/// Nothing that a frame holds is longer.
inline constexpr std::size_t frame_bytes_max = std::size_t{1} << 20U;

/// A frame that ends in a number, a line's end, so many bytes and a line's end; the number begins
/// at `at`. `text`: those bytes, where the frame is whole.
[[nodiscard]] inline Taken take_counted(std::string_view bytes, std::size_t at,
                                        std::string_view& text) noexcept {
    std::size_t length = 0;
    const char* const end = bytes.data() + bytes.size();
    const auto [digits_end, problem] = std::from_chars(bytes.data() + at, end, length);
    const std::string_view behind(digits_end, end);
    if (behind.size() < 2 && std::string_view("\r\n").starts_with(behind)) return rest_of_line;
    if (problem != std::errc{} || length > frame_bytes_max || !behind.starts_with("\r\n")) {
        return {};
    }
    const std::size_t text_at = bytes.size() - behind.size() + 2;
    const std::size_t frame_bytes = text_at + length + 2;
    if (bytes.size() < frame_bytes) return {Taken::What::part, frame_bytes - bytes.size()};
    if (bytes.substr(text_at + length, 2) != "\r\n") return {};
    text = bytes.substr(text_at, length);
    return {Taken::What::frame, frame_bytes};
}

// Cuts a connection's incoming bytes into the frames of such a protocol. Frames that lie whole in a
// chunk are taken where they lie; only one that is cut by the end of a chunk is put together in a
// buffer.
class TextFrames {
 public:
    /// Calls `take(std::string_view) -> Taken` with bytes from the start of a frame on, which deals
    /// with that frame where it is whole. False where the stream makes no sense: it is broken.
    template <typename Take>
    [[nodiscard]] bool feed(std::string_view chunk, Take take) {
        while (!kept_.empty()) {
            const std::size_t taken = std::min(missing_in(chunk), chunk.size());
            if (taken == 0) return true;
            kept_.append(chunk.substr(0, taken));
            chunk.remove_prefix(taken);
            const Taken found = take(std::string_view(kept_));
            if (found.what == Taken::What::nonsense || kept_.size() > frame_bytes_max) {
                return broken(kept_);
            }
            missing_ = found.bytes;
            if (found.what == Taken::What::frame) kept_.clear();
        }
        while (!chunk.empty()) {
            const Taken found = take(chunk);
            if (found.what == Taken::What::nonsense) return broken(chunk);
            if (found.what == Taken::What::part) {
                missing_ = found.bytes;
                kept_.assign(chunk);
                return true;
            }
            chunk.remove_prefix(found.bytes);
        }
        return true;
    }

    /// A frame has begun and is not whole.
    [[nodiscard]] bool mid_frame() const noexcept { return !kept_.empty(); }
    /// Where the stream is broken: the start of what made no sense.
    [[nodiscard]] const std::string& nonsense() const noexcept { return nonsense_; }

 private:
    [[nodiscard]] std::size_t missing_in(std::string_view chunk) const noexcept {
        return missing_ > 0 ? missing_ : std::min(chunk.find('\n'), chunk.size() - 1) + 1;
    }
    bool broken(std::string_view bytes) {
        nonsense_ = bytes.substr(0, 80);
        return false;
    }

    std::string kept_;         // the start of a frame that has not come whole yet
    std::size_t missing_ = 0;  // of kept_: so many bytes at least; 0: the rest of a line at least
    std::string nonsense_;
};

}  // namespace ringside::loadgen
