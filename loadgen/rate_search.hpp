#pragma once

#include <cstdint>
#include <optional>

namespace ringside::loadgen {

/// What a run at one rate says about the server.
enum class Finding : std::uint8_t {
    passed,             // it serves that rate
    failed,             // it does not
    generator_limited,  // nothing: the load generator could not keep that rate itself
};

// Which rates a server is tried at to find the highest that it serves. It decides and runs nothing,
// so that a test can search a made-up server.
//
// 1. Growth: `from`, then twice as much each time, `to` at most, until a step fails.
// 2. Bisection between the highest rate that passed and the lowest that failed, until the second is
//    no more than `resolution_percent` above the first.
// 3. Confirmation: one long run at the highest rate that passed. Where it fails, the next is a
// tenth
//    lower, but not below `from`, and there are at most `confirmations_max`.
//
// A step that the load generator limited is tried once more, since a short disturbance of the
// machine looks alike. The second time in a row ends the search: nothing is known of the server
// there, so going on would take the load generator's limit for its own.
class RateSearch {
 public:
    static constexpr unsigned confirmations_max = 5;

    struct Bounds {
        std::uint64_t from = 0;  // at least 1
        std::uint64_t to = 0;    // at least `from`
        std::uint64_t resolution_percent = 0;
    };
    enum class Kind : std::uint8_t { growth, bisection, confirmation };
    struct Step {
        std::uint64_t rate = 0;
        Kind kind = Kind::growth;
    };
    enum class End : std::uint8_t {
        confirmed,          // confirmed() is the result
        none_passed,        // not even `from`
        unconfirmed,        // short runs passed, no long one did
        generator_limited,  // the server may be able to serve more than highest_passed()
    };

    explicit RateSearch(const Bounds& bounds);

    /// What to try now; nothing where the search is over.
    [[nodiscard]] const std::optional<Step>& next() const noexcept { return step_; }
    /// What became of next(), which there is.
    void report(Finding finding);

    /// Nothing while there is a next().
    [[nodiscard]] std::optional<End> end() const noexcept { return end_; }
    [[nodiscard]] std::optional<std::uint64_t> highest_passed() const noexcept {
        return highest_passed_;
    }
    [[nodiscard]] std::optional<std::uint64_t> confirmed() const noexcept { return confirmed_; }

 private:
    [[nodiscard]] Step after_passed_and_failed() const noexcept;
    void report_confirmation(bool passed);
    void finish(End end) noexcept;

    Bounds bounds_;
    std::optional<Step> step_;
    std::optional<End> end_;
    std::optional<std::uint64_t> highest_passed_;  // in growth and bisection
    std::optional<std::uint64_t> lowest_failed_;   // likewise
    std::optional<std::uint64_t> confirmed_;
    unsigned limited_in_a_row_ = 0;
    unsigned confirmations_failed_ = 0;
};

[[nodiscard]] const char* kind_name(RateSearch::Kind kind) noexcept;  // "bisection"
[[nodiscard]] const char* end_name(RateSearch::End end) noexcept;     // "none_passed"
/// Of the program: 0 confirmed, 3 no rate passed or none was confirmed, 4 the load generator was
/// the limit, or `last_run` ended with 4, a wrong delivery, where no rate passed.
[[nodiscard]] int exit_code_of(RateSearch::End end, int last_run) noexcept;
[[nodiscard]] const char* finding_name(Finding finding) noexcept;  // "generator_limited"

}  // namespace ringside::loadgen
