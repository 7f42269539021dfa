#include "loadgen/json_object.hpp"

#include <fmt/format.h>

#include <cmath>

namespace ringside::loadgen {

namespace {

enum class Charset : std::uint8_t { bytes, utf8 };

// RFC 8259 section 7.
std::string json_text(std::string_view value, Charset charset = Charset::bytes) {
    std::string out = "\"";
    for (const char byte : value) {
        const auto code = static_cast<unsigned char>(byte);
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += byte;
        } else if (code < 0x20 || (code > 0x7e && charset == Charset::bytes)) {
            out += fmt::format("\\u{:04x}", code);
        } else {
            out += byte;
        }
    }
    return out + '"';
}

}  // namespace

void JsonObject::text(std::string_view name, std::string_view value) {
    add(name, json_text(value));
}

void JsonObject::utf8_text(std::string_view name, std::string_view value) {
    add(name, json_text(value, Charset::utf8));
}

void JsonObject::texts(std::string_view name, std::span<const std::string> values) {
    std::string all;
    for (const std::string& value : values)
        all += (all.empty() ? "" : ", ") + json_text(value);
    add(name, "[" + all + "]");
}

void JsonObject::number(std::string_view name, double value) {
    add(name, std::isfinite(value) ? fmt::format("{:.6f}", value) : "null");
}

void JsonObject::add(std::string_view name, std::string_view value) {
    if (!members_.empty()) members_ += ", ";
    members_ += fmt::format("\"{}\": {}", name, value);
}

}  // namespace ringside::loadgen
