#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>

#include "common/options.hpp"
#include "pipeline/server.hpp"

int main(int argc, char** argv) {
    CLI::App app("A chat server whose clients move through a pipeline of threads.",
                 "pipeline-server");
    ringside::ServerOptions options;
    ringside::add_server_options(app, options);
    if (const std::optional<int> code = ringside::parse_options(app, argc, argv)) return *code;
    try {
        return ringside::pipeline::run_server(options);
    } catch (const std::exception& problem) {  // StartError, or out of memory on the way up
        std::fprintf(stderr, "pipeline-server: %s\n", problem.what());
        return 2;
    }
}
