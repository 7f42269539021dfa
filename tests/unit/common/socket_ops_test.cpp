#include "common/socket_ops.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <catch2/catch.hpp>
#include <cerrno>

namespace ringside {

namespace {

int no_delay(int fd) {
    int value = 0;
    socklen_t bytes = sizeof value;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &bytes) == 0);
    return value;
}

SocketAddress with_port(std::string_view host, std::uint16_t port) {
    return parse_address(std::string(host) + ":" + std::to_string(port)).value();
}

}  // namespace

TEST_CASE("an address is read from HOST:PORT and printed the same way") {
    const std::string text = GENERATE("127.0.0.1:5000", "0.0.0.0:0", "[::1]:0", "[::]:65535");
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE(address.has_value());
    CHECK(address->text() == text);
}

TEST_CASE("a host name is looked up") {
    const auto address = parse_address("localhost:80");
    REQUIRE(address.has_value());
    CHECK((address->text() == "127.0.0.1:80" || address->text() == "[::1]:80"));
}

TEST_CASE("what is no HOST:PORT is refused") {
    const std::string text =
        GENERATE("", ":", "127.0.0.1", "127.0.0.1:", ":5000", "5000", "::1:80", "127.0.0.1:65536",
                 "127.0.0.1:-1", "127.0.0.1:80x", "[]:80", "[::1:80", "::1]:80", "127.0.0.1: 80");
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error() ==
          "'" + text + "' is no address: give HOST:PORT, such as 127.0.0.1:5000");
}

// It was "look up host: Cannot assign requested address" once. The reason in the brackets depends
// on the machine: its resolver answers "no such host", or fails itself.
TEST_CASE("a host that does not exist is told with its name, and not as a malformed address") {
    const auto address = parse_address("no..such.host:80");
    REQUIRE_FALSE(address.has_value());
    CHECK_THAT(address.error(), Catch::StartsWith("cannot find host 'no..such.host' (") &&
                                    !Catch::Contains("assign") && Catch::EndsWith(")"));
}

// The service manager's sockets come without it; each answer would wait for the client's
// acknowledgement of the one before.
TEST_CASE("a listener that somebody else made can be given TCP_NODELAY, another socket not") {
    const UniqueFd foreign(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(no_delay(foreign.get()) == 0);
    REQUIRE(set_no_delay(foreign.get()).has_value());
    CHECK(no_delay(foreign.get()) == 1);
    const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK_FALSE(set_no_delay(local.get()).has_value());
}

TEST_CASE("a listener is non-blocking and hands TCP_NODELAY down to accepted sockets") {
    const std::string host = GENERATE("127.0.0.1", "[::1]");
    CAPTURE(host);
    const UniqueFd listener = make_listener(with_port(host, 0)).value();
    CHECK((::fcntl(listener.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(::accept(listener.get(), nullptr, nullptr) == -1);
    const std::uint16_t port = local_port(listener.get()).value();
    REQUIRE(port != 0);

    const UniqueFd client = connect_stream(with_port(host, port)).value();
    CHECK((::fcntl(client.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(no_delay(client.get()) != 0);
    pollfd waiting{listener.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
    const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
    REQUIRE(accepted);
    CHECK(no_delay(accepted.get()) != 0);
}

TEST_CASE("a port in use is refused, a port just left is not") {
    UniqueFd first = make_listener(with_port("127.0.0.1", 0)).value();
    const std::uint16_t port = local_port(first.get()).value();
    const Result<UniqueFd> second = make_listener(with_port("127.0.0.1", port));
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == EADDRINUSE);

    // The accepted side closes first, so the port has a connection in TIME_WAIT.
    const UniqueFd client = connect_stream(with_port("127.0.0.1", port)).value();
    pollfd waiting{first.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
    UniqueFd(::accept(first.get(), nullptr, nullptr)).reset();
    first.reset();
    CHECK(make_listener(with_port("127.0.0.1", port)).has_value());
}

TEST_CASE("a connection comes from the loopback address that was asked for") {
    const UniqueFd listener = make_listener(with_port("127.0.0.1", 0)).value();
    const SocketAddress server = with_port("127.0.0.1", local_port(listener.get()).value());
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{7}, std::uint8_t{254}}) {
        const UniqueFd client = make_stream_socket(AF_INET).value();
        REQUIRE(bind_loopback_source(client.get(), number));
        CHECK((::connect(client.get(), server.get(), server.bytes) == 0 || errno == EINPROGRESS));
        pollfd waiting{listener.get(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, -1) == 1);
        SocketAddress peer;
        peer.bytes = sizeof peer.storage;
        const UniqueFd accepted(
            ::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.bytes));
        REQUIRE(accepted);
        CHECK(peer.text().starts_with("127.0.0." + std::to_string(number) + ":"));
    }
}

TEST_CASE("a refused connection is an error with its reason") {
    UniqueFd listener = make_listener(with_port("127.0.0.1", 0)).value();
    const std::uint16_t port = local_port(listener.get()).value();
    listener.reset();
    const Result<UniqueFd> client = connect_stream(with_port("127.0.0.1", port));
    REQUIRE_FALSE(client.has_value());
    CHECK(client.error().text() == "connect: Connection refused");
}

}  // namespace ringside
