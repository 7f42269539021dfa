#include "common/event_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <expected>

#include "common/assert.hpp"

namespace ringside {

Result<EventFd> EventFd::make(Reads reads) {
    const int mode = reads == Reads::nonblocking ? EFD_NONBLOCK : 0;
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC | mode));
    if (!fd) return std::unexpected(last_error("eventfd"));
    return EventFd(std::move(fd));
}

void EventFd::signal() const noexcept {
    const std::uint64_t one = 1;
    ssize_t written = 0;
    do {
        written = ::write(fd_.get(), &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    // EAGAIN: the counter is at its maximum, so the descriptor is readable as it is.
    RINGSIDE_ASSERT(written == sizeof one || errno == EAGAIN);
}

std::uint64_t EventFd::take() const noexcept {
    std::uint64_t count = 0;
    ssize_t got = 0;
    do {
        got = ::read(fd_.get(), &count, sizeof count);
    } while (got < 0 && errno == EINTR);
    RINGSIDE_ASSERT(got == sizeof count || errno == EAGAIN);
    return got == sizeof count ? count : 0;
}

}  // namespace ringside
