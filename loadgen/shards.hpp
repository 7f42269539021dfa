#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::loadgen {

/// How many processes share a load, and which of their parts this is: a process has one (--shard),
/// merged results have several.
struct Shards {
    static constexpr std::uint32_t of_max = 1000;

    std::uint32_t of = 1;
    std::vector<std::uint32_t> parts{1};  // ascending, from 1 to `of`

    [[nodiscard]] bool complete() const noexcept { return parts.size() == of; }
    friend bool operator==(const Shards&, const Shards&) = default;
};

/// What a part gets of `total` things: neighbours, and at most one more than another part. Every
/// thing is in exactly one part.
struct Share {
    std::size_t first = 0;
    std::size_t size = 0;
};
[[nodiscard]] Share share_of(std::size_t total, std::uint32_t part, std::uint32_t of) noexcept;

/// Reads "2/3", the second of three; nothing where it is not that, with 1 to `of_max` of them.
[[nodiscard]] std::optional<Shards> parse_shard(std::string_view text);

/// "1, 3 of 4"; "-" where one process has all.
[[nodiscard]] std::string shards_text(const Shards& shards);

}  // namespace ringside::loadgen
