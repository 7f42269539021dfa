#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.hpp"

namespace ringside {

/// Where results go that a person asked for under a name. Only a file, or a name that is free, can
/// be replaced whole; to replace anything else would take it from whoever has it open.
struct OutputFile {
    std::filesystem::path path;  // the name, symbolic links followed
    bool in_place = false;  // there, and no regular file: a device, a FIFO, what /dev/stdout is

    /// Says where the name leads; writes nothing. Fails where that cannot be known.
    [[nodiscard]] static Result<OutputFile> find(std::filesystem::path name);

    /// Replaces the file as write_file_atomically() does; what is written in place is appended, and
    /// opening a FIFO waits for its reader. A reader that is gone is an error (EPIPE), no signal.
    [[nodiscard]] Result<void> write(std::string_view text) const;
};

}  // namespace ringside
