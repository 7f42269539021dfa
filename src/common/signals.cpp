#include "common/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/assert.hpp"

namespace ringside {

namespace {

sigset_t stop_signals() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    return set;
}

void exit_now(int) {
    ::_exit(1);
}

}  // namespace

StopSignals::StopSignals() {
    const sigset_t set = stop_signals();
    const int failed = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    RINGSIDE_ASSERT(failed == 0);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
}

int StopSignals::wait() noexcept {
    const sigset_t set = stop_signals();
    int number = 0;
    const int failed = ::sigwait(&set, &number);
    RINGSIDE_ASSERT(failed == 0);
    // The drain must not stand in the way of somebody in a hurry.
    struct sigaction action {};
    action.sa_handler = exit_now;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    return number;
}

}  // namespace ringside
