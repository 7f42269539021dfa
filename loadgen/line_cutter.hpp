#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace ringside::loadgen {

// Cuts what is read in blocks into lines, without copying but for a line that a block's end cuts.
// Memory is bounded whatever comes: of a line that is too long only the length is kept.
//
//   read into room(), tell filled(), take next() until need_more; again, until the input ends
class LineCutter {
 public:
    enum class Next : std::uint8_t {
        line,
        too_long,   // a line above line_bytes_max, passed over; told once
        need_more,  // of an input that has ended: nothing is left
    };

    /// The longest line without its LF.
    static constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;
    /// What one read may bring: with the line before it that stays in a core's cache.
    static constexpr std::size_t block_bytes = std::size_t{256} * 1024;
    /// Bytes behind a line that may be read, whatever they are: parsers work in wide steps.
    static constexpr std::size_t padding_bytes = 64;

    LineCutter();

    /// Where the next block goes; lines taken before are gone. Only after need_more.
    [[nodiscard]] std::span<char> room() noexcept;
    /// The first so many bytes of room() were read.
    void filled(std::size_t bytes) noexcept;
    /// Nothing more will come: what stands behind the last LF is a line too.
    void ended() noexcept { ended_ = true; }
    /// Sets `line`, without its LF, where it returns Next::line; valid until room().
    [[nodiscard]] Next next(std::string_view& line) noexcept;

 private:
    /// What stands behind the last LF.
    [[nodiscard]] Next rest(std::string_view& line) noexcept;

    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0;  // of what was not taken yet
    std::size_t end_ = 0;
    bool skipping_ = false;  // inside a line that was told as too long
    bool ended_ = false;
};

}  // namespace ringside::loadgen
