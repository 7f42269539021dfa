#include "common/textfile.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/build_info.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

namespace {

std::vector<std::string> lines_of(const std::string& text, const std::string& prefix) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with(prefix)) lines.push_back(line);
    }
    return lines;
}

double value_of(const std::string& line) {
    return std::stod(line.substr(line.rfind(' ') + 1));
}

}  // namespace

TEST_CASE("a sample is written with its labels, HELP and TYPE once per name") {
    MetricsSnapshot snapshot(MetricLabels{{"server", "uring"}});
    snapshot.add("ringside_drops_total", 3, "reason", "lag");
    snapshot.add("ringside_rooms", 12);
    snapshot.add("ringside_drops_total", 4, "reason", "drain");
    CHECK(snapshot.text() ==
          "# HELP ringside_drops_total Connections closed by the server, by reason.\n"
          "# TYPE ringside_drops_total counter\n"
          "ringside_drops_total{server=\"uring\",reason=\"lag\"} 3\n"
          "ringside_drops_total{server=\"uring\",reason=\"drain\"} 4\n"
          "# HELP ringside_rooms Chat rooms that exist.\n"
          "# TYPE ringside_rooms gauge\n"
          "ringside_rooms{server=\"uring\"} 12\n");
}

TEST_CASE("a label value cannot break out of its quotes") {
    MetricsSnapshot snapshot(MetricLabels{{"server", "a\"b\\c\nd"}});
    snapshot.add("ringside_rooms", 1);
    CHECK(lines_of(snapshot.text(), "ringside_rooms{") ==
          std::vector<std::string>{R"(ringside_rooms{server="a\"b\\c\nd"} 1)"});
}

