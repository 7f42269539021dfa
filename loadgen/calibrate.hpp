#pragma once

#include <string>

#include "loadgen/options.hpp"
#include "loadgen/results.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace ringside::loadgen {

/// What a run against the null server (null_io.hpp) says of the load generator.
struct Calibration {
    const Results& results;
    double verification_ns = 0;  // CPU time of the verifier, a delivery

    /// CPU time of the load generator, a delivery, the verifier's and the null server's included.
    [[nodiscard]] double cpu_ns() const noexcept;
    /// With a CPU of its own; no run of this load on this machine shows more.
    [[nodiscard]] double deliveries_per_cpu_second() const noexcept;
    /// Of cpu_ns() the verifier's, 0 to 1.
    [[nodiscard]] double verification_share() const noexcept;
};

/// The JSON object of docs/benchmarking.md, schema_version 1, ending in a newline.
[[nodiscard]] std::string calibration_json(const Calibration& calibration);
/// For people: at most 80 columns.
[[nodiscard]] std::string calibration_table(const Calibration& calibration);

/// Adds `loadgen calibrate`.
void add_calibrate(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
