#include "loadgen/rate_report.hpp"

#include <simdjson.h>

#include <catch2/catch.hpp>
#include <sstream>

using namespace ringside::loadgen;

namespace {

void check_columns(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

RateStep served_step() {
    RateStep step;
    step.rate = 1000;
    step.offered = 1000.4;
    step.achieved = 999.5;
    step.p50_ns = 123'456;
    step.p99_ns = 12'345'678;
    step.max_ns = 123'456'789;
    step.finding = Finding::passed;
    step.word = "ok";
    step.json = "{\"valid\": true}";
    return step;
}

}  // namespace

TEST_CASE("a row has the figures that matter, and a dash where there is none") {
    std::istringstream row(rate_row("1000", served_step()));
    std::vector<std::string> words;
    for (std::string word; row >> word;)
        words.push_back(word);
    CHECK(words == std::vector<std::string>{"1000", "1000", "1000", "0.123", "12.35", "-", "123.5",
                                            "-", "ok"});
}

TEST_CASE("tables keep within 80 columns, with the largest figures and the longest reasons") {
    Options options;
    options.workload = WorkloadKind::fanout;
    options.slo = parse_slo("last_member_uncorrected:p99.999<=65.5s");
    options.rooms = options.members = options.publishers = 65'535;
    options.outstanding = 65'536;
    options.payload_bytes = 4096;
    options.offered.burst = 10'000;
    options.server_label = "a label that is so long that nobody would ever think of such a label";
    RateStep step;
    step.rate = 10'000'000;
    step.offered = step.achieved = 10e6;
    step.p50_ns = step.p99_ns = step.p999_ns = step.max_ns = 68'719'476'735;
    step.server_cores = 123.45;
    step.word = "SLO unknown";
    step.why =
        "the load generator was late itself, by 12345.6 ms at p99: it needs a core of its "
        "own, or a lower --rate";
    const std::string head = rate_head(options, "search");
    CHECK_THAT(head, Catch::Contains("objective: p99.999 of last_member_uncorrected <= 65500 ms"));
    check_columns(head + rate_columns("rate") + rate_row("10000000", step) + rate_note(step));
    // Nothing runs together.
    CHECK_THAT(rate_row("10000000", step), Catch::Contains("10000000  10000000  10000000   68719"));
}

TEST_CASE("a reason is told in full, and what is ok has none") {
    CHECK(rate_note(served_step()).empty());
    RateStep step = served_step();
    step.why = "2 lost";
    CHECK(rate_note(step) == "1000: 2 lost\n");
}

TEST_CASE("the JSON of several rates is JSON, with each run's own report in it") {
    Options options;
    options.seed = 7;
    RateStep failed = served_step();
    failed.finding = Finding::failed;
    failed.why = "2 \"lost\"";
    std::vector<std::string> entries;
    for (const RateStep& step : {served_step(), failed}) {
        JsonObject entry;
        add_rate_step(entry, step);
        entries.push_back(entry.str());
    }
    JsonObject out;
    add_rate_head(out, options, "sweep", true, "no \"answer\"");
    out.add("rates", json_array(entries));
    out.add("found", json_rate(std::nullopt));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    REQUIRE(parser.parse(out.str()).get(root) == simdjson::SUCCESS);
    CHECK(std::uint64_t(root["schema_version"]) == 1);
    CHECK(std::uint64_t(root["seed"]) == 7);
    CHECK(bool(root["interrupted"]));
    CHECK(std::string_view(root["failure"]) == "no \"answer\"");
    CHECK(root["slo"].is_null());
    CHECK(root["found"].is_null());
    CHECK(std::string_view(root.at_pointer("/rates/0/finding")) == "passed");
    CHECK(bool(root.at_pointer("/rates/0/run/valid")));
    CHECK(std::string_view(root.at_pointer("/rates/1/why")) == "2 \"lost\"");
    CHECK(std::uint64_t(root.at_pointer("/rates/1/rate")) == 1000);
}
