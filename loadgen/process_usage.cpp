#include "loadgen/process_usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>

namespace ringside::loadgen {

namespace {

double seconds(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

// proc(5): the second field is the program's name in parentheses, which may itself hold blanks and
// parentheses; user and system time are the fields 14 and 15, in clock ticks.
Result<double> cpu_seconds_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::unexpected(Error{ENOENT, "read /proc/PID/stat"});
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        fields >> skipped;
    double user = 0;
    double system = 0;
    if (!(fields >> user >> system)) return std::unexpected(Error{EPROTO, "read /proc/PID/stat"});
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<std::uint64_t> resident_bytes_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; file >> word;) {
        std::uint64_t kib = 0;
        if (word == "Rss:" && file >> kib) return kib * 1024;
    }
    return std::unexpected(Error{EACCES, "read /proc/PID/smaps_rollup"});
}

double own_cpu_seconds() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace ringside::loadgen
