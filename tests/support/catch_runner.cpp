#define CATCH_CONFIG_RUNNER
#include "support/catch_runner.hpp"

#include <catch2/catch.hpp>

namespace ringside::test {

int run_catch(int argc, const char* const* argv) {
    // Not the number of failures, which could be the code for "skipped".
    return Catch::Session().run(argc, argv) == 0 ? 0 : 1;
}

}  // namespace ringside::test
