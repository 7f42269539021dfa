#include "common/metrics_writer.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "common/result.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t for_ever = 3'600'000 * ms;

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
        ++count;
    return count;
}

}  // namespace

TEST_CASE("the writer asks before each writing which threads there are") {
    const test::TempFolder folder;
    const std::filesystem::path path = folder / "server.prom";
    JsonLog log(LogLevel::off, {});
    CounterSet constant;
    CounterSet early;
    CounterSet late;
    constant.add(Metric::messages_in_total, 1);
    early.add(Metric::messages_in_total, 20);
    late.add(Metric::messages_in_total, 300);
    std::vector<std::string> seen;  // the file as each writing but the first found it
    std::counting_semaphore<> asked(0);
    {
        std::vector<const CounterSet*> more;
        const MetricsWriter writer(path, ms,
                                   {.labels = {{"server", "pipeline"}},
                                    .threads = {&constant},
                                    .refresh = {},
                                    .more_threads =
                                        [&] {
                                            if (!more.empty())
                                                seen.push_back(test::read_file(path));
                                            more.push_back(more.empty() ? &early : &late);
                                            asked.release();
                                            return more;
                                        }},
                                   log);
        for (int i = 0; i < 3; ++i)
            asked.acquire();
    }
    REQUIRE(seen.size() >= 2);
    CHECK(count_of(seen[0], "ringside_messages_in_total{server=\"pipeline\"} 21\n") == 1);
    CHECK(count_of(seen[1], "ringside_messages_in_total{server=\"pipeline\"} 321\n") == 1);
}

TEST_CASE("the writer writes what threads counted and what refresh set, again and again") {
    const test::TempFolder folder;
    const std::filesystem::path path = folder / "server.prom";
    JsonLog log(LogLevel::off, {});
    CounterSet thread;
    CounterSet gauges;
    thread.add(Metric::messages_in_total, 42);
    std::string earlier;  // the file as the refresh before the last found it
    std::counting_semaphore<> refreshed(0);
    std::uint64_t calls = 0;
    {
        const MetricsWriter writer(path, ms,
                                   {{{"server", "pipeline"}},
                                    {&thread, &gauges},
                                    [&](MetricsSnapshot&) {
                                        gauges.set(Metric::rooms, ++calls);
                                        if (calls == 3) earlier = test::read_file(path);
                                        refreshed.release();
                                    }},
                                   log);
        for (int i = 0; i < 3; ++i)
            refreshed.acquire();
    }
    CHECK(count_of(earlier, "ringside_messages_in_total{server=\"pipeline\"} 42\n") == 1);
    CHECK(count_of(earlier, "ringside_rooms{server=\"pipeline\"} 2\n") == 1);
    for (const char* always :
         {"ringside_process_cpu_seconds_total{", "ringside_process_resident_bytes{",
          "ringside_build_info{", "ringside_log_lines_dropped_total{"}) {
        CAPTURE(always);
        CHECK(count_of(earlier, always) == 1);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("refresh may add samples of its own") {
    const test::TempFolder folder;
    const std::filesystem::path path = folder / "server.prom";
    JsonLog log(LogLevel::off, {});
    std::string found;
    std::counting_semaphore<> refreshed(0);
    {
        const MetricsWriter writer(path, ms,
                                   {{{"server", "loadgen"}},
                                    {},
                                    [&](MetricsSnapshot& snapshot) {
                                        if (found.empty() || !found.contains("violations")) {
                                            found = test::read_file(path);
                                        }
                                        snapshot.add("ringside_load_violations_total", 1, "kind",
                                                     "lost");
                                        refreshed.release();
                                    }},
                                   log);
        for (int i = 0; i < 3; ++i)
            refreshed.acquire();
    }
    CHECK(count_of(found, "ringside_load_violations_total{server=\"loadgen\",kind=\"lost\"} 1") ==
          1);
}

TEST_CASE("a stop of many intervals is followed by one writing, not by as many") {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds interval(50);
    const test::TempFolder folder;
    JsonLog log(LogLevel::off, {});
    std::vector<Clock::time_point> writings;
    std::counting_semaphore<> refreshed(0);
    {
        const MetricsWriter writer(
            folder / "server.prom", 50 * ms,
            {{},
             {},
             [&](MetricsSnapshot&) {
                 writings.push_back(Clock::now());
                 // The first takes as long as six intervals.
                 while (writings.size() == 1 && Clock::now() < writings[0] + 6 * interval) {
                     std::this_thread::yield();
                 }
                 refreshed.release();
             }},
            log);
        for (int i = 0; i < 3; ++i)
            refreshed.acquire();
    }
    REQUIRE(writings.size() >= 3);
    CHECK(writings[2] - writings[1] > interval / 2);
}

TEST_CASE("the writer ends at once, however long its interval is") {
    const test::TempFolder folder;
    JsonLog log(LogLevel::off, {});
    std::latch written(1);
    {
        const MetricsWriter writer(folder / "server.prom", for_ever,
                                   {{}, {}, [&](MetricsSnapshot&) { written.count_down(); }}, log);
        written.wait();
    }
    CHECK_FALSE(std::filesystem::exists(folder / "server.prom"));
}

TEST_CASE("without a path nothing is written") {
    JsonLog log(LogLevel::off, {});
    std::atomic<bool> called{false};
    {
        const MetricsWriter writer({}, ms, {{}, {}, [&](MetricsSnapshot&) { called = true; }}, log);
    }
    CHECK_FALSE(called);
}

TEST_CASE("a folder that goes away is logged once, not at every interval") {
    const test::TempFolder folder;
    std::filesystem::create_directory(folder / "metrics");
    const std::string log_path = folder / "log";
    {
        JsonLog log(LogLevel::info, log_path);
        std::counting_semaphore<> refreshed(0);
        const MetricsWriter writer(folder / "metrics" / "server.prom", ms,
                                   {{},
                                    {},
                                    [&](MetricsSnapshot&) {
                                        std::filesystem::remove_all(folder / "metrics");
                                        refreshed.release();
                                    }},
                                   log);
        for (int i = 0; i < 5; ++i)
            refreshed.acquire();
    }
    CHECK(count_of(test::read_file(log_path), "cannot write the metrics") == 1);
}

TEST_CASE("a path that cannot be written stops the start") {
    JsonLog log(LogLevel::off, {});
    CHECK_THROWS_AS(MetricsWriter("/nonexistent/server.prom", ms, {}, log), StartError);
}

}  // namespace ringside
