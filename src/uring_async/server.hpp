#pragma once

#include <cstdint>
#include <string>

#include "common/options.hpp"
#include "uring_async/io/io_choice.hpp"

namespace ringside::uring {

struct UringServerOptions {
    ServerOptions server;
    std::size_t workers = 0;  // --workers, 0: the number of cores
    IoChoice io = IoChoice::automatic;
};

/// More workers than this are refused: there is an inbox for every pair of them.
inline constexpr std::size_t workers_max = 256;

/// Serves until SIGTERM or SIGINT, drains, returns the exit code. Throws StartError where it cannot
/// start. Called once, by main(), before any other thread exists.
[[nodiscard]] int run_server(const UringServerOptions& options);

}  // namespace ringside::uring
