#pragma once

#include <string>

namespace ringside::loadgen {

/// Before the work, not after it: throws StartError where `path`, which `option` names, is a folder
/// or in one that cannot be written. Empty: no file is wanted.
void check_result_file(const char* option, const std::string& path);

/// False where it could not be written, which is told on standard error.
[[nodiscard]] bool write_result_file(const std::string& path, const std::string& text);

}  // namespace ringside::loadgen
