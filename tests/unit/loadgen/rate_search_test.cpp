#include "loadgen/rate_search.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "loadgen/random.hpp"

using namespace ringside::loadgen;

namespace {

using Kind = RateSearch::Kind;
using End = RateSearch::End;
// A made-up server: what a run of that step would find.
using MadeUpServer = std::function<Finding(const RateSearch::Step&)>;

struct SearchOutcome {
    std::vector<RateSearch::Step> steps;
    End end{};
    std::optional<std::uint64_t> confirmed;
    std::optional<std::uint64_t> highest_passed;

    std::vector<std::uint64_t> rates(Kind kind) const {
        std::vector<std::uint64_t> out;
        for (const RateSearch::Step& step : steps) {
            if (step.kind == kind) out.push_back(step.rate);
        }
        return out;
    }
};

SearchOutcome search_within(const RateSearch::Bounds& bounds, const MadeUpServer& server) {
    RateSearch search(bounds);
    SearchOutcome outcome;
    while (const auto step = search.next()) {
        REQUIRE(step->rate >= bounds.from);
        REQUIRE(step->rate <= bounds.to);
        REQUIRE(outcome.steps.size() < 100);
        REQUIRE_FALSE(search.end());
        outcome.steps.push_back(*step);
        search.report(server(*step));
    }
    outcome.end = search.end().value();
    outcome.confirmed = search.confirmed();
    outcome.highest_passed = search.highest_passed();
    return outcome;
}

Finding served_within(std::uint64_t capacity, std::uint64_t rate) {
    return rate <= capacity ? Finding::passed : Finding::failed;
}

MadeUpServer of_capacity(std::uint64_t capacity) {
    return [capacity](const RateSearch::Step& step) { return served_within(capacity, step.rate); };
}

using Rates = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("the search doubles, halves the gap, and confirms what passed last") {
    const SearchOutcome outcome = search_within({1000, 1'000'000, 5}, of_capacity(6500));
    CHECK(outcome.rates(Kind::growth) == Rates{1000, 2000, 4000, 8000});
    CHECK(outcome.rates(Kind::bisection) == Rates{6000, 7000, 6500, 6750});
    CHECK(outcome.rates(Kind::confirmation) == Rates{6500});
    CHECK(outcome.end == End::confirmed);
    CHECK(outcome.confirmed == 6500U);
}

TEST_CASE("whatever a server's capacity, the result is below it by no more than the resolution") {
    const std::uint64_t resolution = GENERATE(as<std::uint64_t>{}, 1, 5, 20);
    const std::uint64_t capacity =
        GENERATE(as<std::uint64_t>{}, 1, 2, 3, 99, 1000, 31'337, 999'999);
    CAPTURE(resolution, capacity);
    const SearchOutcome outcome = search_within({1, 10'000'000, resolution}, of_capacity(capacity));
    REQUIRE(outcome.end == End::confirmed);
    CHECK(*outcome.confirmed <= capacity);
    const std::uint64_t next = *outcome.confirmed + *outcome.confirmed * resolution / 100;
    CHECK(std::max(next, *outcome.confirmed + 1) >= capacity);
}

TEST_CASE("a server that never fails is confirmed at the upper bound") {
    const SearchOutcome outcome = search_within({1000, 5000, 5}, of_capacity(UINT64_MAX));
    CHECK(outcome.rates(Kind::growth) == Rates{1000, 2000, 4000, 5000});
    CHECK(outcome.rates(Kind::bisection).empty());
    CHECK(outcome.confirmed == 5000U);
}

TEST_CASE("a server that always fails is tried once") {
    const SearchOutcome outcome = search_within({1000, 5000, 5}, of_capacity(0));
    CHECK(outcome.steps.size() == 1);
    CHECK(outcome.end == End::none_passed);
    CHECK_FALSE(outcome.highest_passed);
    CHECK_FALSE(outcome.confirmed);
}

TEST_CASE("a rate that only short runs pass is lowered until a long one does") {
    const SearchOutcome outcome = search_within({1000, 8000, 5}, [](const RateSearch::Step& step) {
        return served_within(step.kind == Kind::confirmation ? 6600 : 8000, step.rate);
    });
    CHECK(outcome.rates(Kind::confirmation) == Rates{8000, 7200, 6480});
    CHECK(outcome.confirmed == 6480U);
    CHECK(outcome.highest_passed == 8000U);
}

TEST_CASE("a server that no long run passes is given up, at the lowest rate at the latest") {
    const auto [bounds, confirmations] =
        GENERATE(std::pair{RateSearch::Bounds{1000, 8000, 5}, Rates{8000, 7200, 6480, 5832, 5249}},
                 std::pair{RateSearch::Bounds{1000, 1150, 5}, Rates{1150, 1035, 1000}},
                 std::pair{RateSearch::Bounds{1, 3, 5}, Rates{3, 2, 1}});
    const SearchOutcome outcome = search_within(bounds, [](const RateSearch::Step& step) {
        return step.kind == Kind::confirmation ? Finding::failed : Finding::passed;
    });
    CHECK(outcome.rates(Kind::confirmation) == confirmations);
    CHECK(outcome.end == End::unconfirmed);
    CHECK_FALSE(outcome.confirmed);
    CHECK(outcome.highest_passed == bounds.to);
}

TEST_CASE("a limit of the load generator is no verdict on the server: the search ends there") {
    const SearchOutcome outcome =
        search_within({1000, 100'000, 5}, [](const RateSearch::Step& step) {
            return step.rate > 5000 ? Finding::generator_limited : Finding::passed;
        });
    CHECK(outcome.rates(Kind::growth) == Rates{1000, 2000, 4000, 8000, 8000});
    CHECK(outcome.end == End::generator_limited);
    CHECK(outcome.highest_passed == 4000U);
    CHECK_FALSE(outcome.confirmed);
}

TEST_CASE("a load generator that was late once tries that step again, whatever the step") {
    const Kind kind = GENERATE(Kind::growth, Kind::bisection, Kind::confirmation);
    CAPTURE(static_cast<int>(kind));
    bool disturbed = false;
    const SearchOutcome outcome =
        search_within({1000, 100'000, 5}, [&](const RateSearch::Step& step) {
            if (step.kind != kind || disturbed) return served_within(6500, step.rate);
            disturbed = true;
            return Finding::generator_limited;
        });
    CHECK(disturbed);
    CHECK(outcome.confirmed == 6500U);
    CHECK(outcome.steps.size() == 10);
}

TEST_CASE("a server whose capacity varies from run to run is found within its range") {
    const std::uint64_t seed = GENERATE(range<std::uint64_t>(1, 200));
    CAPTURE(seed);
    Random random(seed);
    const SearchOutcome outcome =
        search_within({100, 1'000'000, 5}, [&](const RateSearch::Step& step) {
            return served_within(9000 + random.below(2000), step.rate);
        });
    REQUIRE(outcome.end == End::confirmed);
    // A confirmation that fails lowers the rate by a tenth, below what always passes at most once.
    CHECK(*outcome.confirmed >= 8100);
    CHECK(*outcome.confirmed < 11'000);
}

TEST_CASE("a search ends with the code that its documentation says") {
    // Of the last run: 0 fine, 1 it broke off, 3 the objective was missed, 4 a wrong delivery.
    const int last_run = GENERATE(0, 1, 3, 4);
    CAPTURE(last_run);
    CHECK(exit_code_of(End::confirmed, last_run) == 0);
    CHECK(exit_code_of(End::none_passed, last_run) == (last_run == 4 ? 4 : 3));
    CHECK(exit_code_of(End::unconfirmed, last_run) == 3);
    CHECK(exit_code_of(End::generator_limited, last_run) == 4);
}
