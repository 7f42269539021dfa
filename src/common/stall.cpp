#include "common/stall.hpp"

#include <cerrno>
#include <ctime>

namespace ringside {

void stall(std::uint64_t now_ns, std::uint64_t stall_ns) noexcept {
    if (stall_ns == 0) return;
    const std::uint64_t left_ns = stall_left_ns(now_ns, stall_ns);
    if (left_ns == 0) return;
    timespec left{0, static_cast<long>(left_ns)};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

}  // namespace ringside
