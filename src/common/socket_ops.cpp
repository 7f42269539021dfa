#include "common/socket_ops.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>

#include "common/assert.hpp"

namespace ringside {

namespace {

// As many clients as may connect between two accepts; the kernel cuts it to net.core.somaxconn.
constexpr int listen_backlog = 4096;

struct HostPort {
    std::string host;
    std::string port;
};

// "[::1]:5000" and "host:5000"; an IPv6 address without brackets is ambiguous and refused.
std::optional<HostPort> split(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find_first_of(":[]") != std::string_view::npos) {
        return std::nullopt;
    }
    std::uint16_t number = 0;
    const char* const end = port.data() + port.size();
    const auto [stop, problem] = std::from_chars(port.data(), end, number);
    if (host.empty() || problem != std::errc{} || stop != end) return std::nullopt;
    return HostPort{std::string(host), std::string(port)};
}

Result<void> set_option(int fd, int level, int option, const char* operation) {
    const int on = 1;
    if (::setsockopt(fd, level, option, &on, sizeof on) != 0) {
        return std::unexpected(last_error(operation));
    }
    return {};
}

// Waits for a connect that is under way; 0 or the errno of the connection.
int finish_connect(int fd) {
    pollfd waiting{fd, POLLOUT, 0};
    while (::poll(&waiting, 1, -1) < 0) {
        if (errno != EINTR) return errno;
    }
    int problem = 0;
    socklen_t bytes = sizeof problem;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &bytes) != 0) return errno;
    return problem;
}

}  // namespace

const sockaddr* SocketAddress::get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
}

std::string SocketAddress::text() const {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    const int problem = ::getnameinfo(get(), bytes, host, sizeof host, port, sizeof port,
                                      NI_NUMERICHOST | NI_NUMERICSERV);
    if (problem != 0) return "?";
    if (family() == AF_INET6) return "[" + std::string(host) + "]:" + port;
    return std::string(host) + ":" + port;
}

std::expected<SocketAddress, std::string> parse_address(std::string_view host_port) {
    const std::optional<HostPort> parts = split(host_port);
    if (!parts) {
        return std::unexpected("'" + std::string(host_port) +
                               "' is no address: give HOST:PORT, such as 127.0.0.1:5000");
    }
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int problem = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found);
    if (problem != 0) {
        const char* const why =
            problem == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(problem);
        return std::unexpected("cannot find host '" + parts->host + "' (" + why + ")");
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.bytes = found->ai_addrlen;
    return address;
}

Result<void> set_no_delay(int listener) {
    return set_option(listener, IPPROTO_TCP, TCP_NODELAY, "set TCP_NODELAY");
}

Result<UniqueFd> make_stream_socket(int family) {
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return std::unexpected(last_error("socket"));
    // TCP_NODELAY: what is sent is already everything that is due, there is nothing to wait for.
    if (auto set = set_no_delay(fd.get()); !set) return std::unexpected(set.error());
    return fd;
}

Result<UniqueFd> make_listener(const SocketAddress& address) {
    Result<UniqueFd> fd = make_stream_socket(address.family());
    if (!fd) return fd;
    // SO_REUSEADDR: a restart must not wait for connections of the last run in TIME_WAIT. A port
    // that somebody listens on is still refused.
    if (auto set = set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, "set SO_REUSEADDR"); !set) {
        return std::unexpected(set.error());
    }
    if (::bind(fd->get(), address.get(), address.bytes) != 0) {
        return std::unexpected(last_error("bind"));
    }
    if (::listen(fd->get(), listen_backlog) != 0) return std::unexpected(last_error("listen"));
    return fd;
}

Result<void> bind_loopback_source(int fd, std::uint8_t number) {
    RINGSIDE_ASSERT(number >= 1 && number <= 254);
    // Linux 4.2: the port is chosen at connect(), when the other end is known; else each address
    // would give as many ports as there are, to all servers together.
    if (auto set = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "bind without a port");
        !set) {
        return set;
    }
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + number);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
        return std::unexpected(last_error("bind"));
    }
    return {};
}

Result<UniqueFd> connect_stream(const SocketAddress& address) {
    Result<UniqueFd> fd = make_stream_socket(address.family());
    if (!fd) return fd;
    if (::connect(fd->get(), address.get(), address.bytes) == 0) return fd;
    const int problem = errno == EINPROGRESS ? finish_connect(fd->get()) : errno;
    if (problem != 0) return std::unexpected(Error{problem, "connect"});
    return fd;
}

Result<std::uint16_t> local_port(int fd) {
    SocketAddress address;
    address.bytes = sizeof address.storage;
    auto* const target = reinterpret_cast<sockaddr*>(&address.storage);
    if (::getsockname(fd, target, &address.bytes) != 0) {
        return std::unexpected(last_error("getsockname"));
    }
    if (address.family() == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

std::uint32_t unsent_bytes(int fd) noexcept {
    int bytes = 0;
    return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 ? static_cast<std::uint32_t>(bytes) : 0;
}

}  // namespace ringside
