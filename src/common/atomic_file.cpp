#include "common/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "common/unique_fd.hpp"

namespace ringside {

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(last_error("write"));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text) {
    const std::string temporary = path.string() + "." + std::to_string(::getpid());
    const UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return std::unexpected(last_error("open"));
    // The umask may have taken bits away, and the exporter runs as another user.
    Result<void> done = ::fchmod(file.get(), 0644) == 0 ? write_all(file.get(), text)
                                                        : std::unexpected(last_error("fchmod"));
    if (done && ::rename(temporary.c_str(), path.c_str()) != 0) {
        done = std::unexpected(last_error("rename"));
    }
    if (!done) ::unlink(temporary.c_str());
    return done;
}

}  // namespace ringside
