#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringside::loadgen {

/// One value of a JSON document, with the line that it begins in: for files that people write.
struct JsonTree {
    enum class Kind : std::uint8_t { null, boolean, whole, number, text, list, object };

    Kind kind = Kind::null;
    unsigned line = 0;  // from 1
    bool boolean = false;
    std::uint64_t whole = 0;  // a number that is one of 0 to 2^64 - 1
    double number = 0;        // any other
    std::string text;
    std::vector<JsonTree> items;                            // of a list
    std::vector<std::pair<std::string, JsonTree>> members;  // of an object, in their order

    /// `a list`, `"abc"`, `12`: what stands there, for messages. Texts are as in the document.
    [[nodiscard]] std::string description() const;
};

struct JsonMistake {
    unsigned line = 0;  // of what ends too early: the last that holds anything
    std::string what;
};

/// RFC 8259, UTF-8 without a byte order mark, at most json_depth_max levels. A whole number above
/// 2^64 - 1 is a `number`.
[[nodiscard]] std::expected<JsonTree, JsonMistake> parse_json(std::string_view text);
inline constexpr unsigned json_depth_max = 32;

}  // namespace ringside::loadgen
