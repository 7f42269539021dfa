#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

// Making TCP sockets, and the only place that sets socket options. Everything here may block or
// allocate and is called when a program starts or connects, never per message (unsent_bytes(), for
// time limits, does neither).

/// Where a socket listens or connects to: IPv4 or IPv6, with the port.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t bytes = 0;

    [[nodiscard]] const sockaddr* get() const noexcept;
    [[nodiscard]] int family() const noexcept { return storage.ss_family; }
    /// As parse_address() takes it, the host as a number: "127.0.0.1:5000", "[::1]:5000".
    [[nodiscard]] std::string text() const;
};

/// Reads HOST:PORT: "127.0.0.1:5000", "[::1]:0", "localhost:5000" (the first address of a name).
/// The host may not be empty: listening to the whole world is said as 0.0.0.0 or [::]. The error is
/// for whoever gave the address: "cannot find host 'nosuch' (Name or service not known)", or what
/// an address looks like.
[[nodiscard]] std::expected<SocketAddress, std::string> parse_address(std::string_view host_port);

/// A non-blocking listener; port 0 takes a free one, local_port() tells which. Accepted sockets
/// inherit TCP_NODELAY from it.
[[nodiscard]] Result<UniqueFd> make_listener(const SocketAddress& address);

/// TCP_NODELAY for a listener that somebody else made: what is accepted from it inherits that.
[[nodiscard]] Result<void> set_no_delay(int listener);

/// A non-blocking, unconnected TCP socket (what Io::connect takes), with TCP_NODELAY.
[[nodiscard]] Result<UniqueFd> make_stream_socket(int family);

/// Connections of `fd` come from 127.0.0.`number` (1 to 254): from one address, one port of a
/// server takes some 28,000 connections (net.ipv4.ip_local_port_range). IPv4 only.
[[nodiscard]] Result<void> bind_loopback_source(int fd, std::uint8_t number);

/// Connects and waits for it; the socket it returns is non-blocking, with TCP_NODELAY.
[[nodiscard]] Result<UniqueFd> connect_stream(const SocketAddress& address);

[[nodiscard]] Result<std::uint16_t> local_port(int fd);

/// Bytes that the peer's TCP has not acknowledged; 0 where the socket does not tell.
[[nodiscard]] std::uint32_t unsent_bytes(int fd) noexcept;

}  // namespace ringside
