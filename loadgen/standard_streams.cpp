#include "loadgen/standard_streams.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace ringside::loadgen {

namespace {

// Above the longest --help, which so reaches the file in output_arrived(), where a reason is asked.
std::array<char, 64 << 10> output_buffer;

int output_error = 0;  // errno of the first that standard output could not take; 0: none

}  // namespace

void prepare_streams() noexcept {
    ::signal(SIGPIPE, SIG_IGN);
    std::setvbuf(stdout, output_buffer.data(), _IOFBF, output_buffer.size());
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
        // O_PATH: nothing can be read from it or written to it, as if it were still closed.
        const int held = ::open("/", O_PATH | O_CLOEXEC);
        if (held == stream || held < 0) continue;
        ::dup2(held, stream);
        ::close(held);
    }
}

void tell(std::string_view text) noexcept {
    print_to(stderr, text);
}

void print_to(std::FILE* stream, std::string_view text) noexcept {
    // An empty text may have no address, which fwrite() must not be given.
    const bool whole =
        text.empty() || std::fwrite(text.data(), 1, text.size(), stream) == text.size();
    if (std::fflush(stream) == 0 && whole) return;
    if (stream == stdout && output_error == 0) output_error = errno;
}

bool output_arrived() {
    print_to(stdout, {});  // what others have left in its buffer
    if (output_error == 0 && std::ferror(stdout) != 0) output_error = EIO;
    // Who reads a pipe no more has all that was wanted.
    if (output_error == 0 || output_error == EPIPE) return true;
    tell(fmt::format("loadgen: cannot write to standard output ({})\n",
                     std::generic_category().message(std::exchange(output_error, 0))));
    std::clearerr(stdout);
    return false;
}

}  // namespace ringside::loadgen
