#include "loadgen/violations.hpp"

#include <fmt/format.h>

#include <iterator>
#include <numeric>

#include "common/assert.hpp"

namespace ringside::loadgen {

std::string_view violation_name(Violation kind) noexcept {
    switch (kind) {
        case Violation::lost:
            return "lost";
        case Violation::repeated:
            return "repeated";
        case Violation::reordered:
            return "reordered";
        case Violation::corrupt:
            return "corrupt";
        case Violation::misdirected:
            return "misdirected";
        case Violation::disagreed:
            return "disagreed";
        case Violation::protocol:
            return "protocol";
        case Violation::count_:
            break;
    }
    RINGSIDE_ASSERT(!"no such violation");
}

void Violations::tell(Violation kind, std::string_view what) {
    if (!wants_details()) return;
    std::string line = fmt::format("{}: ", violation_name(kind));
    for (const char byte : what) {
        const auto value = static_cast<unsigned char>(byte);
        if (value >= 0x20 && value < 0x7f) {
            line += byte;
        } else {
            fmt::format_to(std::back_inserter(line), "\\x{:02x}", value);
        }
    }
    details_.push_back(std::move(line));
}

std::uint64_t Violations::total() const noexcept {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace ringside::loadgen
