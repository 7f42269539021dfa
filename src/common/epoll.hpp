#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

// One epoll set, level-triggered, for one thread; the only place that includes <sys/epoll.h>. The
// caller's `token` comes back in `epoll_event::data.u64`.
//
// An event of a descriptor that was closed meanwhile may still be in a batch that wait() returned:
// tokens must tell (a slot and its generation, never a bare descriptor number).
class Epoll {
 public:
    static constexpr std::uint64_t wait_forever = UINT64_MAX;

    [[nodiscard]] static Result<Epoll> make();

    /// `events`: EPOLLIN, EPOLLOUT. EPOLLERR and EPOLLHUP are always reported, even for 0: a
    /// descriptor without interest is to be removed, or a dead peer spins the loop.
    [[nodiscard]] Result<void> add(int fd, std::uint32_t events, std::uint64_t token) noexcept;
    [[nodiscard]] Result<void> modify(int fd, std::uint32_t events, std::uint64_t token) noexcept;
    /// Not needed before close() of a descriptor that was never duplicated.
    void remove(int fd) noexcept;

    /// Waits at most `timeout_ns` (0: not at all) and returns the filled front of `buffer`; empty
    /// after the time-out or a signal.
    [[nodiscard]] std::span<epoll_event> wait(std::span<epoll_event> buffer,
                                              std::uint64_t timeout_ns) noexcept;

 private:
    explicit Epoll(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
    [[nodiscard]] int wait_raw(std::span<epoll_event> buffer, std::uint64_t timeout_ns) noexcept;

    UniqueFd fd_;
    // False once the kernel (before 5.11) or a container's filter refused epoll_pwait2.
    bool nanosecond_wait_ = true;
};

}  // namespace ringside
