#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ringside::loadgen {

/// Builds the text of one JSON object: members are appended in order. Names are not escaped.
class JsonObject {
 public:
    /// `value` need not be UTF-8, since options come from a command line: other bytes than
    /// printable ASCII are written as the code points of Latin-1.
    void text(std::string_view name, std::string_view value);
    /// An array of strings, each as above.
    void texts(std::string_view name, std::span<const std::string> values);
    /// `value` is UTF-8 and stays it.
    void utf8_text(std::string_view name, std::string_view value);
    void boolean(std::string_view name, bool value) { add(name, value ? "true" : "false"); }
    void whole(std::string_view name, std::uint64_t value) { add(name, std::to_string(value)); }
    /// To six digits behind the point; null where the value is not finite.
    void number(std::string_view name, double value);
    /// `value`: JSON already, such as another object or null.
    void add(std::string_view name, std::string_view value);
    [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
    std::string members_;
};

}  // namespace ringside::loadgen
