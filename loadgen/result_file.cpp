#include "loadgen/result_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/atomic_file.hpp"
#include "common/result.hpp"

namespace ringside::loadgen {

void check_result_file(const char* option, const std::string& path) {
    if (path.empty()) return;
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        throw StartError(fmt::format("{}: {} is a folder; name a file", option, path));
    }
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw StartError(fmt::format("{}: cannot write into {} ({})", option, folder.native(),
                                 last_error("access").text()));
}

bool write_result_file(const std::string& path, const std::string& text) {
    const Result<void> written = write_file_atomically(path, text);
    if (written) return true;
    fmt::print(stderr, "loadgen: cannot write {} ({})\n", path, written.error().text());
    return false;
}

}  // namespace ringside::loadgen
