#include "loadgen/rate_list.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace ringside::loadgen;

namespace {
using Rates = std::vector<std::uint64_t>;
}

TEST_CASE("a list of rates is taken as it is given, and sorted") {
    CHECK(read_rates("1000,2000,5000", {}).value() == Rates{1000, 2000, 5000});
    CHECK(read_rates("5000,1,1000,1000", {}).value() == Rates{1, 1000, 1000, 5000});
    CHECK(read_rates("10000000", {}).value() == Rates{10'000'000});
}

TEST_CASE("a range is filled with rates that are the same factor apart, both ends among them") {
    CHECK(read_rates("1000..100000", 3).value() == Rates{1000, 10'000, 100'000});
    CHECK(read_rates("1000..8000", 4).value() == Rates{1000, 2000, 4000, 8000});
    CHECK(read_rates("1..10000000", 2).value() == Rates{1, 10'000'000});
    const Rates by_default = read_rates("1000..128000", {}).value();
    CHECK(by_default == Rates{1000, 2000, 4000, 8000, 16'000, 32'000, 64'000, 128'000});
}

TEST_CASE("rates that can be misread are refused, with what to write instead") {
    const char* const text =
        GENERATE("", ",", "1000,", ",1000", "1000,,2000", "1k", "1e3", "1.000", "1 000", "0",
                 "10000001", "-5", "1000-2000", "1000..", "..1000", "2000..1000", "1000..1000",
                 "1000...2000", "1000..2000..3000", "1000,2000..3000", "18446744073709551616");
    CAPTURE(text);
    const auto rates = read_rates(text, {});
    REQUIRE_FALSE(rates);
    CHECK_THAT(rates.error(), Catch::Contains("1000,2000,5000") &&
                                  Catch::Contains("1000..100000, not '") &&
                                  Catch::EndsWith(std::string(text) + "'"));
}

TEST_CASE("steps that do not fit the rates are refused") {
    CHECK_THAT(read_rates("1000,2000", 4).error(), Catch::Contains("--steps is for a range"));
    CHECK_THAT(read_rates("1..3", 8).error(), Catch::Contains("take fewer --steps"));
    CHECK(read_rates("1..3", 3).value() == Rates{1, 2, 3});
}

TEST_CASE("more rates than anybody waits for are refused") {
    std::string text = "5";
    for (std::size_t i = 1; i < rates_max; ++i)
        text += ",5";
    CHECK(read_rates(text, {}).value().size() == rates_max);
    CHECK_THAT(read_rates(text + ",5", {}).error(), Catch::Contains("1000 at most"));
}

TEST_CASE("the order of a sweep depends on the seed, and every rate is in it") {
    const Rates sorted = read_rates("1..512", 10).value();
    Rates first = sorted;
    Rates again = sorted;
    Rates other = sorted;
    shuffle_rates(first, 1);
    shuffle_rates(again, 1);
    shuffle_rates(other, 2);
    CHECK(first == again);
    CHECK(first != other);
    CHECK(first != sorted);
    std::ranges::sort(first);
    CHECK(first == sorted);
}
