#pragma once

#include <cstdio>
#include <string_view>

namespace ringside::loadgen {

// What the program prints, on one thread. A measurement is not lost because nobody can read of it:
// nothing here throws, and what standard output could not take becomes an exit code at the end.

/// First in main(), before anything is opened: a pipe without a reader (`| head`) is an error of a
/// write and no end of the program. And where standard output or standard error is closed,
/// the next file or socket would get its number, and what is printed.
void prepare_streams() noexcept;

/// To standard error; lost where that cannot take it (a full disk).
void tell(std::string_view text) noexcept;
/// To standard output or standard error, at once.
void print_to(std::FILE* stream, std::string_view text) noexcept;

/// Last in main(): false where something printed to standard output, by whatever, was lost, which
/// is told on standard error. A pipe that is read no more loses nothing.
[[nodiscard]] bool output_arrived();

}  // namespace ringside::loadgen
