#include "uring_async/io/io_choice.hpp"

#include "common/options.hpp"
#include "common/result.hpp"

namespace ringside::uring {

CLI::Option* add_io_option(CLI::App& app, IoChoice& target) {
    // In the order of IoChoice.
    return add_choice_option(
        app, "--io", {"auto", "uring", "epoll"},
        [&target](std::size_t choice) { target = static_cast<IoChoice>(choice); },
        "How to reach the kernel; auto: io_uring where it may be used, else epoll.");
}

bool wants_uring(IoChoice choice, const Probe& probe) {
    if (choice == IoChoice::uring && !probe.usable) {
        throw StartError("--io=uring is not possible here: " + probe.why_not +
                         "; --io=auto and --io=epoll are");
    }
    return choice != IoChoice::epoll && probe.usable;
}

}  // namespace ringside::uring
