#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "common/result.hpp"

namespace ringside {

// Positioned file reads and writes that finish what the kernel did in part. Any thread.

/// Reads `size` bytes from `offset` on; fewer only at the end of the file.
[[nodiscard]] Result<std::size_t> read_fully(int fd, char* out, std::size_t size,
                                             std::uint64_t offset) noexcept;

/// Writes all pieces back to back from `offset` on, in one pwritev where they are few. After an
/// error any part of them may be in the file.
[[nodiscard]] Result<void> write_fully(int fd, std::span<const std::string_view> pieces,
                                       std::uint64_t offset) noexcept;
[[nodiscard]] Result<void> write_fully(int fd, std::string_view bytes,
                                       std::uint64_t offset) noexcept;

[[nodiscard]] Result<void> truncate_file(int fd, std::uint64_t size) noexcept;
[[nodiscard]] Result<std::uint64_t> file_bytes(int fd) noexcept;

/// Makes creations and renames in `folder` survive a power cut.
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder) noexcept;

}  // namespace ringside
