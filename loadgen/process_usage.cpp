#include "loadgen/process_usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
    if (!file) return std::unexpected(last_error("open /proc/PID/smaps_rollup"));
    for (std::string word; file >> word;) {
        std::uint64_t kib = 0;
        if (word == "Rss:" && file >> kib) return kib * 1024;
    }
    return std::unexpected(Error{EACCES, "read /proc/PID/smaps_rollup"});
}

OwnUsage own_usage() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
            static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

// proc(5): the first line is `cpu` and the times in user, nice, system, idle, iowait, irq, softirq,
// steal, guest, guest_nice. The last two are in user and nice already.
std::optional<MachineTime> parse_machine_time(std::string_view stat) {
    std::istringstream fields(std::string(stat.substr(0, stat.find('\n'))));
    std::string name;
    std::array<std::uint64_t, 8> times{};
    fields >> name;
    for (std::uint64_t& time : times)
        fields >> time;
    if (!fields || name != "cpu") return std::nullopt;
    MachineTime out{0, times.back()};
    for (const std::uint64_t time : times)
        out.total += time;
    return out;
}

std::optional<MachineTime> machine_time() {
    std::ifstream file("/proc/stat");
    std::string line;
    std::getline(file, line);
    return parse_machine_time(line);
}

std::optional<double> steal_share_of(const MachineTime& from, const MachineTime& to) {
    if (to.total <= from.total) return std::nullopt;
    const std::uint64_t stolen = to.stolen - std::min(from.stolen, to.stolen);
    return static_cast<double>(stolen) / static_cast<double>(to.total - from.total);
}

}  // namespace ringside::loadgen
