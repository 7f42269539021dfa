#include "loadgen/rate_run.hpp"

#include "common/result.hpp"
#include "loadgen/run.hpp"
#include "loadgen/run_start.hpp"
#include "loadgen/terminal.hpp"

namespace ringside::loadgen {

RateStep run_rate(Options options, std::uint64_t rate, std::uint64_t duration_ns,
                  Interruption& interruption, bool first) {
    options.offered.per_second = rate;
    options.duration_ns = duration_ns;
    // The caller tells of each rate; a line a second would drown that.
    options.quiet = options.quiet || progress_of(false) != Progress::view;
    std::unique_ptr<Run> run;
    try {
        run = make_run(options, interruption);
    } catch (const StartError& problem) {
        if (first) throw;
        return not_started(rate, problem.what());
    }
    return digest(run->execute());
}

}  // namespace ringside::loadgen
