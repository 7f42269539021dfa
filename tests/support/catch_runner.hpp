#pragma once

namespace ringside::test {

/// Runs the program's test cases as Catch2's options in `argv` (after the program's name) say, and
/// returns 0 where all passed, else 1. Not Catch2's own class, since with version 2 whoever sees
/// that compiles all of Catch2.
int run_catch(int argc, const char* const* argv);

}  // namespace ringside::test
