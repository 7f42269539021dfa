#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "common/histogram.hpp"
#include "common/metrics.hpp"

// docs/metrics.md is a reference, so it is complete and says what the code says.

namespace ringside {

namespace {

const std::string& page() {
    static const std::string text = [] {
        std::ifstream file(RINGSIDE_METRICS_PAGE);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    }();
    return text;
}

const char* kind_name(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter:
            return "counter";
        case MetricKind::gauge:
            return "gauge";
        case MetricKind::histogram:
            return "histogram";
    }
    return "?";
}

/// The row that the page must have, word for word.
std::string row_of(const MetricInfo& info) {
    std::string labels;
    for (const char byte : info.labels)
        labels += byte == ',' ? std::string(", ") : std::string{byte};
    const std::string cell = labels.empty() ? " | | " : " | " + labels + " | ";
    return "| `" + std::string(info.name) + "` | " + kind_name(info.kind) + cell +
           std::string(info.help) + " |\n";
}

/// Every word that looks like a name of ours.
std::set<std::string> names_on_page() {
    std::set<std::string> names;
    const auto part_of_name = [](char byte) { return byte == '_' || (byte >= 'a' && byte <= 'z'); };
    for (std::size_t at = 0; (at = page().find("ringside_", at)) != std::string::npos;) {
        std::size_t end = at;
        while (end < page().size() && part_of_name(page()[end]))
            ++end;
        names.insert(page().substr(at, end - at));
        at = end;
    }
    return names;
}

}  // namespace

TEST_CASE("the page has the row of every metric, in the order of the table") {
    std::size_t last = 0;
    for (const MetricInfo& info : metric_table()) {
        CAPTURE(row_of(info));
        const std::size_t at = page().find(row_of(info));
        REQUIRE(at != std::string::npos);
        CHECK(at >= last);
        last = at;
    }
}

TEST_CASE("the page names no metric that there is not") {
    const std::set<std::string> names = names_on_page();
    CHECK(names.size() >= metric_table().size());
    for (std::string name : names) {
        CAPTURE(name);
        if (name.ends_with("_bucket")) name.resize(name.size() - std::string("_bucket").size());
        CHECK(find_metric(name) != nullptr);
    }
}

TEST_CASE("the page explains every reason for a drop") {
    for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
        const std::string reason = drop_name(static_cast<Drop>(i));
        CAPTURE(reason);
        CHECK(page().find("| `" + reason + "` | ") != std::string::npos);
    }
}

TEST_CASE("the page lists the bounds of the histograms") {
    const std::size_t begin = page().find("    1e-05 ");
    REQUIRE(begin != std::string::npos);
    std::istringstream line(page().substr(begin, page().find('\n', begin) - begin));
    for (const std::uint64_t bound : export_bounds_ns()) {
        double on_page = 0;
        REQUIRE(line >> on_page);
        CHECK(on_page == Approx(static_cast<double>(bound) / 1e9));
    }
    std::string rest;
    CHECK_FALSE(line >> rest);
}

}  // namespace ringside
