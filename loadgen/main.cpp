#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "common/result.hpp"
#include "loadgen/options.hpp"
#include "loadgen/output.hpp"
#include "loadgen/run.hpp"
#include "loadgen/run_start.hpp"

namespace ringside::loadgen {

namespace {

int run(const Options& options) {
    check_before_run(options);
    Interruption interruption = or_start_error(Interruption::make());
    const std::unique_ptr<Run> load = make_run(options, interruption);
    const Results results = load->execute();
    const int code = results.exit_code();
    return write_outputs(options, results) ? code : std::max(code, usage_error);
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
