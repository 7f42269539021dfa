#include "loadgen/json_tree.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace ringside::loadgen {

namespace {

namespace ondemand = simdjson::ondemand;

class TooDeep {};

class TreeBuilder {
 public:
    explicit TreeBuilder(const simdjson::padded_string& text) : text_(text) {}

    std::expected<JsonTree, JsonMistake> build() {
        ondemand::document document;
        // Nothing where not even the outline of the document could be read.
        if (const auto error = parser_.iterate(text_).get(document)) {
            return std::unexpected(JsonMistake{0, simdjson::error_message(error)});
        }
        try {
            JsonTree root = node(document, 0);
            const auto behind = document.current_location();
            if (behind.error() == simdjson::OUT_OF_BOUNDS) return root;
            return std::unexpected(mistake(document, "more follows after the end of the document"));
        } catch (const simdjson::simdjson_error& error) {
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
        out.line = line_at(value.current_location().value());
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
                take_number(out, value.get_number());
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

    static void take_number(JsonTree& out, const ondemand::number& number) {
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
        return 1 + static_cast<unsigned>(std::count(text_.data(), place, '\n'));
    }

    JsonMistake mistake(ondemand::document& document, std::string what) {
        const char* place = nullptr;
        if (document.current_location().get(place) != simdjson::SUCCESS)
            return {0, std::move(what)};
        const bool inside = place >= text_.data() && place <= text_.data() + text_.size();
        return {inside ? line_at(place) : 0, std::move(what)};
    }

    const simdjson::padded_string& text_;
    ondemand::parser parser_;
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
            return "a list";
        case Kind::object:
            return "an object";
    }
    return {};
}

std::expected<JsonTree, JsonMistake> parse_json(std::string_view text) {
    const simdjson::padded_string padded(text);
    return TreeBuilder(padded).build();
}

}  // namespace ringside::loadgen
