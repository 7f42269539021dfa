#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside::loadgen {

// Ctrl-C and SIGTERM as something to be asked for: the first one ends the run with its partial
// result, and from then on the signals do what they do by default, so a second one ends the program
// at once, of that very signal; it takes no more with it than the file of a RemovedAtSignal. Make
// it before any other thread.
class Interruption {
 public:
    [[nodiscard]] static Result<Interruption> make();
    /// True once a signal came.
    [[nodiscard]] bool requested() noexcept;
    /// For what comes after the work: from now on the signals end the program at once. One that
    /// came before and was not asked for is forgotten.
    static void let_signals_through() noexcept;

 private:
    explicit Interruption(UniqueFd signals) noexcept : signals_(std::move(signals)) {}

    UniqueFd signals_;
    bool requested_ = false;
};

// While it lives, a signal that ends the program at once removes this file first: metrics that stay
// are taken for those of a run that goes on. One at a time.
class RemovedAtSignal {
 public:
    /// `path` outlives this.
    explicit RemovedAtSignal(const char* path) noexcept;
    ~RemovedAtSignal();
    RemovedAtSignal(const RemovedAtSignal&) = delete;
    RemovedAtSignal& operator=(const RemovedAtSignal&) = delete;
};

}  // namespace ringside::loadgen
