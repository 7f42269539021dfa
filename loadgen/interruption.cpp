#include "loadgen/interruption.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace ringside::loadgen {

namespace {

sigset_t stop_signals() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    return set;
}

void unblock() noexcept {
    const sigset_t set = stop_signals();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

Result<Interruption> Interruption::make() {
    const sigset_t set = stop_signals();
    if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0)
        return std::unexpected(last_error("sigprocmask"));
    UniqueFd signals(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!signals) return std::unexpected(last_error("signalfd"));
    return Interruption(std::move(signals));
}

bool Interruption::requested() noexcept {
    if (requested_) return true;
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return false;
    requested_ = true;
    unblock();
    return true;
}

void Interruption::let_signals_through() noexcept {
    const sigset_t set = stop_signals();
    constexpr timespec at_once{};
    while (::sigtimedwait(&set, nullptr, &at_once) > 0) {
    }
    unblock();
}

}  // namespace ringside::loadgen
