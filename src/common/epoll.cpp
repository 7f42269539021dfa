#include "common/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <expected>

#include "common/assert.hpp"

namespace ringside {

namespace {

Result<void> control(int epoll, int operation, int fd, std::uint32_t events, std::uint64_t token,
                     const char* name) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    if (::epoll_ctl(epoll, operation, fd, &event) != 0) return std::unexpected(last_error(name));
    return {};
}

// Rounded up: waking before the time would make the caller wait again, in a loop.
int milliseconds(std::uint64_t timeout_ns) noexcept {
    if (timeout_ns == Epoll::wait_forever) return -1;
    const std::uint64_t rounded = timeout_ns / 1'000'000 + (timeout_ns % 1'000'000 != 0 ? 1 : 0);
    return static_cast<int>(std::min<std::uint64_t>(rounded, INT_MAX));
}

}  // namespace

Result<Epoll> Epoll::make() {
    UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return std::unexpected(last_error("epoll_create1"));
    return Epoll(std::move(fd));
}

Result<void> Epoll::add(int fd, std::uint32_t events, std::uint64_t token) noexcept {
    return control(fd_.get(), EPOLL_CTL_ADD, fd, events, token, "epoll_ctl add");
}

Result<void> Epoll::modify(int fd, std::uint32_t events, std::uint64_t token) noexcept {
    return control(fd_.get(), EPOLL_CTL_MOD, fd, events, token, "epoll_ctl modify");
}

void Epoll::remove(int fd) noexcept {
    const Result<void> done = control(fd_.get(), EPOLL_CTL_DEL, fd, 0, 0, "epoll_ctl remove");
    RINGSIDE_ASSERT(done.has_value());
}

int Epoll::wait_raw(std::span<epoll_event> buffer, std::uint64_t timeout_ns) noexcept {
    const int room = static_cast<int>(buffer.size());
    if (nanosecond_wait_) {
        timespec time{};
        time.tv_sec = static_cast<std::time_t>(timeout_ns / 1'000'000'000);
        time.tv_nsec = static_cast<long>(timeout_ns % 1'000'000'000);
        const timespec* const limit = timeout_ns == wait_forever ? nullptr : &time;
        const int count = ::epoll_pwait2(fd_.get(), buffer.data(), room, limit, nullptr);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
        nanosecond_wait_ = false;
    }
    return ::epoll_wait(fd_.get(), buffer.data(), room, milliseconds(timeout_ns));
}

std::span<epoll_event> Epoll::wait(std::span<epoll_event> buffer,
                                   std::uint64_t timeout_ns) noexcept {
    RINGSIDE_ASSERT(!buffer.empty());
    const int count = wait_raw(buffer, timeout_ns);
    RINGSIDE_ASSERT(count >= 0 || errno == EINTR);
    return buffer.first(count > 0 ? static_cast<std::size_t>(count) : 0);
}

}  // namespace ringside
