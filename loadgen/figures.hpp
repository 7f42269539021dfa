#pragma once

#include <cstdint>
#include <string>

namespace ringside::loadgen {

/// "1,234,567": figures that a person is to compare.
[[nodiscard]] std::string grouped(std::uint64_t value);

}  // namespace ringside::loadgen
