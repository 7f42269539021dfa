#include "loadgen/log_tally.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <span>
#include <string>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

/// As the servers write it, but for what `members` adds.
std::string line_with(const std::string& members) {
    return R"({"ts":"2026-11-21T01:02:03.456Z","level":"debug","msg":"request")" + members + "}";
}

std::string timed(const std::string& request, const std::string& duration_ns) {
    return line_with(R"(,"request":")" + request + R"(","duration_ns":)" + duration_ns);
}

void add(LogTally& tally, std::string line) {
    line.reserve(line.size() + LineCutter::padding_bytes);
    tally.add(line);
}

const Histogram* times_of(const LogTally& tally, std::string_view request) {
    const auto found =
        std::ranges::find(tally.response_times(), request, &LogTally::ResponseTimes::request);
    return found == tally.response_times().end() ? nullptr : &found->histogram;
}

std::uint64_t lines_of(const LogTally& tally, std::string_view message) {
    const auto found = std::ranges::find(tally.messages(), message, &LogTally::Message::text);
    return found == tally.messages().end() ? 0 : found->lines;
}

/// One line of its own.
LogTally::Lines lines_of_one(const std::string& line) {
    LogTally tally;
    add(tally, line);
    return tally.lines();
}

}  // namespace

TEST_CASE("response times are told by request") {
    LogTally tally;
    add(tally, timed("send_message", "1500"));
    add(tally, timed("send_message", "500"));
    add(tally, timed("set_name", "7"));
    CHECK(tally.lines().good == 3);
    CHECK(tally.lines().timed == 3);
    REQUIRE(times_of(tally, "send_message") != nullptr);
    CHECK(times_of(tally, "send_message")->count() == 2);
    CHECK(times_of(tally, "send_message")->sum_ns() == 2000);
    CHECK(times_of(tally, "send_message")->max_ns() == 1500);
    CHECK(times_of(tally, "set_name")->count() == 1);
    CHECK(tally.response_times().size() == 2);
}

TEST_CASE("lines are counted by level and by message") {
    LogTally tally;
    add(tally, R"({"ts":"x","level":"info","msg":"serving","port":5000})");
    add(tally, R"({"msg":"draining","level":"info"})");
    add(tally, R"({"level":"warn","msg":"a \"quoted\"\ttext \u00e4"})");
    add(tally, timed("set_name", "1"));
    CHECK(tally.of_level(LogLevel::info) == 2);
    CHECK(tally.of_level(LogLevel::warn) == 1);
    CHECK(tally.of_level(LogLevel::debug) == 1);
    CHECK(tally.of_level(LogLevel::error) == 0);
    CHECK(lines_of(tally, "serving") == 1);
    CHECK(lines_of(tally, "a \"quoted\"\ttext \xc3\xa4") == 1);
    CHECK(tally.lines().good == 4);
    CHECK(tally.lines().timed == 1);
}

TEST_CASE("a line that is no whole log line is broken, and the next one counts") {
    const auto line = GENERATE(
        as<std::string>{}, "x", "{", R"({"level":"info","msg":"torn)", R"({"level":"info","msg")",
        R"({"level":"info","msg":"a"}})", R"({"level":"info","msg":"a"}{"level":"info","msg":"b"})",
        R"(["level","info"])", "17", R"("text")", "null", R"({"level":"info"})", R"({"msg":"a"})",
        R"({"level":"off","msg":"a"})", R"({"level":"loud","msg":"a"})", R"({"level":3,"msg":"a"})",
        R"({"level":"info","msg":null})", R"({"level":"info","msg":"a","unread":nope})",
        R"({"level":"info","msg":"a","unread":[1})", "{\"level\":\"info\",\"msg\":\"\xff\"}",
        R"({'level':'info','msg':'a'})");
    CAPTURE(line);
    LogTally tally;
    add(tally, timed("set_name", "1"));
    add(tally, line);
    add(tally, timed("set_name", "2"));
    CHECK(tally.lines().good == 2);
    CHECK(tally.lines().broken == 1);
    CHECK(tally.lines().first_broken == 2);
    CHECK(tally.lines().all() == 3);
    CHECK(times_of(tally, "set_name")->sum_ns() == 3);
}

