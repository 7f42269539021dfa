#include "pipeline/handoff.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <type_traits>

#include "common/assert.hpp"

namespace ringside::pipeline {

static_assert(std::is_trivially_copyable_v<Handoff>);
static_assert(handoff_batch_max * sizeof(Handoff) <= PIPE_BUF, "a batch is written as one");

namespace {

ssize_t write_whole(int fd, const Handoff* messages, std::size_t count) noexcept {
    ssize_t written = 0;
    do {
        written = ::write(fd, messages, count * sizeof(Handoff));
    } while (written < 0 && errno == EINTR);
    RINGSIDE_ASSERT(written > 0 || errno == EAGAIN);
    return written;
}

}  // namespace

HandoffInbox::HandoffInbox() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
        throw StartError(last_error("make a pipe between stages").text() +
                         "; raise the limit of open files (ulimit -n)");
    }
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
}

std::span<const Handoff> HandoffInbox::receive() noexcept {
    ssize_t got = 0;
    do {
        got = ::read(read_end_.get(), batch_.data(), sizeof batch_);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        RINGSIDE_ASSERT(errno == EAGAIN);
        return {};
    }
    const auto bytes = static_cast<std::size_t>(got);
    RINGSIDE_ASSERT(bytes % sizeof(Handoff) == 0);
    return std::span<const Handoff>(batch_).first(bytes / sizeof(Handoff));
}

void HandoffInbox::wake() noexcept {
    const Handoff message{.kind = Handoff::Kind::wake, .room = 0, .session = {}, .count = 0};
    // EAGAIN is fine: the reader has something to read.
    static_cast<void>(write_whole(write_end_.get(), &message, 1));
}

bool HandoffOutlet::flush(std::uint64_t& writes) noexcept {
    while (written_ < pending_.size()) {
        const std::size_t count = std::min(pending_.size() - written_, handoff_batch_max);
        ++writes;
        if (write_whole(fd_, pending_.data() + written_, count) < 0) {
            // What was written is dropped from the front only when it is the larger part, so that a
            // long wait costs each message one move at most.
            if (written_ > pending_.size() / 2) {
                pending_.erase(pending_.begin(),
                               pending_.begin() + static_cast<std::ptrdiff_t>(written_));
                written_ = 0;
            }
            return false;
        }
        written_ += count;
    }
    pending_.clear();
    written_ = 0;
    return true;
}

}  // namespace ringside::pipeline
