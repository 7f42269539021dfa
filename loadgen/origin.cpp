#include "loadgen/origin.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "common/build_info.hpp"

namespace ringside::loadgen {

namespace {

// Empty where the kernel names no model, as on ARM.
std::string cpu_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("model name")) continue;
        const std::size_t value = line.find(": ");
        return value == std::string::npos ? "" : line.substr(value + 2);
    }
    return {};
}

Machine this_machine() {
    utsname system{};
    ::uname(&system);
    const std::string model = cpu_model();
    return {system.release, model.empty() ? system.machine : model,
            static_cast<std::uint64_t>(::sysconf(_SC_NPROCESSORS_ONLN))};
}

}  // namespace

Origin this_origin() {
    return {build_info::version, build_info::commit, build_info::compiler, build_info::build_type,
            this_machine()};
}

}  // namespace ringside::loadgen
