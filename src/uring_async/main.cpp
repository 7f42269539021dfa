#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

#include "common/options.hpp"
#include "common/result.hpp"
#include "uring_async/io/probe.hpp"
#include "uring_async/server.hpp"

int main(int argc, char** argv) {
    using namespace ringside;
    CLI::App app("A chat server of a few workers, each with one io_uring and coroutines.",
                 "uring-server");
    uring::UringServerOptions options;
    add_server_options(app, options.server);
    add_count_option(app, "--workers", options.workers, 0, uring::workers_max,
                     "Worker threads; 0: one per core.")
        ->group("Workers");
    uring::add_io_option(app, options.io)->group("Workers");
    const auto probe_text = [] { return uring::probe_io_uring().text(); };
    if (const std::optional<int> code = parse_options(app, argc, argv, probe_text)) return *code;
    try {
        return uring::run_server(options);
    } catch (const StartError& problem) {
        std::fprintf(stderr, "uring-server: %s\n", problem.what());
        return 2;
    }
}
