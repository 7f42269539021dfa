#pragma once

#include <cstdint>

#include "loadgen/live_view.hpp"

namespace ringside::loadgen {

/// What standard error shows of a run while it lasts.
enum class Progress : std::uint8_t {
    none,   // --quiet
    lines,  // one a second: for files, pipes and terminals without cursor movement
    view,   // redrawn in place
};

/// `term`: the environment's TERM, null where it is unset.
[[nodiscard]] Progress progress_of(bool quiet, bool terminal, const char* term) noexcept;
/// For this process.
[[nodiscard]] Progress progress_of(bool quiet) noexcept;
[[nodiscard]] bool error_is_terminal() noexcept;

/// Of the terminal that standard error is: colours unless NO_COLOR is set (no-color.org), UTF-8
/// where the locale of the environment says so, 80 columns and 24 rows where it does not tell its
/// size.
[[nodiscard]] TerminalStyle terminal_style();
/// As the window is now.
void read_window_size(TerminalStyle& style) noexcept;

}  // namespace ringside::loadgen
