#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

// Runs a server program for a test: starts it on a free port with a data folder of the test's own,
// waits until it accepts, stops it. The program is whatever takes `--listen`, `--port-file` and
// `--data`. A server that a test forgot dies with the test program.

namespace ringside::test {

/// The program and the arguments that choose its form: {"uring-server", "--io=epoll"}.
using Command = std::vector<std::string>;

/// How a process ended. `code` is its exit code, or 128 + the signal that killed it.
struct ProcessEnd {
    int code = 0;
    std::string error_text;  // what it wrote to standard error
};

/// What the disk does to a server: fdatasync() fails with EIO, or all is well.
enum class Disk : std::uint8_t { works, fails_to_sync };

class ServerProcess {
 public:
    /// Starts it and waits for its port. std::runtime_error with what the server wrote where it
    /// ends instead, or does not accept in time. `folder` takes its data (folder/data), its port
    /// and its standard error; a second server may follow the first in the same folder.
    ServerProcess(const Command& command, const std::filesystem::path& folder,
                  const std::vector<std::string>& options = {}, Disk disk = Disk::works);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    /// Kills it where it still runs.
    ~ServerProcess();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// False once its end was waited for.
    [[nodiscard]] bool running() const noexcept { return pid_ > 0; }

    /// SIGTERM, once; the server goes on until wait().
    void terminate();
    /// Waits for its end. std::runtime_error where it does not end in time.
    [[nodiscard]] ProcessEnd wait();
    /// SIGTERM and wait.
    [[nodiscard]] ProcessEnd stop();
    void kill9();

    /// From now on none of its files may grow beyond `bytes`; RLIM_INFINITY lifts that.
    void limit_file_size(rlim_t bytes);

    /// Memory of its own (RssAnon), or 0 where a sanitizer's bookkeeping makes the figure useless.
    [[nodiscard]] std::size_t own_memory_bytes() const;

 private:
    [[nodiscard]] bool ended();  // reaps it where it has
    void await_port(const std::filesystem::path& port_file);
    [[nodiscard]] std::string error_text() const;

    std::filesystem::path folder_;
    pid_t pid_ = -1;
    bool terminated_ = false;  // SIGTERM was sent
    int status_ = 0;           // of waitpid, once pid_ is -1 again
    std::uint16_t port_ = 0;
};

/// Runs a program to its end, for command lines that are refused.
[[nodiscard]] ProcessEnd run_to_end(const Command& command, const std::filesystem::path& folder,
                                    const std::vector<std::string>& options);

}  // namespace ringside::test
