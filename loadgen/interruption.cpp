#include "loadgen/interruption.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "common/assert.hpp"

namespace ringside::loadgen {

namespace {

sigset_t stop_signals() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    return set;
}

// Null: none. Written by the program's one thread, read by the handler, which interrupts it.
std::atomic<const char*> file_to_remove = nullptr;
static_assert(std::atomic<const char*>::is_always_lock_free);

// unlink() and raise() are async-signal-safe (signal-safety(7)). SA_RESETHAND has set the default
// action by now; the raised signal is held back until this returns, and ends the program then.
void remove_and_end(int signal) {
    if (const char* const path = file_to_remove) ::unlink(path);
    ::raise(signal);
}

void unblock() noexcept {
    struct sigaction ending {};
    ending.sa_handler = remove_and_end;
    ending.sa_flags = static_cast<int>(SA_RESETHAND);
    ending.sa_mask = stop_signals();
    for (const int signal : {SIGINT, SIGTERM}) {
        struct sigaction present {};
        // What was ignored when the program started, as by nohup, stays so.
        if (::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
            ::sigaction(signal, &ending, nullptr);
        }
    }
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

RemovedAtSignal::RemovedAtSignal(const char* path) noexcept {
    RINGSIDE_ASSERT(file_to_remove == nullptr);
    file_to_remove = path;
}

RemovedAtSignal::~RemovedAtSignal() {
    file_to_remove = nullptr;
}

}  // namespace ringside::loadgen