TEST_CASE("large counters keep every digit") {
    MetricsSnapshot snapshot({});
    snapshot.add("ringside_bytes_out_total", 1'234'567'890'123'456.0);
    CHECK(lines_of(snapshot.text(), "ringside_bytes_out_total").front() ==
          "ringside_bytes_out_total 1234567890123456");
}

TEST_CASE("the threads of a server are summed, and each metric and each reason is there") {
    CounterSet first;
    CounterSet second;
    first.add(Metric::deliveries_total, 90);
    second.add(Metric::deliveries_total, 10);
    first.add(Metric::sends_total, 4);
    first.drop(Drop::lag);
    second.drop(Drop::lag);
    MetricsSnapshot snapshot(MetricLabels{{"server", "pipeline"}});
    snapshot.add({&first, &second});
    const std::string text = snapshot.text();
    CHECK(lines_of(text, "ringside_deliveries_total{").front() ==
          "ringside_deliveries_total{server=\"pipeline\"} 100");
    CHECK(lines_of(text, "ringside_deliveries_per_send{").front() ==
          "ringside_deliveries_per_send{server=\"pipeline\"} 25");
    CHECK(lines_of(text, "ringside_drops_total{server=\"pipeline\",reason=\"lag\"}").front() ==
          "ringside_drops_total{server=\"pipeline\",reason=\"lag\"} 2");
    CHECK(lines_of(text, "ringside_drops_total{").size() == static_cast<std::size_t>(Drop::count_));
    for (std::size_t i = 0; i < static_cast<std::size_t>(Metric::count_); ++i) {
        const std::string name(metric_info(static_cast<Metric>(i)).name);
        CHECK(lines_of(text, name + "{").size() == 1);
    }
}

TEST_CASE("deliveries per send are 0 before the first send, not NaN") {
    const CounterSet idle;
    MetricsSnapshot snapshot({});
    snapshot.add({&idle});
    CHECK(lines_of(snapshot.text(), "ringside_deliveries_per_send").front() ==
          "ringside_deliveries_per_send 0");
}

TEST_CASE("a histogram's buckets only grow, and +Inf is the count") {
    Histogram histogram;
    for (std::uint64_t value = 1; value < 100'000'000'000; value = value * 3 / 2 + 1) {
        histogram.record(value);
    }
    REQUIRE(histogram.overflow() > 0);
    MetricsSnapshot snapshot(MetricLabels{{"server", "uring"}});
    snapshot.add("ringside_load_latency_seconds", histogram, "request", "own_copy");
    const std::string text = snapshot.text();
    const auto buckets = lines_of(text, "ringside_load_latency_seconds_bucket");
    REQUIRE(buckets.size() == export_bounds_ns().size() + 1);
    double last = 0;
    for (const std::string& bucket : buckets) {
        CAPTURE(bucket);
        CHECK(value_of(bucket) >= last);
        last = value_of(bucket);
    }
    CHECK(buckets.front().find("request=\"own_copy\",le=\"1e-05\"}") != std::string::npos);
    CHECK(buckets.back().find("le=\"+Inf\"}") != std::string::npos);
    CHECK(last == static_cast<double>(histogram.count()));
    CHECK(value_of(lines_of(text, "ringside_load_latency_seconds_count").front()) == last);
    CHECK(value_of(lines_of(text, "ringside_load_latency_seconds_sum").front()) ==
          Approx(static_cast<double>(histogram.sum_ns()) / 1e9));
}

TEST_CASE("a process reports the memory and the CPU time that it uses") {
    const auto read = [](const char* name) {
        MetricsSnapshot snapshot({});
        snapshot.add_process();
        return value_of(lines_of(snapshot.text(), name).front());
    };
    CHECK(read("ringside_process_resident_bytes ") > 1e6);
    const double before = read("ringside_process_cpu_seconds_total ");
    volatile std::uint64_t work = 0;
    while (read("ringside_process_cpu_seconds_total ") < before + 0.01)
        work = work + 1;
    CHECK(before >= 0);
}

TEST_CASE("the build info names version and commit") {
    MetricsSnapshot snapshot(MetricLabels{{"server", "uring"}});
    snapshot.add_build_info();
    CHECK(lines_of(snapshot.text(), "ringside_build_info").front() ==
          "ringside_build_info{server=\"uring\",version=\"" + std::string(build_info::version) +
              "\",commit=\"" + build_info::commit + "\"} 1");
}

TEST_CASE("a textfile is replaced whole, readable by all, and gone at the end") {
    const test::TempFolder folder;
    const std::filesystem::path path = folder / "uring.prom";
    const mode_t old_mask = ::umask(077);
    {
        Textfile file(path);
        REQUIRE(file.write("first 1\n"));
        const std::ifstream old(path);  // a reader in the middle of the old file
        REQUIRE(file.write("second 2\n"));
        CHECK(test::read_file(path) == "second 2\n");
        std::ostringstream kept;
        kept << old.rdbuf();
        CHECK(kept.str() == "first 1\n");
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777U) == 0644);
        // No temporary file stays behind.
        const std::filesystem::directory_iterator entries(folder.path());
        CHECK(std::distance(begin(entries), end(entries)) == 1);
    }
    ::umask(old_mask);
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a textfile that is kept stays with what was written last") {
    const test::TempFolder folder;
    {
        Textfile file(folder / "metrics.prom");
        REQUIRE(file.write("last 1\n"));
        file.keep();
    }
    CHECK(test::read_file(folder / "metrics.prom") == "last 1\n");
}

TEST_CASE("a textfile that node-exporter would not read is refused at once") {
    const test::TempFolder folder;
    CHECK_THROWS_AS(Textfile(folder / "metrics.txt"), StartError);
    CHECK_THROWS_WITH(Textfile(folder / "missing" / "a.prom"),
                      Catch::Contains("No such file or directory") &&
                          Catch::Contains("choose a folder that exists"));
}

TEST_CASE("a write that fails leaves the old file and says why") {
    const test::TempFolder folder;
    std::filesystem::create_directory(folder / "inner");
    Textfile file(folder / "inner" / "a.prom");
    std::filesystem::remove_all(folder / "inner");
    const Result<void> written = file.write("late 1\n");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ENOENT);
}

}  // namespace ringside
