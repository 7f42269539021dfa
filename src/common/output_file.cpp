#include "common/output_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "common/atomic_file.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

namespace {

constexpr int links_max = 40;  // as many as the kernel follows

// A link in /proc, where /dev/stdout and /dev/fd/N lead, stands for an open file: what it reads as
// need not be a path, and who has the file open waits for the text in that very file.
bool stands_for_descriptor(const std::filesystem::path& link) noexcept {
    const std::filesystem::path folder = link.parent_path();
    struct statfs system {};
    return ::statfs(folder.empty() ? "." : folder.c_str(), &system) == 0 &&
           system.f_type == PROC_SUPER_MAGIC;
}

class PipeSignalIgnored {
 public:
    PipeSignalIgnored() noexcept : before_(::signal(SIGPIPE, SIG_IGN)) {}
    ~PipeSignalIgnored() { ::signal(SIGPIPE, before_); }
    PipeSignalIgnored(const PipeSignalIgnored&) = delete;
    PipeSignalIgnored& operator=(const PipeSignalIgnored&) = delete;

 private:
    void (*before_)(int);
};

}  // namespace

Result<OutputFile> OutputFile::find(std::filesystem::path name) {
    for (int links = 0; links <= links_max; ++links) {
        struct stat status {};
        if (::lstat(name.c_str(), &status) != 0) {
            if (errno == ENOENT) return OutputFile{std::move(name), false};
            return std::unexpected(last_error("lstat"));
        }
        if (!S_ISLNK(status.st_mode)) return OutputFile{std::move(name), !S_ISREG(status.st_mode)};
        if (stands_for_descriptor(name)) return OutputFile{std::move(name), true};
        std::error_code failed;
        const std::filesystem::path target = std::filesystem::read_symlink(name, failed);
        if (failed) return std::unexpected(Error{failed.value(), "readlink"});
        name = name.parent_path() / target;
    }
    return std::unexpected(Error{ELOOP, "readlink"});
}

Result<void> OutputFile::write(std::string_view text) const {
    if (!in_place) return write_file_atomically(path, text);
    // O_APPEND: /dev/stdout may be a file that has a table already. O_NOCTTY: no terminal becomes
    // ours by being written to.
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
    if (!file) return std::unexpected(last_error("open"));
    const PipeSignalIgnored ignored;
    return write_all(file.get(), text);
}

}  // namespace ringside
