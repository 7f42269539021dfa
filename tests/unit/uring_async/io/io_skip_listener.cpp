#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "io_fixture.hpp"

namespace ringside::uring {

namespace {

// Exit 77, "skipped", where the Io that is to be tested cannot run on this machine.
struct SkipListener : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;

    void testRunStarting(const Catch::TestRunInfo&) override {
        if (io_kinds().front() != IoKind::uring) return;
        const Probe probe = probe_io_uring();
        std::cout << probe.text() << std::endl;
        if (!probe.usable) std::_Exit(77);
    }
};

CATCH_REGISTER_LISTENER(SkipListener)

}  // namespace

}  // namespace ringside::uring
