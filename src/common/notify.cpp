#include "common/notify.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/result.hpp"

namespace ringside {

namespace {

constexpr int listen_fds_start = 3;  // SD_LISTEN_FDS_START

}  // namespace

void notify_manager(std::string_view state) noexcept {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0';
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), bytes));
}

UniqueFd inherited_listener() {
    const char* const pid = std::getenv("LISTEN_PID");
    const char* const count = std::getenv("LISTEN_FDS");
    if (pid == nullptr || count == nullptr || std::to_string(::getpid()) != pid) return UniqueFd{};
    if (std::string_view(count) == "0") return UniqueFd{};
    if (std::string_view(count) != "1") {
        throw StartError(std::string("LISTEN_FDS is ") + count +
                         ", but this server takes one listening socket: hand over just one");
    }
    UniqueFd listener(listen_fds_start);
    ::fcntl(listener.get(), F_SETFD, FD_CLOEXEC);
    const int flags = ::fcntl(listener.get(), F_GETFL);
    int listening = 0;
    socklen_t bytes = sizeof listening;
    const int failed = ::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes);
    if (flags < 0 || failed != 0 || listening == 0) {
        throw StartError("LISTEN_FDS names a descriptor that is no listening socket");
    }
    ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK);
    return listener;
}

}  // namespace ringside
