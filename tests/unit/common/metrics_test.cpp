#include "common/metrics.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>

namespace ringside {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
    return text.ends_with(end);
}

/// Lower-case words joined by single underscores.
bool legal_name(std::string_view name) {
    const auto legal = [](char byte) { return byte == '_' || (byte >= 'a' && byte <= 'z'); };
    return name.starts_with("ringside_") && std::ranges::all_of(name, legal) &&
           name.find("__") == std::string_view::npos && name.back() != '_';
}

}  // namespace

TEST_CASE("no two metrics have the same name, and find_metric finds each") {
    std::set<std::string_view> names;
    for (const MetricInfo& info : metric_table()) {
        CAPTURE(info.name);
        CHECK(names.insert(info.name).second);
        CHECK(find_metric(info.name) == &info);
    }
    CHECK(find_metric("ringside_nothing") == nullptr);
}

TEST_CASE("the names of metrics follow what promtool asks for") {
    for (const MetricInfo& info : metric_table()) {
        CAPTURE(info.name);
        const std::string name(info.name);
        CHECK(legal_name(name));
        CHECK(ends_with(name, "_total") == (info.kind == MetricKind::counter));
        CHECK(ends_with(name, "_seconds") == (info.kind == MetricKind::histogram));
        for (const char* abbreviated : {"_ms", "_ns", "_us", "_kb", "_millis", "_percent"}) {
            CHECK_FALSE(ends_with(name, abbreviated));
        }
        for (const char* reserved : {"_count", "_sum", "_bucket"}) {
            CHECK_FALSE(ends_with(name, reserved));
        }
    }
}

TEST_CASE("every metric has a help text that is one sentence and needs no escaping") {
    for (const MetricInfo& info : metric_table()) {
        CAPTURE(info.name);
        CHECK(info.help.size() > 10);
        CHECK(info.help.back() == '.');
        CHECK(info.help.find_first_of("\\\n\"") == std::string_view::npos);
    }
}

TEST_CASE("every counter of a thread stands in the table, gauges as gauges") {
    const std::set<Metric> gauges = {Metric::connections, Metric::rooms, Metric::members,
                                     Metric::coroutines, Metric::stacks_high_water};
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Metric::count_); ++i) {
        const auto metric = static_cast<Metric>(i);
        const MetricInfo& info = metric_info(metric);
        CAPTURE(info.name);
        CHECK(names.insert(info.name).second);
        CHECK((info.kind == MetricKind::gauge) == gauges.contains(metric));
        CHECK(info.labels.empty());
    }
    // A row in the wrong place would give every counter behind it a wrong name.
    CHECK(metric_info(Metric::connections).name == "ringside_connections");
    CHECK(metric_info(Metric::sends_total).name == "ringside_sends_total");
    CHECK(metric_info(Metric::appends_total).name == "ringside_appends_total");
    CHECK(metric_info(Metric::stacks_high_water).name == "ringside_stacks_high_water");
    CHECK(metric_info(Metric::log_lines_dropped_total).name == "ringside_log_lines_dropped_total");
}

TEST_CASE("every reason for a drop has a name of its own") {
    std::set<std::string> names;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
        CHECK(names.insert(drop_name(static_cast<Drop>(i))).second);
    }
    CHECK(drop_name(Drop::slow_consumer) == std::string("slow_consumer"));
    CHECK(drop_name(Drop::drain) == std::string("drain"));
}

TEST_CASE("a counter set counts each metric and each drop by itself") {
    CounterSet set;
    set.add(Metric::messages_in_total);
    set.add(Metric::messages_in_total, 4);
    set.set(Metric::rooms, 7);
    set.set(Metric::rooms, 3);
    set.drop(Drop::lag);
    CHECK(set.get(Metric::messages_in_total) == 5);
    CHECK(set.get(Metric::rooms) == 3);
    CHECK(set.get(Metric::deliveries_total) == 0);
    CHECK(set.get(Drop::lag) == 1);
    CHECK(set.get(Drop::drain) == 0);
}

TEST_CASE("a reader sees a counter of another thread only grow, up to what was counted") {
    constexpr std::uint64_t count = 200'000;
    CounterSet set;
    std::thread writer([&set] {
        for (std::uint64_t i = 0; i < count; ++i)
            set.add(Metric::deliveries_total);
    });
    std::uint64_t last = 0;
    bool grew_only = true;
    while (last < count) {
        const std::uint64_t now = set.get(Metric::deliveries_total);
        grew_only = grew_only && now >= last && now <= count;
        last = now;
    }
    writer.join();
    CHECK(grew_only);
    CHECK(set.get(Metric::deliveries_total) == count);
}

}  // namespace ringside
