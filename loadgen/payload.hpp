#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringside::loadgen {

// The text of a message of the load generator: lower-case hexadecimal digits only, so that it is
// legal everywhere and a person can read it in a history file.
//
//   run 8 | sender 5 | room 3 | counter 8 | filler (any number) | CRC-32C of all before 8
//
// The run is drawn anew for every run, so messages that an earlier run left in a room are
// recognised as such. The shortest payload has no filler: 32 digits.

inline constexpr std::size_t payload_bytes_min = 32;

inline constexpr std::uint32_t senders_max = 1U << 20U;

struct PayloadId {
    std::uint32_t run = 0;
    std::uint32_t sender = 0;   // number of the virtual user, below senders_max
    std::uint16_t room = 0;     // number of the room in the run, its low 12 bits
    std::uint32_t counter = 0;  // of the sender's messages, from 0

    friend bool operator==(const PayloadId&, const PayloadId&) = default;
};

/// Fills `out`, at least payload_bytes_min bytes. The filler follows from `id`.
void store_payload(std::span<char> out, const PayloadId& id) noexcept;

/// Nothing where it is no payload or its sum is wrong.
[[nodiscard]] std::optional<PayloadId> parse_payload(std::string_view text) noexcept;

/// The name under which a virtual user signs in: the first 13 digits of its payloads, so that the
/// name in a message can be checked against its payload.
[[nodiscard]] std::string user_name(std::uint32_t run, std::uint32_t sender);
inline constexpr std::size_t user_name_bytes = 13;

/// 'r', the run's 8 digits, '-', then `tag` in 8 digits.
[[nodiscard]] std::string room_name(std::uint32_t run, std::uint32_t tag);

/// True where the text of a message, or who is named as its sender, says that it is of `run`.
[[nodiscard]] bool claims_run(std::string_view user, std::string_view text,
                              std::uint32_t run) noexcept;
/// True where this room was made by `run`.
[[nodiscard]] bool is_room_of(std::string_view room, std::uint32_t run) noexcept;

}  // namespace ringside::loadgen
