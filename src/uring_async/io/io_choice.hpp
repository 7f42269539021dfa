#pragma once

#include <cstdint>

#include "uring_async/io/probe.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ringside::uring {

/// Which I/O a program runs on (--io). automatic: io_uring where it may be used, else epoll.
enum class IoChoice : std::uint8_t { automatic, uring, epoll };

/// Adds --io; the caller sets its group.
CLI::Option* add_io_option(CLI::App& app, IoChoice& target);

/// Whether to run on io_uring. Throws StartError where it is demanded and cannot be used.
[[nodiscard]] bool wants_uring(IoChoice choice, const Probe& probe);

}  // namespace ringside::uring
