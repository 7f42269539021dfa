#pragma once

// Catch2 3 under the name and with the words of Catch2 2, which the tests are written for. On the
// include path only where the system has version 3 (Ubuntu 24.04); Debian 12 has version 2.

#include <catch2/catch_all.hpp>
#include <string>

using Catch::Approx;

namespace Catch {

inline Matchers::StringContainsMatcher Contains(const std::string& part) {
    return Matchers::ContainsSubstring(part);
}
using Matchers::EndsWith;
using Matchers::Equals;
using Matchers::StartsWith;

}  // namespace Catch
