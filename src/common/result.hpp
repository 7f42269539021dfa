#pragma once

#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringside {

/// What the kernel or the disk refused: `code` is an errno value, `operation` names the call or the
/// step that failed ("open history", "pwritev"); a string literal, never owned.
struct Error {
    int code = 0;
    const char* operation = "";

    /// "pwritev: No space left on device".
    [[nodiscard]] std::string text() const;
};

template <typename T>
using Result = std::expected<T, Error>;

/// An Error made of the present errno; call it on the line after the system call.
[[nodiscard]] Error last_error(const char* operation) noexcept;

/// The program cannot start: main prints `what()` as its one line and exits with code 2, so the
/// text says what to do about it.
class StartError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// The value of `result`; throws StartError with its error's text where there is none.
template <typename T>
[[nodiscard]] T or_start_error(Result<T> result) {
    if (!result) throw StartError(result.error().text());
    return std::move(*result);
}

}  // namespace ringside
