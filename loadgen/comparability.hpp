#pragma once

#include <string>
#include <vector>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// Something that two results must have in common to be put together or beside each other.
struct Fact {
    std::string name;   // for a person: "payload bytes"
    std::string value;  // "-" where it does not apply
};

/// Of any results the same facts in the same order: workload, parameters, protocol, I/O and the
/// load generator's build. Neither shards nor machine nor times.
[[nodiscard]] std::vector<Fact> load_facts(const Results& results);

/// "payload bytes: 64 and 128" for each fact in which they differ; both lists are of one make.
[[nodiscard]] std::vector<std::string> differences(const std::vector<Fact>& a,
                                                   const std::vector<Fact>& b);

/// Whether windows, or their beginnings, are alike: they differ by 2 % of the shorter at most, or
/// by 50 ms where that is more.
[[nodiscard]] bool windows_alike(double seconds_a, double seconds_b, double difference) noexcept;

}  // namespace ringside::loadgen
