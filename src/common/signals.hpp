#pragma once

namespace ringside {

// Signals of a server, waited for by its main thread like any other event.
//
// Made before any other thread exists, so that every thread inherits the mask. SIGPIPE and SIGXFSZ
// are ignored: a peer that is gone is an error of one send, a file at its limit of one append.
class StopSignals {
 public:
    StopSignals();

    /// Waits for SIGTERM or SIGINT; returns its number. From then on a second one ends the process
    /// at once, with exit code 1.
    [[nodiscard]] int wait() noexcept;
};

}  // namespace ringside
