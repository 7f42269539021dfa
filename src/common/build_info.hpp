#pragma once

namespace ringside::build_info {

// What this program was built from; the values are written by Meson (build_info.cpp.in), the commit
// anew by every build.
extern const char* const version;     // "0.1.0"
extern const char* const commit;      // "abc1234", "abc1234-dirty", "unknown" outside of a clone
extern const char* const compiler;    // "gcc 12.2.0"
extern const char* const build_type;  // "debugoptimized", with the sanitizers where there are any

}  // namespace ringside::build_info
