#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringside::loadgen {

// A value in a JSON file that a person named, and the way to it. What is not as asked for throws
// StartError with one line: the file, the place, what is wanted there. Valid as long as the parser.
class JsonNode {
 public:
    /// `file`: for the messages.
    JsonNode(std::string_view file, simdjson::dom::element root) : file_(file), element_(root) {}

    /// The member of an object.
    [[nodiscard]] JsonNode at(std::string_view name) const;
    /// Nothing where it is absent or null.
    [[nodiscard]] std::optional<JsonNode> find(std::string_view name) const;
    [[nodiscard]] std::vector<std::pair<std::string, JsonNode>> members() const;
    [[nodiscard]] std::vector<JsonNode> items() const;

    /// From 0 to `max`.
    [[nodiscard]] std::uint64_t whole(std::uint64_t max = UINT64_MAX) const;
    [[nodiscard]] double number() const;
    [[nodiscard]] bool boolean() const;
    /// The bytes that JsonObject::text() was given. Control characters are refused: most texts end
    /// up on a terminal.
    [[nodiscard]] std::string text() const;
    /// The value itself.
    [[nodiscard]] std::string json() const { return simdjson::minify(element_); }

    /// "FILE: /counts/deliveries: WANTED is wanted".
    [[noreturn]] void refuse(std::string_view wanted) const;

 private:
    JsonNode(std::string_view file, std::string path, simdjson::dom::element element)
        : file_(file), path_(std::move(path)), element_(element) {}

    std::string file_;
    std::string path_;  // a JSON pointer (RFC 6901); empty: the root
    simdjson::dom::element element_;
};

}  // namespace ringside::loadgen
