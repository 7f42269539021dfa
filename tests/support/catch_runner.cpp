#define CATCH_CONFIG_RUNNER
#include "support/catch_runner.hpp"

#include <catch2/catch.hpp>

namespace ringside::test {

int run_catch(int argc, const char* const* argv) {
    return Catch::Session().run(argc, argv);
}

}  // namespace ringside::test
