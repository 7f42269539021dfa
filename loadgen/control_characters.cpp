#include "loadgen/control_characters.hpp"

#include <fmt/format.h>

namespace ringside::loadgen {

std::string controls_escaped(std::string_view text) {
    std::string out;
    unsigned char before = 0;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        const bool second_of_control = before == 0xc2 && byte >= 0x80 && byte < 0xa0;
        if (second_of_control) out.replace(out.size() - 1, 1, "\\xc2");
        if (byte < 0x20 || byte == 0x7f || second_of_control)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += character;
        before = byte;
    }
    return out;
}

}  // namespace ringside::loadgen
