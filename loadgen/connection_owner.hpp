#pragma once

#include "uring_async/io/io.hpp"

namespace ringside::loadgen {

/// Whom the driver's loop tells what happens on a connection.
class ConnectionOwner {
 public:
    virtual void on_event(const uring::IoEvent& event) = 0;
    /// At the end of a turn in which it asked for it: sends what it has queued.
    virtual void flush() noexcept = 0;

 protected:
    ConnectionOwner() = default;
    ~ConnectionOwner() = default;
};

}  // namespace ringside::loadgen
