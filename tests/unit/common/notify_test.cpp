#include "common/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/result.hpp"

namespace ringside {

namespace {

/// A datagram socket with a name that the kernel chooses, and that name as NOTIFY_SOCKET has it.
struct Manager {
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    std::string name;

    Manager() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t bytes = sizeof(sa_family_t);
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), bytes) == 0);
        bytes = sizeof address;
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
        name.assign(address.sun_path, bytes - sizeof(sa_family_t));
        name[0] = '@';
    }

    [[nodiscard]] std::string read() const {
        char text[64];
        const ssize_t bytes = ::recv(socket.get(), text, sizeof text, MSG_DONTWAIT);
        return bytes < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(bytes));
    }
};

}  // namespace

TEST_CASE("the service manager is told where it asked for it, and nobody else is") {
    const Manager manager;
    ::setenv("NOTIFY_SOCKET", manager.name.c_str(), 1);
    notify_manager("READY=1");
    CHECK(manager.read() == "READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    notify_manager("STOPPING=1");
    CHECK(manager.read() == "nothing");
}

TEST_CASE("sockets handed over to another process are not taken") {
    ::setenv("LISTEN_PID", "1", 1);
    ::setenv("LISTEN_FDS", "1", 1);
    CHECK_FALSE(inherited_listener());
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "2", 1);
    CHECK_THROWS_AS(inherited_listener(), StartError);
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    CHECK_FALSE(inherited_listener());
}

}  // namespace ringside
