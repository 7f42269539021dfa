#include "loadgen/ingest_log.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "loadgen/line_cutter.hpp"
#include "support/captured_stream.hpp"
#include "support/temp_folder.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

const std::string good_line =
    R"({"level":"debug","msg":"request","request":"set_name","duration_ns":5000})";

struct Ingested {
    int exit_code = 0;
    std::string output;
    std::string error;
};

/// The whole program; what keeps it from starting is thrown.
Ingested ingest(std::vector<std::string> arguments) {
    std::vector<const char*> words{"loadgen", "ingest-log"};
    for (const std::string& argument : arguments)
        words.push_back(argument.c_str());
    Options options;
    Command command;
    test::CapturedStream output(stdout);
    test::CapturedStream error(stderr);
    Ingested outcome;
    const auto code = read_options(static_cast<int>(words.size()), words.data(), options, command);
    outcome.exit_code = code ? *code : command();
    outcome.output = output.take();
    outcome.error = error.take();
    return outcome;
}

}  // namespace

TEST_CASE("a label with control characters is refused") {
    const Ingested outcome = ingest({"a.log", "--server-label", "a\x1b[31m"});
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, Catch::Contains("--server-label: must be without control"));
}

TEST_CASE("a log file is read to its end, and its metrics stay for a scrape that comes later") {
    const test::TempFolder folder;
    const std::string log = folder / "server.log";
    const std::string textfile = folder / "log.prom";
    const std::string json = folder / "log.json";
    test::write_file(log, good_line + "\ntorn\n" + good_line + "\r\n\n" + good_line);
    const Ingested outcome =
        ingest({log, "--json", json, "--metrics-textfile", textfile, "--server-label", "pipeline"});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.error.empty());
    CHECK_THAT(outcome.output, Catch::Contains("server: pipeline") && Catch::Contains("set_name"));
    CHECK_THAT(test::read_file(json), Catch::Contains(R"("good": 3)"));
    CHECK_THAT(test::read_file(textfile),
               Catch::Contains("ringside_ingest_request_seconds_count{server=\"pipeline\","
                               "request=\"set_name\"} 3\n"));
}

TEST_CASE("a log larger than a block is counted to the last line") {
    const test::TempFolder folder;
    const std::string log = folder / "server.log";
    const std::string textfile = folder / "log.prom";
    std::string text;
    while (text.size() < 3 * LineCutter::block_bytes)
        text += good_line + "\n";
    const auto lines = std::ranges::count(text, '\n');
    test::write_file(log, text);
    CHECK(ingest({log, "--metrics-textfile", textfile}).exit_code == 0);
    CHECK_THAT(test::read_file(textfile),
               Catch::Contains("ringside_ingest_lines_total{server=\"unknown\",level=\"debug\"} " +
                               std::to_string(lines) + "\n"));
}

TEST_CASE("what ingest-log cannot begin with is told before it reads") {
    const test::TempFolder folder;
    const std::string log = folder / "server.log";
    test::write_file(log, good_line);
    CHECK_THROWS_WITH(ingest({folder / "missing"}), Catch::Contains("cannot open"));
    CHECK_THROWS_WITH(ingest({folder.path()}), Catch::Contains("is a folder"));
    CHECK_THROWS_WITH(ingest({log, "--json", folder.path()}), Catch::Contains("is a folder"));
    CHECK_THROWS_WITH(ingest({log, "--metrics-textfile", folder / "metrics"}),
                      Catch::Contains("must end in .prom"));
}

TEST_CASE("a read that fails ends it with what was read, and with exit code 1") {
    const test::TempFolder folder;
    const std::string textfile = folder / "log.prom";
    const Ingested outcome = ingest({"/proc/self/mem", "--metrics-textfile", textfile});
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.error, Catch::StartsWith("loadgen: cannot read /proc/self/mem (read: "));
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
    CHECK_THAT(outcome.output, Catch::Contains("0 lines, 0 bytes"));
    CHECK_FALSE(std::filesystem::exists(textfile));
}

TEST_CASE("wrong options of ingest-log are refused in one line") {
    const auto arguments = GENERATE(std::vector<std::string>{"a.log", "b.log"},
                                    std::vector<std::string>{"--users", "3"},
                                    std::vector<std::string>{"--metrics-interval", "10ms"},
                                    std::vector<std::string>{"--json", ""});
    const Ingested outcome = ingest(arguments);
    CAPTURE(outcome.error, arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error.starts_with("loadgen: "));
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
}

TEST_CASE("the help of ingest-log fits into 80 columns and has its exit codes and an example") {
    const Ingested outcome = ingest({"--help"});
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.output, Catch::Contains("Exit codes: 0 read to its end") &&
                                   Catch::Contains("| loadgen ingest-log") &&
                                   Catch::Contains("Default: 1s."));
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}
