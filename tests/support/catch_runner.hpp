#pragma once

namespace ringside::test {

/// Runs the program's test cases as Catch2's options in `argv` (after the program's name) say, and
/// returns 0 where all passed, 1 where one failed, Catch2's own code for wrong options. `prepare`
/// is called when the options are right; what it returns, if not 0, is returned instead. Not
/// Catch2's own class, since with version 2 whoever sees that compiles all of Catch2.
int run_catch(
    int argc, const char* const* argv, int (*prepare)() = [] { return 0; });

}  // namespace ringside::test
