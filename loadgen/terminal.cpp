#include "loadgen/terminal.hpp"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace ringside::loadgen {

namespace {

// Asks for the locale without taking it on: the program's own texts do not depend on one.
bool locale_has_utf8() noexcept {
    const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
    if (locale == nullptr) return false;
    const bool utf8 = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
    ::freelocale(locale);
    return utf8;
}

bool is_set(const char* variable) noexcept {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

}  // namespace

Progress progress_of(bool quiet, bool terminal, const char* term) noexcept {
    if (quiet) return Progress::none;
    const std::string_view name = term == nullptr ? "" : term;
    return terminal && !name.empty() && name != "dumb" ? Progress::view : Progress::lines;
}

Progress progress_of(bool quiet) noexcept {
    return progress_of(quiet, error_is_terminal(), std::getenv("TERM"));
}

bool error_is_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

TerminalStyle terminal_style() {
    TerminalStyle style;
    style.utf8 = locale_has_utf8();
    style.colour = !is_set("NO_COLOR");
    read_window_size(style);
    return style;
}

void read_window_size(TerminalStyle& style) noexcept {
    winsize window{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0) return;
    if (window.ws_col > 0) style.columns = window.ws_col;
    if (window.ws_row > 0) style.rows = window.ws_row;
}

}  // namespace ringside::loadgen
