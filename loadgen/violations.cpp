#include "loadgen/violations.hpp"

#include <fmt/format.h>

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

std::string printable(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        if (value >= 0x20 && value < 0x7f) {
            text += byte;
        } else {
            text += fmt::format("\\x{:02x}", value);
        }
    }
    return text;
}

void Violations::tell(Violation kind, std::string_view what) {
    if (!wants_details()) return;
    details_.push_back(fmt::format("{}: {}", violation_name(kind), printable(what)));
}

std::string Violations::text() const {
    std::string text;
    for (std::size_t i = 0; i < violation_kinds; ++i) {
        if (counts_[i] == 0) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts_[i],
                            violation_name(static_cast<Violation>(i)));
    }
    return text;
}

std::uint64_t Violations::total() const noexcept {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace ringside::loadgen
