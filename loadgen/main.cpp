#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "common/result.hpp"
#include "loadgen/options.hpp"
#include "loadgen/report.hpp"
#include "loadgen/run.hpp"
#include "loadgen/run_start.hpp"

namespace ringside::loadgen {

namespace {

constexpr int usage_error = 2;

// What the options ask for; false where something could not be written, which is told.
bool write_files(const Options& options, const Results& results) {
    bool all = options.json.empty() || write_file(options.json, json_report(results));
    if (options.hgrm.empty()) return all;
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        const auto kind = static_cast<Latency>(i);
        const Histogram& latency = results.recorder.latency(kind);
        if (latency.count() == 0) continue;
        all &= write_file(fmt::format("{}/{}.hgrm", options.hgrm, latency_name(kind)),
                          hgrm_report(latency));
    }
    return all;
}

int run(const Options& options) {
    check_before_run(options);
    Interruption interruption = or_start_error(Interruption::make());
    const std::unique_ptr<Run> load = make_run(options, interruption);
    const Results results = load->execute();
    const int code = results.exit_code();
    if (results.failure.empty() || results.measured_seconds > 0) {
        fmt::print("{}", table_report(results));
    }
    if (!results.failure.empty()) fmt::print(stderr, "loadgen: {}\n", results.failure);
    return write_files(options, results) ? code : std::max(code, usage_error);
}

}  // namespace

}  // namespace ringside::loadgen

int main(int argc, char** argv) {
    using namespace ringside;
    loadgen::Options options;
    loadgen::Command command;
    try {
        if (const auto code = loadgen::read_options(argc, argv, options, command)) return *code;
        return command ? command() : loadgen::run(options);
    } catch (const StartError& problem) {
        fmt::print(stderr, "loadgen: {}\n", problem.what());
        return loadgen::usage_error;
    }
}
