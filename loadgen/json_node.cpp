#include "loadgen/json_node.hpp"

#include <fmt/format.h>

#include "common/result.hpp"
#include "loadgen/control_characters.hpp"

namespace ringside::loadgen {

namespace {

// JsonObject::text() writes bytes as the code points of Latin-1; in UTF-8 those above ASCII begin
// with C2 or C3. Other code points, which a person may have written, stay as they are.
std::string latin1_bytes(std::string_view utf8) {
    std::string bytes;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto lead = static_cast<unsigned char>(utf8[i]);
        if ((lead == 0xc2 || lead == 0xc3) && i + 1 < utf8.size()) {
            const auto trail = static_cast<unsigned char>(utf8[++i]);
            bytes += static_cast<char>((lead & 3U) << 6U | (trail & 0x3fU));
        } else {
            bytes += utf8[i];
        }
    }
    return bytes;
}

}  // namespace

void JsonNode::refuse(std::string_view wanted) const {
    throw StartError(fmt::format("{}: {}: {} is wanted", file_,
                                 path_.empty() ? "the whole file" : path_, wanted));
}

JsonNode JsonNode::at(std::string_view name) const {
    simdjson::dom::object object;
    if (element_.get(object) != simdjson::SUCCESS) refuse("an object");
    const std::string path = fmt::format("{}/{}", path_, name);
    simdjson::dom::element member;
    if (object.at_key(name).get(member) == simdjson::SUCCESS) return {file_, path, member};
    throw StartError(fmt::format("{}: {} is not there", file_, path));
}

std::optional<JsonNode> JsonNode::find(std::string_view name) const {
    simdjson::dom::object object;
    if (element_.get(object) != simdjson::SUCCESS) refuse("an object");
    simdjson::dom::element member;
    if (object.at_key(name).get(member) != simdjson::SUCCESS || member.is_null()) {
        return std::nullopt;
    }
    return JsonNode(file_, fmt::format("{}/{}", path_, name), member);
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
    simdjson::dom::object object;
    if (element_.get(object) != simdjson::SUCCESS) refuse("an object");
    std::vector<std::pair<std::string, JsonNode>> found;
    for (const auto& [name, member] : object) {
        found.emplace_back(name, JsonNode(file_, fmt::format("{}/{}", path_, name), member));
    }
    return found;
}

std::vector<JsonNode> JsonNode::items() const {
    simdjson::dom::array array;
    if (element_.get(array) != simdjson::SUCCESS) refuse("an array");
    std::vector<JsonNode> found;
    for (const simdjson::dom::element item : array) {
        found.push_back(JsonNode(file_, fmt::format("{}/{}", path_, found.size()), item));
    }
    return found;
}

std::uint64_t JsonNode::whole(std::uint64_t max) const {
    std::uint64_t value = 0;
    if (element_.get(value) == simdjson::SUCCESS && value <= max) return value;
    refuse(max == UINT64_MAX ? "a whole number" : fmt::format("a whole number up to {}", max));
}

double JsonNode::number() const {
    double value = 0;
    if (element_.get(value) == simdjson::SUCCESS) return value;
    refuse("a number");
}

bool JsonNode::boolean() const {
    bool value = false;
    if (element_.get(value) == simdjson::SUCCESS) return value;
    refuse("true or false");
}

std::string JsonNode::text() const {
    std::string_view value;
    if (element_.get(value) != simdjson::SUCCESS) refuse("a text");
    std::string bytes = latin1_bytes(value);
    if (bytes != controls_escaped(bytes)) refuse("a text without control characters");
    return bytes;
}

}  // namespace ringside::loadgen
