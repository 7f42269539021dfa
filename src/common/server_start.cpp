#include "common/server_start.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/assert.hpp"
#include "common/atomic_file.hpp"
#include "common/notify.hpp"
#include "common/socket_ops.hpp"

namespace ringside {

std::uint64_t raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::size_t connections_within(std::uint64_t descriptors, std::uint64_t needed,
                               std::size_t wanted) {
    if (descriptors <= needed) {
        throw StartError("the limit of open files is " + std::to_string(descriptors) +
                         ", more than " + std::to_string(needed) +
                         " are needed: raise it (ulimit -n)");
    }
    return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, descriptors - needed));
}

ServerOptions within_descriptor_limit(ServerOptions options, std::uint64_t needed, JsonLog& log) {
    const std::uint64_t descriptors = raise_descriptor_limit();
    const std::size_t wanted = options.connections_max;
    options.connections_max = connections_within(descriptors, needed, wanted);
    if (options.connections_max == wanted) return options;
    log.write(LogLevel::warn,
              "the limit of open files allows fewer clients than --max-connections: raise it "
              "(ulimit -n)",
              {{"descriptors", descriptors},
               {"wanted", wanted},
               {"max_connections", options.connections_max}});
    return options;
}

UniqueFd open_listener(const std::string& listen) {
    if (UniqueFd inherited = inherited_listener()) {
        if (auto set = set_no_delay(inherited.get()); !set) {
            throw StartError("LISTEN_FDS hands over a socket that is not TCP (" +
                             set.error().text() + "): let it listen on a TCP port");
        }
        return inherited;
    }
    const auto address = parse_address(listen);
    if (!address) throw StartError("--listen: " + address.error());
    Result<UniqueFd> listener = make_listener(*address);
    if (listener) return std::move(*listener);
    const std::string why = "cannot listen on " + listen + " (" + listener.error().text() + "): ";
    if (listener.error().code == EADDRINUSE) {
        throw StartError(why +
                         "stop the program that uses the port, or give another with --listen");
    }
    throw StartError(why + "give another address with --listen");
}

LogLevel log_level_of(const ServerOptions& options) {
    LogLevel level = LogLevel::info;
    const bool known = parse_log_level(options.log_level, level);
    RINGSIDE_ASSERT(known);
    return level;
}

PortFile::PortFile(std::string path, std::uint16_t port) : path_(std::move(path)) {
    if (path_.empty()) return;
    const Result<void> written = write_file_atomically(path_, std::to_string(port) + "\n");
    if (!written) {
        throw StartError("cannot write the port file " + path_ + " (" + written.error().text() +
                         "): give a path that can be written with --port-file");
    }
}

PortFile::~PortFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace ringside
