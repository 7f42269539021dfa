#include "loadgen/control_characters.hpp"

#include <fmt/format.h>

namespace ringside::loadgen {

std::string controls_escaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F, the other control characters, are C2 80 to C2 9F and nothing else is.
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            out += fmt::format("\\u{:04x}", next);
            ++i;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace ringside::loadgen
