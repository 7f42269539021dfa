#include "common/help_formatter.hpp"

#include <string_view>
#include <vector>

namespace ringside {

namespace {

constexpr std::size_t text_column = 29;
constexpr std::size_t line_columns = 80;

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        words.emplace_back(word);
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return words;
}

/// Appends the words in the right column; the last line of `out` is what stands in the left one.
void append_wrapped(std::string& out, const std::vector<std::string>& words) {
    std::size_t column = out.size();
    for (const std::string& word : words) {
        const bool begins = column < text_column;
        if (!begins && column + 1 + word.size() > line_columns) {
            out += '\n';
            column = 0;
        }
        const std::size_t space = column < text_column ? text_column - column : 1;
        out.append(space, ' ');
        out += word;
        column += space + word.size();
    }
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
    std::string left = "  " + make_option_name(option, is_positional);
    // A flag has a type as well in some versions of CLI11, but takes no value.
    if (option->get_items_expected_max() > 0) left += " " + option->get_type_name();
    std::vector<std::string> words = split_words(option->get_description());
    // One word to the wrapping: name and value of the default stay together.
    const std::string initial = option->get_default_str();
    if (!initial.empty()) words.push_back("Default: " + initial + ".");
    std::string right;
    if (left.size() + 2 > text_column) {
        append_wrapped(right, words);
        return left + '\n' + right + '\n';
    }
    append_wrapped(left, words);
    return left + '\n';
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
    std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
    // Versions of CLI11 differ in how many empty lines stand between groups; ours is one.
    for (std::size_t at = 0; (at = help.find("\n\n\n", at)) != std::string::npos;)
        help.erase(at, 1);
    return help;
}

}  // namespace ringside
