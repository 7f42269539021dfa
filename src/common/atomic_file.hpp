#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.hpp"

namespace ringside {

/// Replaces the file whole: a reader sees the old text or the new one, never a part. Mode 0644
/// whatever the umask. The temporary file stands in the same folder and ends in this process's
/// number. Not synced: after a power cut the file may be gone or old.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path,
                                                 std::string_view text);

/// Goes on after a write of a part.
[[nodiscard]] Result<void> write_all(int fd, std::string_view text);

}  // namespace ringside
