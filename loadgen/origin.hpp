#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ringside::loadgen {

/// What the load generator ran on.
struct Machine {
    std::string kernel;       // its release, "6.1.0-40-amd64"
    std::string cpu;          // the model's name; where /proc/cpuinfo has none, the architecture's
    std::uint64_t cores = 0;  // that were online

    friend bool operator==(const Machine&, const Machine&) = default;
};

/// What made a result: without it nobody can say which results may be compared.
struct Origin {
    std::string version;  // of loadgen, "0.1.0"
    std::string commit;   // as in build_info.hpp, likewise the next two
    std::string compiler;
    std::string build_type;
    std::optional<Machine> machine;  // empty: of machines that differ
};

/// Of this program, here and now.
[[nodiscard]] Origin this_origin();

}  // namespace ringside::loadgen
