#pragma once

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "common/unique_fd.hpp"

namespace ringside::test {

/// While it lives, what is written to standard output or standard error goes to a file of its own.
class CapturedStream {
 public:
    explicit CapturedStream(std::FILE* stream) : stream_(stream), file_(std::tmpfile()) {
        flush();
        original_.reset(::dup(::fileno(stream)));
        ::dup2(::fileno(file_), ::fileno(stream));
    }
    CapturedStream(const CapturedStream&) = delete;
    CapturedStream& operator=(const CapturedStream&) = delete;
    ~CapturedStream() {
        restore();
        std::fclose(file_);
    }

    /// Ends the capture and returns what came.
    [[nodiscard]] std::string take() {
        restore();
        std::string text(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), '\0');
        const ssize_t bytes = ::pread(::fileno(file_), text.data(), text.size(), 0);
        text.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
        return text;
    }

 private:
    void flush() {
        std::fflush(stream_);
        std::cout.flush();
        std::cerr.flush();
    }
    void restore() {
        if (!original_) return;
        flush();
        ::dup2(original_.get(), ::fileno(stream_));
        original_.reset();
    }

    std::FILE* stream_;
    std::FILE* file_;
    UniqueFd original_;  // empty: the capture has ended
};

}  // namespace ringside::test
