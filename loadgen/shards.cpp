#include "loadgen/shards.hpp"

#include <fmt/format.h>

#include <charconv>

#include "common/assert.hpp"

namespace ringside::loadgen {

Share share_of(std::size_t total, std::uint32_t part, std::uint32_t of) noexcept {
    RINGSIDE_ASSERT(part >= 1 && part <= of);
    const std::size_t first = total * (part - 1) / of;
    return {first, total * part / of - first};
}

std::optional<Shards> parse_shard(std::string_view text) {
    std::uint32_t part = 0;
    std::uint32_t of = 0;
    const char* const end = text.data() + text.size();
    const auto [slash, no_part] = std::from_chars(text.data(), end, part);
    if (no_part != std::errc{} || slash == end || *slash != '/') return std::nullopt;
    const auto [stop, no_of] = std::from_chars(slash + 1, end, of);
    if (no_of != std::errc{} || stop != end) return std::nullopt;
    if (part < 1 || part > of || of > Shards::of_max) return std::nullopt;
    return Shards{of, {part}};
}

std::string shards_text(const Shards& shards) {
    if (shards.of == 1) return "-";
    return fmt::format("{} of {}", fmt::join(shards.parts, ", "), shards.of);
}

}  // namespace ringside::loadgen
