#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <vector>

#include "loadgen/report.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

struct Row {
    double value = 0;
    double quantile = 0;
    std::uint64_t count = 0;
};

// Of a distribution, up to the lines with #.
std::vector<Row> rows_of(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    REQUIRE(line == "       Value     Percentile TotalCount 1/(1-Percentile)");
    std::getline(lines, line);
    REQUIRE(line.empty());
    std::vector<Row> rows;
    while (std::getline(lines, line) && !line.starts_with("#")) {
        Row row;
        std::istringstream(line) >> row.value >> row.quantile >> row.count;
        rows.push_back(row);
    }
    return rows;
}

}  // namespace

TEST_CASE("a distribution rises to all values, in five steps for each halving of what is left") {
    Histogram latency;
    for (std::uint64_t i = 1; i <= 10'000; ++i)
        latency.record(i * 1'000'000);
    const std::vector<Row> rows = rows_of(hgrm_report(latency));
    REQUIRE(rows.size() > 50);
    for (std::size_t i = 1; i < rows.size(); ++i) {
        CHECK(rows[i].value >= rows[i - 1].value);
        CHECK(rows[i].quantile > rows[i - 1].quantile);
        CHECK(rows[i].count >= rows[i - 1].count);
    }
    CHECK(rows[1].quantile == Approx(0.1));
    CHECK(rows[5].quantile == Approx(0.5));
    CHECK(rows[6].quantile == Approx(0.55));
    CHECK(rows[10].quantile == Approx(0.75));
    // To the resolution of the buckets.
    CHECK(rows[5].value == Approx(5000).epsilon(0.001));
    CHECK(rows[5].count == Approx(5000).epsilon(0.001));
    CHECK(rows.back().quantile == 1);
    CHECK(rows.back().value == 10'000);
    CHECK(rows.back().count == 10'000);
}

// It was printed to a microsecond: 20,480 ns and 20,500 ns were both 0.020.
TEST_CASE("a distribution is as fine as the buckets") {
    Histogram latency;
    for (std::uint64_t ns = 20'000; ns < 21'000; ++ns)
        latency.record(ns);
    const std::vector<Row> rows = rows_of(hgrm_report(latency));
    REQUIRE(rows.size() > 20);
    for (const Row& row : rows) {
        CAPTURE(row.quantile);
        CHECK(row.value * 1e6 == Approx(20'000 + 1'000 * row.quantile).epsilon(0.001));
    }
    CHECK(rows.back().value == 0.020999);
}

TEST_CASE("the end of a distribution names mean, deviation, maximum, count and resolution") {
    Histogram latency;
    for (int i = 0; i < 100; ++i)
        latency.record(i % 2 == 0 ? 1'000'000 : 3'000'000);
    const std::string text = hgrm_report(latency);
    const std::string end = text.substr(text.find('#'));
    CHECK(end ==
          "#[Mean    =     2.000000, StdDeviation   =     0.999552]\n"
          "#[Max     =     3.000000, Total count    =          100]\n"
          "#[Buckets =           26, SubBuckets     =         2048]\n");
}

TEST_CASE("a distribution of one value, and of values beyond the histogram's limit, ends") {
    Histogram latency;
    latency.record(70'000'000'000);
    std::vector<Row> rows = rows_of(hgrm_report(latency));
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].value == 70'000);
    latency.record(5'000'000);
    rows = rows_of(hgrm_report(latency));
    CHECK(rows.front().value == Approx(5).epsilon(0.001));
    CHECK(rows.front().count == 1);
    CHECK(rows.back().count == 2);
}
