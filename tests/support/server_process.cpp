#include "support/server_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "common/unique_fd.hpp"
#include "support/refuse_calls.hpp"
#include "support/temp_folder.hpp"

namespace ringside::test {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds process_patience{20};
// A child's end and a file's appearance have no descriptor to wait on together; both are looked at
// this often.
constexpr std::chrono::milliseconds poll_interval{1};

std::filesystem::path error_file(const std::filesystem::path& folder) {
    return folder / "stderr";
}

// Between fork and exec only async-signal-safe calls: the arguments are made before.
pid_t start(const Command& command, const std::vector<std::string>& options,
            const std::filesystem::path& folder, Disk disk) {
    std::vector<std::string> words = command;
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const UniqueFd error(::open(error_file(folder).c_str(),
                                O_CREAT | O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    const pid_t pid = ::fork();
    if (pid < 0 || !error) throw std::runtime_error("cannot start " + command.front());
    if (pid > 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(error.get(), STDERR_FILENO);
    ::dup2(error.get(), STDOUT_FILENO);
    if (disk == Disk::fails_to_sync) refuse_calls(SYS_fdatasync, SYS_fdatasync, EIO);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
}

int code_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ServerProcess::ServerProcess(const Command& command, const std::filesystem::path& folder,
                             const std::vector<std::string>& options, Disk disk)
    : folder_(folder) {
    const std::filesystem::path port_file = folder / "port";
    std::filesystem::remove(port_file);
    std::vector<std::string> all = {"--listen",         "127.0.0.1:0", "--port-file",
                                    port_file.string(), "--data",      (folder / "data").string()};
    all.insert(all.end(), options.begin(), options.end());
    pid_ = start(command, all, folder, disk);
    try {
        await_port(port_file);
    } catch (...) {
        kill9();
        throw;
    }
}

ServerProcess::~ServerProcess() {
    kill9();
}

void ServerProcess::await_port(const std::filesystem::path& port_file) {
    const Clock::time_point until = Clock::now() + process_patience;
    while (port_ == 0) {
        const std::string text = read_file(port_file);
        if (!text.empty()) port_ = static_cast<std::uint16_t>(std::stoul(text));
        if (port_ == 0 && ended()) {
            throw std::runtime_error("the server ended with code " +
                                     std::to_string(code_of(status_)) + ": " + error_text());
        }
        if (Clock::now() > until) throw std::runtime_error("no port in time: " + error_text());
        std::this_thread::sleep_for(poll_interval);
    }
}

bool ServerProcess::ended() {
    if (pid_ < 0) return true;
    const pid_t reaped = ::waitpid(pid_, &status_, WNOHANG);
    if (reaped == pid_) pid_ = -1;
    return pid_ < 0;
}

void ServerProcess::terminate() {
    // A second signal would end the server at once and lose what this one is to show.
    if (pid_ > 0 && !terminated_) ::kill(pid_, SIGTERM);
    terminated_ = true;
}

ProcessEnd ServerProcess::wait() {
    const Clock::time_point until = Clock::now() + process_patience;
    while (!ended()) {
        if (Clock::now() > until) {
            throw std::runtime_error("the server did not end in time: " + error_text());
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return {code_of(status_), error_text()};
}

ProcessEnd ServerProcess::stop() {
    terminate();
    return wait();
}

void ServerProcess::kill9() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
    pid_ = -1;
}

void ServerProcess::limit_file_size(rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    if (::prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) != 0) {
        throw std::runtime_error("cannot limit the server's files");
    }
}

std::string ServerProcess::error_text() const {
    return read_file(error_file(folder_));
}

std::size_t ServerProcess::own_memory_bytes() const {
    const std::filesystem::path proc = "/proc/" + std::to_string(pid_);
    const std::string maps = read_file(proc / "maps");
    for (const char* const runtime : {"/libasan.so", "/libtsan.so"})
        if (maps.contains(runtime)) return 0;
    const std::string status = read_file(proc / "status");
    const std::size_t at = status.find("RssAnon:");
    if (at == std::string::npos) return 0;
    constexpr std::size_t kib = 1024;
    return std::stoul(status.substr(at + 8)) * kib;
}

ProcessEnd run_to_end(const Command& command, const std::filesystem::path& folder,
                      const std::vector<std::string>& options) {
    const pid_t pid = start(command, options, folder, Disk::works);
    const Clock::time_point until = Clock::now() + process_patience;
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) != pid) {
        if (Clock::now() > until) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, &status, 0);
            break;
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return {code_of(status), read_file(error_file(folder))};
}

}  // namespace ringside::test
