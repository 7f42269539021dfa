#include "loadgen/live_view.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {

std::size_t columns_of(const std::string& utf8) {
    return static_cast<std::size_t>(std::ranges::count_if(
        utf8, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80; }));
}

const std::vector<double> minute(60, 1000.0);

LiveFigures measuring() {
    LiveFigures figures;
    figures.phase = "measuring";
    figures.left_ns = 6'100'000'000;
    figures.users = 100;
    figures.offered = 10'000;
    figures.sent = 10'003;
    figures.achieved = 9'998;
    figures.deliveries = 999'812;
    figures.latency = "last_member";
    figures.p50_ns = 213'000;
    figures.p99_ns = 1'204'000;
    figures.history = minute;
    return figures;
}

}  // namespace

TEST_CASE("the view tells the phase, the rates, the latencies and the violations") {
    const auto lines = live_lines(measuring(), {});
    REQUIRE(lines.size() == 5);
    CHECK_THAT(lines[0], Catch::Contains("measuring, 7 s left") && Catch::Contains("100 users"));
    CHECK_THAT(lines[1], Catch::Contains("10000 offered") && Catch::Contains("10003 sent") &&
                             Catch::Contains("9998 achieved"));
    CHECK_THAT(lines[2], Catch::Contains("999812") && Catch::Contains("####"));
    CHECK_THAT(lines[3], Catch::Contains("last_member") && Catch::Contains("p50    0.213") &&
                             Catch::Contains("p99    1.204") && Catch::Contains("p99.9        -"));
    CHECK_THAT(lines[4], Catch::Contains("none"));
}

TEST_CASE("a phase without a known end, a closed loop and an idle run show what there is") {
    LiveFigures figures = measuring();
    figures.left_ns.reset();
    figures.offered.reset();
    figures.latency = {};
    const auto lines = live_lines(figures, {});
    REQUIRE(lines.size() == 4);
    CHECK_THAT(lines[0], !Catch::Contains("left"));
    CHECK_THAT(lines[1], !Catch::Contains("offered"));
}

TEST_CASE("no line is as wide as the terminal, and the view is lower than it") {
    const std::size_t columns = GENERATE(as<std::size_t>{}, 0, 1, 5, 20, 40, 79, 80, 81, 300);
    const std::size_t rows = GENERATE(as<std::size_t>{}, 0, 1, 3, 24);
    const bool utf8 = GENERATE(false, true);
    CAPTURE(columns, rows, utf8);
    LiveFigures figures = measuring();
    figures.violations =
        "1234567 lost, 1234567 repeated, 1234567 reordered, 1234567 corrupt, "
        "1234567 misdirected, 1234567 disagreed, 1234567 protocol";
    const auto lines = live_lines(figures, {columns, rows, utf8, false});
    CHECK(lines.size() <= (rows == 0 ? 0 : rows - 1));
    for (const std::string& line : lines) {
        CAPTURE(line);
        CHECK(columns_of(line) <= (columns == 0 ? 0 : columns - 1));
    }
}

// At 20 columns it was "messages/s" without a figure, and words that were cut.
TEST_CASE("a narrow view leaves out whole figures, never a part of one") {
    LiveFigures figures = measuring();
    figures.violations = "3 lost, 12 repeated";
    const auto view = [&figures](std::size_t columns) {
        return live_lines(figures, {columns, 24, false, false});
    };
    CHECK(view(20) == std::vector<std::string>{"measuring, 7 s left", "10000 offered",
                                               "deliveries/s 999812", "violations 3 lost,"});
    CHECK(view(30) ==
          std::vector<std::string>{"measuring, 7 s left 100 users", "messages/s 10000 offered",
                                   "deliveries/s       999812  ##", "last_member, ms p50    0.213",
                                   "violations 3 lost,"});
    CHECK(view(40)[1] == "messages/s 10000 offered 10003 sent");
    figures.violations.clear();
    CHECK(view(16).back() == "violations none");
    CHECK(view(5).empty());
    CHECK(view(15) == std::vector<std::string>{"100 users", "10000 offered"});
}

TEST_CASE("the sparkline of a minute keeps its latest seconds where the terminal is narrow") {
    std::vector<double> rising(60);
    for (std::size_t i = 0; i < rising.size(); ++i)
        rising[i] = static_cast<double>(i + 1);
    LiveFigures figures = measuring();
    figures.history = rising;
    CHECK_THAT(live_lines(figures, {90, 24, false, false})[2],
               Catch::Contains(" ____") && Catch::EndsWith("####"));
    const std::string narrow = live_lines(figures, {40, 24, false, false})[2];
    CHECK(narrow.size() == 39);
    CHECK_THAT(narrow, Catch::EndsWith("####") && !Catch::Contains("_"));
}

TEST_CASE("a sparkline is in proportion to its largest value, in blocks or in ASCII") {
    const std::vector<double> values = {0, 1, 2, 4, 7.9, 8};
    CHECK(sparkline(values, true) == "▁▂▃▅██");
    CHECK(sparkline(values, false) == "_.:=##");
    CHECK(sparkline(std::vector<double>{0, 0}, false) == "__");
    CHECK(sparkline({}, true).empty());
}

TEST_CASE("violations are red where colours are wanted, and nothing else is") {
    LiveFigures figures = measuring();
    const auto any_colour = [&figures](const TerminalStyle& style) {
        return std::ranges::any_of(live_lines(figures, style), [](const std::string& line) {
            return line.find('\x1b') != std::string::npos;
        });
    };
    CHECK_FALSE(any_colour({80, 24, true, true}));
    figures.violations = "3 lost";
    CHECK(live_lines(figures, {80, 24, true, true})[4] == "\x1b[31mviolations      3 lost\x1b[0m");
    CHECK(live_lines(figures, {80, 24, true, false})[4] == "violations      3 lost");
    CHECK_FALSE(any_colour({80, 3, true, true}));  // they are below the last row
}

TEST_CASE("the view is drawn over the one before, and leaves nothing behind") {
    LiveScreen screen;
    CHECK(screen.clear().empty());
    CHECK(screen.draw({"one", "two"}, 80) == "\x1b[2Kone\n\x1b[2Ktwo\n\x1b[J");
    CHECK(screen.draw({"three"}, 80) == "\r\x1b[2A\x1b[2Kthree\n\x1b[J");
    CHECK(screen.clear() == "\r\x1b[1A\x1b[J");
    CHECK(screen.clear().empty());
}

TEST_CASE("in a window of another width the view begins anew, so that no text is drawn over") {
    LiveScreen screen;
    static_cast<void>(screen.draw({"one", "two"}, 80));
    CHECK(screen.draw({"one", "two"}, 40) == "\x1b[2Kone\n\x1b[2Ktwo\n\x1b[J");
    CHECK(screen.draw({"one"}, 40) == "\r\x1b[2A\x1b[2Kone\n\x1b[J");
}
