#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringside {

/// Nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t monotonic_ns() noexcept;

/// The wall clock as a seam: servers take the real one, tests a fake.
class WallClock {
 public:
    virtual ~WallClock() = default;
    /// Nanoseconds since 1970-01-01 UTC.
    [[nodiscard]] virtual std::int64_t now_ns() const noexcept = 0;
};

class SystemWallClock final : public WallClock {
 public:
    [[nodiscard]] std::int64_t now_ns() const noexcept override;
};

/// Local time as `HH:MM:SS MM/DD/YY` (protocol.md, receive_message), formatted once a second.
/// One object per thread.
class LocalTimeText {
 public:
    static constexpr std::size_t bytes = 17;
    /// Valid until the next call.
    [[nodiscard]] std::string_view at(std::int64_t wall_ns) noexcept;

 private:
    std::int64_t second_ = -1;
    char text_[bytes + 1] = {};
};

}  // namespace ringside
