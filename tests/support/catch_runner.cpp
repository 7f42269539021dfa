#define CATCH_CONFIG_RUNNER
#include "support/catch_runner.hpp"

#include <catch2/catch.hpp>

namespace ringside::test {

int run_catch(int argc, const char* const* argv, int (*prepare)()) {
    Catch::Session session;
    if (const int refused = session.applyCommandLine(argc, argv); refused != 0) return refused;
    if (const int code = prepare(); code != 0) return code;
    // Not the number of failures, which could be the code for "skipped".
    return session.run() == 0 ? 0 : 1;
}

}  // namespace ringside::test
