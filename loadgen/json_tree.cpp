#include "loadgen/json_tree.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace ringside::loadgen {

namespace {

namespace ondemand = simdjson::ondemand;

class TooDeep {};

unsigned line_of(std::string_view text, std::size_t place) {
    return 1 + static_cast<unsigned>(std::count(text.data(), text.data() + place, '\n'));
}

unsigned last_line(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    return end == text.npos ? 1 : line_of(text, end);
}

// No character of UTF-8 has the byte of a line feed within it.
unsigned first_line_not_utf8(std::string_view text) {
    unsigned line = 1;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n'), ++line) {
        if (!simdjson::validate_utf8(text.substr(0, end))) break;
        text.remove_prefix(end + 1);
    }
    return line;
}

// Where a text goes on behind its line, for want of its end.
unsigned first_line_of_broken_text(std::string_view text) {
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (inside && static_cast<unsigned char>(text[i]) < 0x20) return line_of(text, i);
        if (text[i] == '"') inside = !inside;
        if (text[i] == '\\') ++i;
    }
    return last_line(text);
}

// Of a document of which not even the outline could be read.
JsonMistake outline_mistake(std::string_view text, simdjson::error_code error) {
    const char* const what = simdjson::error_message(error);
    if (error == simdjson::UTF8_ERROR) return {first_line_not_utf8(text), what};
    if (error == simdjson::UNESCAPED_CHARS || error == simdjson::UNCLOSED_STRING) {
        return {first_line_of_broken_text(text), what};
    }
    return {last_line(text), what};
}

class TreeBuilder {
 public:
    explicit TreeBuilder(const simdjson::padded_string& text) : text_(text) {}

    std::expected<JsonTree, JsonMistake> build() {
        ondemand::document document;
        if (const auto error = parser_.iterate(text_).get(document)) {
            return std::unexpected(outline_mistake(text_, error));
        }
        try {
            JsonTree root = node(document, 0);
            const auto behind = document.current_location();
            if (behind.error() == simdjson::OUT_OF_BOUNDS) return root;
            return std::unexpected(mistake(document, "more follows after the end of the document"));
        } catch (const simdjson::simdjson_error& error) {
            // This is told with the beginning of what has no end.
            if (error.error() == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
                return std::unexpected(outline_mistake(text_, error.error()));
            }
            return std::unexpected(mistake(document, error.what()));
        } catch (const TooDeep&) {
            return std::unexpected(
                mistake(document, fmt::format("more than {} levels", json_depth_max)));
        }
    }

 private:
    template <typename Value>  // the document or a value in it
    JsonTree node(Value& value, unsigned depth) {
        if (depth == json_depth_max) throw TooDeep();
        JsonTree out;
        out.line = line_ = line_at(value.current_location().value());
        switch (ondemand::json_type(value.type())) {
            case ondemand::json_type::object:
                out.kind = JsonTree::Kind::object;
                for (auto field : value.get_object()) {
                    std::string name(std::string_view(field.unescaped_key()));
                    ondemand::value member = field.value();
                    out.members.emplace_back(std::move(name), node(member, depth + 1));
                }
                break;
            case ondemand::json_type::array:
                out.kind = JsonTree::Kind::list;
                for (auto item : value.get_array()) {
                    ondemand::value one = item.value();
                    out.items.push_back(node(one, depth + 1));
                }
                break;
            case ondemand::json_type::string:
                out.kind = JsonTree::Kind::text;
                out.text = std::string_view(value.get_string());
                break;
            case ondemand::json_type::number:
                take_number(out, value);
                break;
            case ondemand::json_type::boolean:
                out.kind = JsonTree::Kind::boolean;
                out.boolean = value.get_bool();
                break;
            case ondemand::json_type::null:
                if (!bool(value.is_null())) throw simdjson::simdjson_error(simdjson::N_ATOM_ERROR);
                break;
        }
        return out;
    }

    template <typename Value>
    static void take_number(JsonTree& out, Value& value) {
        ondemand::number number;
        if (value.get_number().get(number) != simdjson::SUCCESS) {
            out.kind = JsonTree::Kind::number;  // above 2^64 - 1, or none: then this throws
            out.number = value.get_double();
            return;
        }
        if (number.is_uint64() || (number.is_int64() && number.get_int64() >= 0)) {
            out.kind = JsonTree::Kind::whole;
            out.whole = number.is_uint64() ? number.get_uint64()
                                           : static_cast<std::uint64_t>(number.get_int64());
            return;
        }
        out.kind = JsonTree::Kind::number;
        out.number = number.as_double();
    }

    [[nodiscard]] unsigned line_at(const char* place) const {
        return line_of(text_, static_cast<std::size_t>(place - text_.data()));
    }

    JsonMistake mistake(ondemand::document& document, std::string what) {
        const char* place = nullptr;
        const bool known = document.current_location().get(place) == simdjson::SUCCESS &&
                           place >= text_.data() && place <= text_.data() + text_.size();
        // The place may be behind the end.
        return {known ? std::min(line_at(place), last_line(text_)) : line_, std::move(what)};
    }

    const simdjson::padded_string& text_;
    ondemand::parser parser_;
    unsigned line_ = 1;  // of the value that was begun last
};

}  // namespace

std::string JsonTree::description() const {
    switch (kind) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return boolean ? "true" : "false";
        case Kind::whole:
            return fmt::to_string(whole);
        case Kind::number:
            return fmt::format("{:.6g}", number);
        case Kind::text:
            return fmt::format("\"{}\"", text);
        case Kind::list:
            return items.empty() ? "an empty list" : "a list";
        case Kind::object:
            return "an object";
    }
    return {};
}

std::expected<JsonTree, JsonMistake> parse_json(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
        return std::unexpected(
            JsonMistake{1, "it begins with a byte order mark (EF BB BF), and must not"});
    }
    const simdjson::padded_string padded(text);
    return TreeBuilder(padded).build();
}

}  // namespace ringside::loadgen
