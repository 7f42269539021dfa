#pragma once

#include <cstdint>
#include <string>

#include "common/json_log.hpp"
#include "common/options.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

// What every server does on its way up, before it has threads. All of it throws StartError with a
// text that says what to do.

/// Descriptors of any server: standard streams, listener, log files, a few pipes and epoll sets.
inline constexpr std::uint64_t own_descriptors = 64;

/// Raises the soft limit of descriptors to the hard one, which it returns; 0 where it is unknown.
std::uint64_t raise_descriptor_limit() noexcept;

/// Raises the soft limit of descriptors to the hard one and returns `options` with no more
/// connections than it can bear, so that clients never take the `needed` descriptors that the
/// server itself works with: own_descriptors, its threads', its rooms'. The log says where that
/// lowers
/// --max-connections.
[[nodiscard]] ServerOptions within_descriptor_limit(ServerOptions options, std::uint64_t needed,
                                                    JsonLog& log);
/// The pure part: at most `wanted`. StartError where not even one is possible.
[[nodiscard]] std::size_t connections_within(std::uint64_t descriptors, std::uint64_t needed,
                                             std::size_t wanted);

/// The listening socket: the one handed over by the service manager, else a new one on `listen`
/// (HOST:PORT). Non-blocking.
[[nodiscard]] UniqueFd open_listener(const std::string& listen);

/// The log level of the options. They were checked when they were parsed.
[[nodiscard]] LogLevel log_level_of(const ServerOptions& options);

/// The file with the port's number and a newline, for who started the server with port 0. Written
/// once the server accepts, removed when it ends.
class PortFile {
 public:
    /// `path` empty: no file.
    PortFile(std::string path, std::uint16_t port);
    ~PortFile();
    PortFile(const PortFile&) = delete;
    PortFile& operator=(const PortFile&) = delete;

 private:
    std::string path_;
};

}  // namespace ringside
