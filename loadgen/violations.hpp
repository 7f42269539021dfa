#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::loadgen {

/// What a server can do wrong to a message (docs/benchmarking.md "What is verified").
enum class Violation : std::uint8_t {
    lost,         // a member never got a message of its room
    repeated,     // a member got a message again
    reordered,    // a message came after a later one of the same sender
    corrupt,      // not the bytes that were sent, or not those that another member got
    misdirected,  // a message of another room
    disagreed,    // two members got the same messages in a different order
    protocol,     // a frame that the protocol does not allow there, or a refusal
    count_,
};
inline constexpr std::size_t violation_kinds = static_cast<std::size_t>(Violation::count_);

[[nodiscard]] std::string_view violation_name(Violation kind) noexcept;  // "lost"

/// For a line of text: bytes that a terminal would not show come out as escapes.
[[nodiscard]] std::string printable(std::string_view bytes);

// Every violation of a run, counted by kind; the first few in words.
class Violations {
 public:
    static constexpr std::size_t details_max = 8;

    void add(Violation kind, std::uint64_t amount = 1) noexcept {
        counts_[static_cast<std::size_t>(kind)] += amount;
    }
    /// False once enough was told in words: no need to compose more.
    [[nodiscard]] bool wants_details() const noexcept { return details_.size() < details_max; }
    /// One line, of printable text.
    void tell(Violation kind, std::string_view what);

    [[nodiscard]] std::uint64_t count(Violation kind) const noexcept {
        return counts_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] std::uint64_t total() const noexcept;
    /// "3 lost, 1 repeated"; empty where there are none.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] const std::vector<std::string>& details() const noexcept { return details_; }

 private:
    std::array<std::uint64_t, violation_kinds> counts_{};
    std::vector<std::string> details_;
};

}  // namespace ringside::loadgen
