#include "loadgen/rate_search.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {

constexpr unsigned limited_tries = 2;
constexpr std::uint64_t growth_factor = 2;
// Of the rate whose confirmation failed.
constexpr std::uint64_t step_down_divisor = 10;

// Exit codes of the program.
constexpr int objective_missed = 3;
constexpr int wrong_deliveries = 4;  // or a limit of the load generator

}  // namespace

RateSearch::RateSearch(const Bounds& bounds)
    : bounds_(bounds), step_(Step{bounds.from, Kind::growth}) {
    RINGSIDE_ASSERT(bounds.from > 0 && bounds.from <= bounds.to);
}

void RateSearch::report(Finding finding) {
    RINGSIDE_ASSERT(step_.has_value());
    if (finding == Finding::generator_limited) {
        if (++limited_in_a_row_ == limited_tries) finish(End::generator_limited);
        return;
    }
    limited_in_a_row_ = 0;
    const bool passed = finding == Finding::passed;
    if (step_->kind == Kind::confirmation) return report_confirmation(passed);
    (passed ? highest_passed_ : lowest_failed_) = step_->rate;
    if (!highest_passed_) return finish(End::none_passed);
    step_ = after_passed_and_failed();
}

RateSearch::Step RateSearch::after_passed_and_failed() const noexcept {
    const std::uint64_t passed = *highest_passed_;
    if (!lowest_failed_) {
        if (passed == bounds_.to) return {passed, Kind::confirmation};
        return {std::min(passed * growth_factor, bounds_.to), Kind::growth};
    }
    const std::uint64_t gap = *lowest_failed_ - passed;
    const bool near = gap * 100 <= passed * bounds_.resolution_percent;
    if (near || gap == 1) return {passed, Kind::confirmation};
    return {passed + gap / 2, Kind::bisection};
}

void RateSearch::report_confirmation(bool passed) {
    const std::uint64_t rate = step_->rate;
    if (passed) {
        confirmed_ = rate;
        return finish(End::confirmed);
    }
    if (++confirmations_failed_ == confirmations_max || rate == bounds_.from) {
        return finish(End::unconfirmed);
    }
    const std::uint64_t down = std::max<std::uint64_t>(rate / step_down_divisor, 1);
    step_->rate = std::max(rate - down, bounds_.from);
}

void RateSearch::finish(End end) noexcept {
    end_ = end;
    step_.reset();
}

const char* kind_name(RateSearch::Kind kind) noexcept {
    switch (kind) {
        case RateSearch::Kind::growth:
            return "growth";
        case RateSearch::Kind::bisection:
            return "bisection";
        case RateSearch::Kind::confirmation:
            return "confirmation";
    }
    return "";
}

const char* end_name(RateSearch::End end) noexcept {
    switch (end) {
        case RateSearch::End::confirmed:
            return "confirmed";
        case RateSearch::End::none_passed:
            return "none_passed";
        case RateSearch::End::unconfirmed:
            return "unconfirmed";
        case RateSearch::End::generator_limited:
            return "generator_limited";
    }
    return "";
}

int exit_code_of(RateSearch::End end, int last_run) noexcept {
    switch (end) {
        case RateSearch::End::confirmed:
            return 0;
        case RateSearch::End::none_passed:
            // A run that broke off is a rate that failed, whatever a run of its own would end with.
            return last_run == wrong_deliveries ? wrong_deliveries : objective_missed;
        case RateSearch::End::unconfirmed:
            return objective_missed;
        case RateSearch::End::generator_limited:
            return wrong_deliveries;
    }
    return 1;
}

const char* finding_name(Finding finding) noexcept {
    switch (finding) {
        case Finding::passed:
            return "passed";
        case Finding::failed:
            return "failed";
        case Finding::generator_limited:
            return "generator_limited";
    }
    return "";
}

}  // namespace ringside::loadgen
