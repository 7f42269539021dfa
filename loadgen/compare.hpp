#pragma once

#include <string>
#include <vector>

#include "loadgen/options.hpp"
#include "loadgen/result_file.hpp"

namespace CLI {
class App;
}

namespace ringside::loadgen {

/// Why figures of `a` and `b` say nothing about a difference of their servers, one reason each;
/// empty where they may be compared.
[[nodiscard]] std::vector<std::string> incomparable(const StoredResults& a, const StoredResults& b);

/// Both side by side, for people: at most 80 columns.
[[nodiscard]] std::string comparison_table(const StoredResults& a, const StoredResults& b);

/// `loadgen compare A.json B.json`
void add_compare(CLI::App& app, Command& command);

}  // namespace ringside::loadgen
