// The conformance suite: whether a server keeps docs/protocol.md.
//
//   conformance [Catch2 options] -- SERVER [ARGUMENT...]
//
// The words behind `--` are the server under test; the suite starts it with these and adds
// `--listen 127.0.0.1:0 --port-file … --data …` and what a test needs. Any server that takes those
// options can be judged:
//
//   conformance -- build/src/uring_async/uring-server --io=epoll --workers 4
//   conformance '*order*' -- build/src/pipeline/pipeline-server
//
// Exit code 77 ("skipped") where the server says that io_uring cannot be used here.

#include <algorithm>
#include <iostream>
#include <string_view>

#include "conformance/chat_server.hpp"
#include "support/catch_runner.hpp"

namespace ringside::test {

namespace {

Command command_under_test;

constexpr int exit_usage = 2;
constexpr int exit_skipped = 77;

// Starts the server once before all tests: one that cannot run at all fails here, with its words.
int try_server() {
    const TempFolder folder;
    try {
        ServerProcess server(command_under_test, folder.path());
        return 0;
    } catch (const std::exception& error) {
        const std::string_view what = error.what();
        std::cerr << what << '\n';
        const bool refused = what.find("code 2") != std::string_view::npos &&
                             what.find("io_uring") != std::string_view::npos;
        return refused ? exit_skipped : 1;
    }
}

}  // namespace

const Command& tested_server() {
    return command_under_test;
}

}  // namespace ringside::test

int main(int argc, char** argv) {
    using namespace ringside::test;
    char** const end = argv + argc;
    char** const dashes =
        std::find_if(argv, end, [](const char* word) { return std::string_view(word) == "--"; });
    if (end - dashes < 2) {
        std::cerr << "usage: conformance [Catch2 options] -- SERVER [ARGUMENT...]\n";
        return exit_usage;
    }
    command_under_test.assign(dashes + 1, end);
    return run_catch(static_cast<int>(dashes - argv), argv, try_server);
}
