#include "common/json_log.hpp"

#include <fcntl.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "support/history_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

namespace {

// 2026-11-21T01:02:03.456789 UTC.
constexpr std::int64_t some_time_ns = 1'795'222'923'456'789'000;

/// What a reader of the log finds in field `name` of the line.
std::string field_of(const std::string& line, const char* name) {
    simdjson::dom::parser parser;
    const simdjson::dom::element object = parser.parse(line);
    const std::string_view text = object[name].get_string();
    return std::string(text);
}

std::string logged_text(std::string_view text) {
    return field_of(format_log_line(some_time_ns, LogLevel::info, "m", {{"field", text}}), "field");
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("a log line has the time in UTC with milliseconds, the level, the message") {
    CHECK(format_log_line(some_time_ns, LogLevel::warn, "hello", {}) ==
          R"({"ts":"2026-11-21T01:02:03.456Z","level":"warn","msg":"hello"})");
    CHECK(format_log_line(0, LogLevel::debug, "", {}) ==
          R"({"ts":"1970-01-01T00:00:00.000Z","level":"debug","msg":""})");
}

TEST_CASE("every kind of field is written as JSON has it") {
    const std::size_t size = 18'446'744'073'709'551'615ULL;
    const std::string line = format_log_line(0, LogLevel::info, "m",
                                             {{"text", "word"},
                                              {"owned", std::string("string")},
                                              {"negative", -5},
                                              {"size", size},
                                              {"port", std::uint16_t{5000}},
                                              {"ratio", 0.25},
                                              {"infinite", std::numeric_limits<double>::infinity()},
                                              {"yes", true}});
    CHECK(line.ends_with(
        R"("text":"word","owned":"string","negative":-5,"size":18446744073709551615,)"
        R"("port":5000,"ratio":0.25,"infinite":null,"yes":true})"));
    simdjson::dom::parser parser;
    CHECK(parser.parse(line).error() == simdjson::SUCCESS);
}

TEST_CASE("text comes back from the log as it went in, whatever characters it has") {
    const std::string every_control = [] {
        std::string text;
        for (char byte = 0; byte < 0x20; ++byte)
            text += byte;
        return text + '\x7f';
    }();
    for (const std::string& text :
         {std::string("plain"), std::string("quote \" backslash \\ slash /"), every_control,
          std::string("ä € 😀 \u07ff\u0800\uffff"), std::string("}{\",\"level\":\"error\"")}) {
        CAPTURE(text);
        CHECK(logged_text(text) == text);
    }
}

TEST_CASE("no control character of a line reaches a terminal") {
    const std::string line =
        format_log_line(0, LogLevel::info, "\x1b[31mred\x7f\n", {{"na\nme", "\x07"}});
    for (const char byte : line)
        CHECK((byte >= 0x20 && byte != 0x7f));
}

TEST_CASE("each malformed byte becomes a replacement character, the rest stays") {
    const std::string replaced = "\xef\xbf\xbd";
    CHECK(logged_text("a\x80z") == "a" + replaced + "z");
    CHECK(logged_text("\xff\xfe") == replaced + replaced);
    CHECK(logged_text("cut \xe2\x82") == "cut " + replaced + replaced);
    CHECK(logged_text("\xc0\xaf") == replaced + replaced);                 // overlong "/"
    CHECK(logged_text("\xed\xa0\x80") == replaced + replaced + replaced);  // a surrogate
    CHECK(logged_text("\xf4\x90\x80\x80") == replaced + replaced + replaced + replaced);
    CHECK(logged_text("\xe0\x9f\xbf") == replaced + replaced + replaced);  // overlong
    CHECK(logged_text("\xf0\x8f\xbf\xbf") == replaced + replaced + replaced + replaced);
}

TEST_CASE("text of a peer is cut at 64 bytes, at the end of a character") {
    const auto logged = [](const std::string& text) {
        return field_of(format_log_line(0, LogLevel::info, "m", {{"peer", PeerText{text}}}),
                        "peer");
    };
    const std::string full(64, 'x');
    CHECK(logged(full) == full);
    CHECK(logged(full + "y") == full + "...");
    CHECK(logged(std::string(63, 'x') + "€ and more") == std::string(63, 'x') + "...");
    CHECK(logged(std::string(61, 'x') + "€ and more") == std::string(61, 'x') + "€...");
    // Continuation bytes without a beginning do not move the cut any further back.
    CHECK(logged(std::string(100, '\x80')).size() == 3 * 61 + 3);
}

TEST_CASE("the log drops what is below its level and writes the rest in order") {
    const test::TempFolder folder;
    const std::string path = folder / "log";
    {
        JsonLog log(LogLevel::warn, path);
        CHECK_FALSE(log.enabled(LogLevel::info));
        CHECK(log.enabled(LogLevel::error));
        log.write(LogLevel::info, "unwanted");
        log.write(LogLevel::warn, "first", {{"n", 1}});
        log.write(LogLevel::error, "second");
        CHECK(log.dropped() == 0);
    }
    const auto lines = read_lines(path);
    REQUIRE(lines.size() == 2);
    CHECK(field_of(lines[0], "msg") == "first");
    CHECK(field_of(lines[1], "msg") == "second");
}

TEST_CASE("the log is appended to, so that a restart keeps the old lines") {
    const test::TempFolder folder;
    const std::string path = folder / "log";
    for (int start = 0; start < 2; ++start)
        JsonLog(LogLevel::info, path).write(LogLevel::info, "x");
    CHECK(read_lines(path).size() == 2);
}

TEST_CASE("a log that is off writes nothing") {
    const test::TempFolder folder;
    const std::string path = folder / "log";
    {
        JsonLog log(LogLevel::off, path);
        CHECK_FALSE(log.enabled(LogLevel::off));
        log.write(LogLevel::error, "x");
    }
    CHECK(read_lines(path).empty());
}

TEST_CASE("lines of several threads come whole") {
    const test::TempFolder folder;
    const std::string path = folder / "log";
    {
        JsonLog log(LogLevel::info, path);
        std::vector<std::thread> threads;
        for (int number = 0; number < 4; ++number) {
            threads.emplace_back([&log, number] {
                for (int i = 0; i < 200; ++i)
                    log.write(LogLevel::info, "m", {{"n", number}});
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        CHECK(log.dropped() == 0);
    }
    const auto lines = read_lines(path);
    CHECK(lines.size() == 800);
    for (const std::string& line : lines)
        CHECK(field_of(line, "msg") == "m");
}

// Nobody reads the pipe, so the log's thread is stuck after 64 KiB; the program must neither wait
// for it while it logs nor when it ends.
TEST_CASE("a reader that stands still costs lines, which are counted, and never time") {
    const test::TempFolder folder;
    const std::string path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(reader);
    std::uint64_t dropped = 0;
    {
        JsonLog log(LogLevel::info, path);
        const std::string text(200, 'x');
        for (int i = 0; i < 5'000; ++i)
            log.write(LogLevel::info, text);
        dropped = log.dropped();
    }
    CHECK(dropped > 2'000);
    CHECK(dropped < 5'000);
}

TEST_CASE("a line that cannot be written whole is counted, and the next begins a line of its own") {
    const test::TempFolder folder;
    const std::string path = folder / "log";
    {
        JsonLog log(LogLevel::info, path);
        const auto lost = [&](std::uint64_t lines) {
            while (log.dropped() < lines)
                std::this_thread::yield();
            return log.dropped() == lines;
        };
        {
            // The first line fits, the second is torn, of the third nothing is written.
            const test::FileSizeLimit limit(100);
            for (int i = 0; i < 3; ++i)
                log.write(LogLevel::info, "limited");
            CHECK(lost(2));
        }
        log.write(LogLevel::info, "whole again");
        log.write(LogLevel::info, "and again");
    }
    const auto lines = read_lines(path);
    REQUIRE(lines.size() == 4);
    CHECK(field_of(lines[0], "msg") == "limited");
    CHECK(lines[1].size() < lines[0].size());
    CHECK(field_of(lines[2], "msg") == "whole again");
    CHECK(field_of(lines[3], "msg") == "and again");
}

TEST_CASE("a log file that cannot be opened stops the start with what to do") {
    CHECK_THROWS_WITH(JsonLog(LogLevel::info, "/nonexistent/log"),
                      Catch::Contains("--log-file: cannot open '/nonexistent/log'") &&
                          Catch::Contains("choose a file"));
}

TEST_CASE("the names of levels are read, and nothing else") {
    LogLevel level = LogLevel::off;
    CHECK(parse_log_level("debug", level));
    CHECK(level == LogLevel::debug);
    CHECK(parse_log_level("off", level));
    CHECK(level == LogLevel::off);
    CHECK_FALSE(parse_log_level("INFO", level));
    CHECK_FALSE(parse_log_level("", level));
}

}  // namespace ringside
