#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "uring_async/io/io.hpp"

// Exit 77, "skipped", where the Io that is to be tested cannot run on this machine.
int main(int argc, char** argv) {
    const char* const chosen = std::getenv("IO_KIND");
    if (chosen == nullptr || std::string_view(chosen) == "uring") {
        const ringside::uring::Probe probe = ringside::uring::probe_io_uring();
        std::cout << probe.text() << '\n';
        if (!probe.usable) return 77;
    }
    return Catch::Session().run(argc, argv);
}
