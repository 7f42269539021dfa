#pragma once

#include <string_view>

#include "common/unique_fd.hpp"

namespace ringside {

/// Tells the service manager `state` ("READY=1", "STOPPING=1") where it asked for that by
/// NOTIFY_SOCKET; does nothing otherwise, and nothing helps where it fails. The protocol is
/// sd_notify(3)'s: one datagram to a Unix socket, whose name begins with @ where it is abstract.
void notify_manager(std::string_view state) noexcept;

/// The listening socket handed over by the service manager (LISTEN_PID, LISTEN_FDS:
/// sd_listen_fds(3)), non-blocking; empty where there is none. Throws StartError where there are
/// several.
[[nodiscard]] UniqueFd inherited_listener();

}  // namespace ringside
