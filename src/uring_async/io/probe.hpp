#pragma once

#include <string>

namespace ringside::uring {

/// What the start-up probe found. Behaviour is tried on a throw-away ring, not read off a version:
/// distributions carry features back, and containers take them away.
struct Probe {
    bool usable = false;  // the Io over io_uring can run here
    std::string why_not;  // one line where it cannot: "io_uring_setup: Operation not permitted (…)"
    bool defer_taskrun = false;
    bool multishot_accept = false;
    bool multishot_receive = false;
    bool min_wait = false;
    /// "io_uring: defer_taskrun multishot_accept … (kernel 6.18.44)" or "io_uring: not usable: …".
    [[nodiscard]] std::string text() const;
};

/// Takes about a millisecond; leaves nothing behind.
[[nodiscard]] Probe probe_io_uring() noexcept;

}  // namespace ringside::uring