TEST_CASE("a response time is a whole number up to an hour; anything else breaks the line") {
    for (const char* number : {"0", "1", "3600000000000"}) {
        CAPTURE(number);
        CHECK(lines_of_one(timed("set_name", number)).timed == 1);
    }
    for (const char* number : {"-1", "1.5", "1e3", "\"1\"", "null", "true", "[1]", "3600000000001",
                               "18446744073709551615", "18446744073709551616", "01"}) {
        CAPTURE(number);
        const LogTally::Lines lines = lines_of_one(timed("set_name", number));
        CHECK(lines.timed == 0);
        CHECK(lines.broken == 1);
    }
    CHECK(lines_of_one(line_with(R"(,"request":3,"duration_ns":1)")).broken == 1);
}

TEST_CASE("a line with half of a response time is good and has none") {
    const LogTally::Lines request = lines_of_one(line_with(R"(,"request":"set_name")"));
    CHECK(request.good == 1);
    CHECK(request.timed == 0);
    const LogTally::Lines duration = lines_of_one(line_with(R"(,"duration_ns":1)"));
    CHECK(duration.good == 1);
    CHECK(duration.timed == 0);
}

TEST_CASE("empty lines are neither good nor broken, and a CR before the LF is no matter") {
    LogTally tally;
    for (const char* line : {"", "\r", "  \t"})
        add(tally, line);
    add(tally, timed("set_name", "1") + "\r");
    CHECK(tally.lines().empty == 3);
    CHECK(tally.lines().good == 1);
    CHECK(tally.lines().broken == 0);
}

TEST_CASE("what is read in blocks is counted line by line, one that is too long among the broken") {
    LogTally tally;
    LineCutter cutter;
    const std::string text = timed("set_name", "1") + "\n" +
                             std::string(LineCutter::line_bytes_max + 1, 'x') + "\n" +
                             timed("set_name", "2") + "\n";
    std::ranges::copy(text, cutter.room().begin());
    cutter.filled(text.size());
    tally.take(cutter);
    CHECK(tally.lines().good == 2);
    CHECK(tally.lines().broken == 1);
    CHECK(tally.lines().too_long == 1);
    CHECK(tally.lines().first_broken == 2);
}

TEST_CASE("a log whose texts never repeat costs bounded memory, and every line is counted") {
    LogTally tally;
    for (std::size_t i = 0; i < 1000; ++i) {
        const std::string name = "name " + std::to_string(i);
        add(tally, R"({"level":"info","msg":")" + name + R"(","request":")" + name +
                       R"(","duration_ns":5})");
    }
    CHECK(tally.messages().size() == LogTally::messages_max);
    CHECK(tally.other_messages() == 1000 - LogTally::messages_max);
    REQUIRE(tally.response_times().size() == LogTally::requests_max);
    REQUIRE(times_of(tally, "other") != nullptr);
    CHECK(times_of(tally, "other")->count() == 1000 - (LogTally::requests_max - 1));
}

TEST_CASE(
    "a request that is called as the others are, is counted with them and stands there once") {
    const bool early = GENERATE(true, false);
    CAPTURE(early);
    LogTally tally;
    if (early) add(tally, timed("other", "5"));
    for (std::size_t i = 0; i < 100; ++i)
        add(tally, timed("name " + std::to_string(i), "5"));
    if (!early) add(tally, timed("other", "5"));
    CHECK(tally.response_times().size() <= LogTally::requests_max);
    CHECK(std::ranges::count(tally.response_times(), "other", &LogTally::ResponseTimes::request) ==
          1);
    std::uint64_t all = 0;
    for (const LogTally::ResponseTimes& times : tally.response_times())
        all += times.histogram.count();
    CHECK(all == 101);
}

TEST_CASE("a text is kept up to its bound, in whole characters") {
    LogTally tally;
    const std::string request = std::string(LogTally::text_bytes_max - 1, 'x') + "\xc3\xa4";
    add(tally, timed(request, "1"));
    CHECK(times_of(tally, std::string(LogTally::text_bytes_max - 1, 'x')) != nullptr);
}

TEST_CASE("a log is mostly broken when more lines are broken than good") {
    LogTally tally;
    CHECK_FALSE(tally.lines().mostly_broken());
    add(tally, "Nov 26 18:00:00 host server: started");
    CHECK(tally.lines().mostly_broken());
    add(tally, timed("set_name", "1"));
    CHECK_FALSE(tally.lines().mostly_broken());
}
