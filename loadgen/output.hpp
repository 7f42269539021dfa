#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "loadgen/results.hpp"

namespace ringside::loadgen {

/// Before a run, not after it: throws StartError where the files of the options cannot be written.
/// Makes the folder of --hgrm.
void check_outputs(const Options& options);

/// The table and the files that the options ask for; false where a file could not be written,
/// which is told on standard error.
[[nodiscard]] bool write_outputs(const Options& options, const Results& results);

/// Standard output; standard error where that is wanted for JSON or CSV.
[[nodiscard]] std::FILE* table_stream(const Options& options) noexcept;

// ---- for what is no run; "-" is standard output ----

/// A file, or none (empty), and the option that names it.
struct NamedFile {
    const char* option;
    std::string path;
};

/// Before the work: throws StartError where two of them are the same file, however it is named.
void check_distinct(const std::vector<NamedFile>& files);

/// Before the work: throws StartError where `path`, which `option` names, is a folder, in one that
/// cannot be written, or a device or a FIFO that cannot. Empty: no file is wanted.
void check_output_file(const char* option, const std::string& path);
/// False where it could not be written, which is told on standard error; of standard output
/// output_arrived() tells. At the end of the work: a
/// signal ends the program at once while it writes to what is no regular file.
[[nodiscard]] bool write_output_file(const std::string& path, const std::string& text);

}  // namespace ringside::loadgen
