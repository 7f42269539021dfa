#include "loadgen/line_cutter.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace ringside::loadgen;

namespace {

const std::string passed_over = "(passed over)";

void take_all(LineCutter& cutter, std::vector<std::string>& lines) {
    std::string_view line;
    for (;;) {
        switch (cutter.next(line)) {
            case LineCutter::Next::line:
                lines.emplace_back(line);
                break;
            case LineCutter::Next::too_long:
                lines.push_back(passed_over);
                break;
            case LineCutter::Next::need_more:
                return;
        }
    }
}

/// The lines of `text`, read in blocks of so many bytes.
std::vector<std::string> lines_of_blocks(std::string_view text, std::size_t block_bytes) {
    LineCutter cutter;
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::span<char> room = cutter.room();
        const std::size_t bytes = std::min({block_bytes, text.size(), room.size()});
        std::ranges::copy(text.substr(0, bytes), room.begin());
        text.remove_prefix(bytes);
        cutter.filled(bytes);
        take_all(cutter, lines);
    }
    cutter.ended();
    take_all(cutter, lines);
    return lines;
}

}  // namespace

TEST_CASE("lines come out whole, wherever the blocks cut them") {
    const auto block_bytes = GENERATE(range(std::size_t{1}, std::size_t{12}), std::size_t{1000});
    CAPTURE(block_bytes);
    CHECK(lines_of_blocks("one\ntwo\r\n\nfour four", block_bytes) ==
          std::vector<std::string>{"one", "two\r", "", "four four"});
    CHECK(lines_of_blocks("one\n", block_bytes) == std::vector<std::string>{"one"});
    CHECK(lines_of_blocks("\n\n", block_bytes) == std::vector<std::string>{"", ""});
    CHECK(lines_of_blocks("", block_bytes).empty());
}

TEST_CASE("a line up to the bound is whole; above it is passed over, and the next one is read") {
    const std::size_t block_bytes = GENERATE(std::size_t{777}, LineCutter::block_bytes);
    CAPTURE(block_bytes);
    const std::string longest(LineCutter::line_bytes_max, 'x');
    CHECK(lines_of_blocks(longest + "\nnext\n", block_bytes) ==
          std::vector<std::string>{longest, "next"});
    CHECK(lines_of_blocks(longest, block_bytes) == std::vector<std::string>{longest});
    CHECK(lines_of_blocks(longest + "y\nnext\n", block_bytes) ==
          std::vector<std::string>{passed_over, "next"});
    CHECK(lines_of_blocks(longest + "y", block_bytes) == std::vector<std::string>{passed_over});
    const std::string huge(10 * LineCutter::block_bytes, 'x');
    CHECK(lines_of_blocks("first\n" + huge + "\n\n" + huge + "\nlast", block_bytes) ==
          std::vector<std::string>{"first", passed_over, "", passed_over, "last"});
}
