#include "loadgen/payload.hpp"

#include <array>

#include "common/assert.hpp"
#include "common/history_file.hpp"
#include "loadgen/random.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::size_t run_at = 0;
constexpr std::size_t sender_at = 8;
constexpr std::size_t room_at = 13;
constexpr std::size_t counter_at = 16;
constexpr std::size_t filler_at = 24;
constexpr std::size_t sum_digits = 8;
static_assert(payload_bytes_min == filler_at + sum_digits);
static_assert(user_name_bytes == room_at);

void store_hex(char* out, std::size_t digits, std::uint64_t value) noexcept {
    for (std::size_t i = digits; i-- > 0; value >>= 4U)
        out[i] = "0123456789abcdef"[value & 15U];
}

// The digits are covered by the sum, so nothing is gained by refusing what is no digit.
std::uint32_t load_hex(const char* in, std::size_t digits) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const auto byte = static_cast<unsigned char>(in[i]);
        value = value << 4U | ((byte & 15U) + (byte >> 6U) * 9U);
    }
    return value;
}

std::array<char, 8> run_digits(std::uint32_t run) noexcept {
    std::array<char, 8> digits{};
    store_hex(digits.data(), digits.size(), run);
    return digits;
}

bool starts_with_run(std::string_view text, std::uint32_t run) noexcept {
    const std::array<char, 8> digits = run_digits(run);
    return text.starts_with(std::string_view(digits.data(), digits.size()));
}

}  // namespace

void store_payload(std::span<char> out, const PayloadId& id) noexcept {
    RINGSIDE_ASSERT(out.size() >= payload_bytes_min && id.sender < senders_max);
    store_hex(&out[run_at], 8, id.run);
    store_hex(&out[sender_at], 5, id.sender);
    store_hex(&out[room_at], 3, id.room);
    store_hex(&out[counter_at], 8, id.counter);
    const std::size_t sum_at = out.size() - sum_digits;
    Random filler(id.run, std::uint64_t{id.sender} << 32U | id.counter);
    for (std::size_t at = filler_at; at < sum_at; at += 16) {
        store_hex(&out[at], std::min<std::size_t>(16, sum_at - at), filler.next());
    }
    store_hex(&out[sum_at], sum_digits, crc32c({out.data(), sum_at}));
}

std::optional<PayloadId> parse_payload(std::string_view text) noexcept {
    if (text.size() < payload_bytes_min) return std::nullopt;
    const std::size_t sum_at = text.size() - sum_digits;
    std::array<char, sum_digits> sum{};
    store_hex(sum.data(), sum.size(), crc32c(text.substr(0, sum_at)));
    if (text.substr(sum_at) != std::string_view(sum.data(), sum.size())) return std::nullopt;
    return PayloadId{load_hex(&text[run_at], 8), load_hex(&text[sender_at], 5),
                     static_cast<std::uint16_t>(load_hex(&text[room_at], 3)),
                     load_hex(&text[counter_at], 8)};
}

std::string user_name(std::uint32_t run, std::uint32_t sender) {
    std::string name(user_name_bytes, '0');
    store_hex(&name[run_at], 8, run);
    store_hex(&name[sender_at], 5, sender);
    return name;
}

std::string room_name(std::uint32_t run, std::uint32_t tag) {
    std::string name(18, 'r');
    store_hex(&name[1], 8, run);
    name[9] = '-';
    store_hex(&name[10], 8, tag);
    return name;
}

bool claims_run(std::string_view user, std::string_view text, std::uint32_t run) noexcept {
    return starts_with_run(user, run) || starts_with_run(text, run);
}

bool is_room_of(std::string_view room, std::uint32_t run) noexcept {
    return room.starts_with('r') && starts_with_run(room.substr(1), run);
}

}  // namespace ringside::loadgen
