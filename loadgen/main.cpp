#include <fmt/format.h>

#include <algorithm>

#include "common/result.hpp"
#include "loadgen/control_characters.hpp"
#include "loadgen/options.hpp"
#include "loadgen/output.hpp"
#include "loadgen/run.hpp"
#include "loadgen/run_start.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

int run_load(const Options& options) {
    check_before_run(options);
    Interruption interruption = or_start_error(Interruption::make());
    const std::unique_ptr<Run> load = make_run(options, interruption);
    const Results results = load->execute();
    const int code = results.exit_code();
    return write_outputs(options, results) ? code : std::max(code, usage_error);
}

int run_program(int argc, char** argv) {
    Options options;
    Command command;
    try {
        if (const auto code = read_options(argc, argv, options, command)) return *code;
        return command ? command() : run_load(options);
    } catch (const StartError& problem) {
        // It may quote a file.
        tell(fmt::format("loadgen: {}\n", controls_escaped(problem.what())));
        return usage_error;
    }
}

}  // namespace

}  // namespace ringside::loadgen

int main(int argc, char** argv) {
    using namespace ringside::loadgen;
    prepare_streams();
    const int code = run_program(argc, argv);
    return output_arrived() ? code : std::max(code, usage_error);
}
