#pragma once

#include <cstdint>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

// A counter in the kernel that one thread waits for and any thread raises: how a thread that
// sleeps in epoll_wait or io_uring_enter is woken.
class EventFd {
 public:
    /// How a read of the counter at 0 behaves. io_uring wants `blocking`: with O_NONBLOCK its read
    /// request fails with EAGAIN instead of waiting.
    enum class Reads : std::uint8_t { nonblocking, blocking };

    [[nodiscard]] static Result<EventFd> make(Reads reads = Reads::nonblocking);

    [[nodiscard]] int get() const noexcept { return fd_.get(); }
    /// Any thread: raises the counter by one, which makes the descriptor readable.
    void signal() const noexcept;
    /// The waiting thread: resets the counter and returns what it was; 0 where nothing was raised.
    [[nodiscard]] std::uint64_t take() const noexcept;

 private:
    explicit EventFd(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace ringside
