#include "loadgen/log_report.hpp"

#include <simdjson.h>

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

using namespace ringside;
using namespace ringside::loadgen;

namespace {

void add_line(LogTally& tally, std::string line) {
    line.reserve(line.size() + LineCutter::padding_bytes);
    tally.add(line);
}

void add_request(LogTally& tally, const std::string& request, std::uint64_t duration_ns) {
    add_line(tally, R"({"level":"debug","msg":"request","request":")" + request +
                        R"(","duration_ns":)" + std::to_string(duration_ns) + "}");
}

LogResults results_of(const LogTally& tally) {
    return {.tally = tally,
            .file = "server.log",
            .server_label = "uring",
            .bytes = 12'345,
            .seconds = 0.5,
            .cpu_seconds = 0.25,
            .failure = {},
            .interrupted = false};
}

}  // namespace

TEST_CASE("the table of a log tells of good and broken lines, of contents and response times") {
    LogTally tally;
    for (int i = 0; i < 1000; ++i)
        add_request(tally, "send_message", 2'000);
    add_line(tally, R"({"level":"warn","msg":"connection failed"})");
    add_line(tally, "torn");
    const std::string table = log_table(results_of(tally));
    CHECK_THAT(table, Catch::Contains("log: server.log, server: uring\n"
                                      "1,002 lines, 12,345 bytes in 0.50 s\n"
                                      "2,004 lines/s, 4,008 lines a CPU-second\n"));
    CHECK_THAT(table, Catch::Matches("[^]*  good +1,001\n[^]*"));
    CHECK_THAT(table, Catch::Matches("[^]*  broken +1  first: line 1002\n[^]*"));
    CHECK_THAT(table, Catch::Matches("[^]*\n  connection failed +1\n[^]*"));
    CHECK_THAT(table, Catch::Matches("[^]*\nsend_message +1000 +2.0 +2.0 +2.0[^]*"));
    CHECK_THAT(table, !Catch::Contains("BROKEN"));
}

TEST_CASE("a log of which most lines are broken says so, in the table and in the JSON") {
    LogTally tally;
    add_line(tally, "GET / 200");
    CHECK_THAT(log_table(results_of(tally)), Catch::Contains("MOST LINES ARE BROKEN"));
    CHECK_THAT(log_json(results_of(tally)), Catch::Contains(R"("mostly_broken": true)"));
}

TEST_CASE("whatever a log holds, its table stays within 80 columns and steers no terminal") {
    LogTally tally;
    const std::string text(200, 'x');
    add_line(tally, R"({"level":"info","msg":"\u001b[2J)" + text + R"("})");
    add_request(tally, "\\u001b[2J" + text, 9'999'000'000);
    LogResults results = results_of(tally);
    results.file = results.server_label = "\x1b[2J" + text;
    results.bytes = UINT64_MAX / 1'000'000;
    results.interrupted = true;
    const std::string table = log_table(results);
    CHECK(table.find('\x1b') == std::string::npos);
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("the JSON of a log is whole and has every figure") {
    LogTally tally;
    add_request(tally, "set_name", 1'000);
    add_request(tally, "set_name", 3'000);
    add_line(tally, R"({"level":"error","msg":"a \"text\""})");
    add_line(tally, "torn");
    add_line(tally, "");
    simdjson::dom::parser parser;
    const std::string json = log_json(results_of(tally));
    simdjson::dom::element root;
    REQUIRE(parser.parse(json).get(root) == simdjson::SUCCESS);
    CHECK(std::uint64_t(root["schema_version"]) == 1);
    CHECK(std::uint64_t(root["bytes"]) == 12'345);
    CHECK(std::uint64_t(root["lines"]["good"]) == 3);
    CHECK(std::uint64_t(root["lines"]["with_response_time"]) == 2);
    CHECK(std::uint64_t(root["lines"]["broken"]) == 1);
    CHECK(std::uint64_t(root["lines"]["first_broken"]) == 4);
    CHECK(std::uint64_t(root["lines"]["empty"]) == 1);
    CHECK(std::uint64_t(root["levels"]["debug"]) == 2);
    CHECK(std::uint64_t(root["levels"]["error"]) == 1);
    CHECK(std::string_view(root["messages"].at(0)["msg"]) == "request");
    CHECK(std::uint64_t(root["messages"].at(0)["lines"]) == 2);
    CHECK(std::string_view(root["messages"].at(1)["msg"]) == "a \"text\"");
    CHECK(std::string_view(root["response_times"].at(0)["request"]) == "set_name");
    CHECK(std::uint64_t(root["response_times"].at(0)["response_time"]["count"]) == 2);
    CHECK(std::uint64_t(root["response_times"].at(0)["response_time"]["mean_ns"]) == 2'000);
}

TEST_CASE("the metrics of a log have its lines by level and the histogram of each request") {
    LogTally tally;
    add_request(tally, "set_name", 15'000);
    add_request(tally, "leave_chat", 1'000);
    add_line(tally, "torn");
    const std::string text = log_snapshot(results_of(tally)).text();
    for (const char* sample :
         {"ringside_ingest_lines_total{server=\"uring\",level=\"debug\"} 2\n",
          "ringside_ingest_lines_total{server=\"uring\",level=\"error\"} 0\n",
          "ringside_ingest_broken_lines_total{server=\"uring\"} 1\n",
          "ringside_ingest_bytes_total{server=\"uring\"} 12345\n",
          "ringside_ingest_request_seconds_count{server=\"uring\",request=\"set_name\"} 1\n",
          "_bucket{server=\"uring\",request=\"set_name\",le=\"1e-05\"} 0\n",
          "_bucket{server=\"uring\",request=\"set_name\",le=\"2e-05\"} 1\n",
          "_bucket{server=\"uring\",request=\"leave_chat\",le=\"1e-05\"} 1\n"}) {
        CAPTURE(text);
        CHECK_THAT(text, Catch::Contains(sample));
    }
}
