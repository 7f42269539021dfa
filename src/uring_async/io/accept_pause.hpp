#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "common/limits.hpp"

namespace ringside::uring {

/// True for an error of accept() that concerns one connection or passes by itself (accept(2),
/// "Error handling"): go on with the next. Everything else, EMFILE, ENFILE, ENOBUFS and ENOMEM
/// above all, would fail again at once, so accepting pauses.
[[nodiscard]] inline bool accept_error_passes(int code) noexcept {
    switch (code) {
        case ECONNABORTED:
        case EPROTO:
        case EPERM:
        case EINTR:
        case EAGAIN:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENOPROTOOPT:
        case ENONET:
            return true;
        default:
            return false;
    }
}

// When to try accepting again after a failure: a pause that doubles until it succeeds once.
class AcceptPause {
 public:
    static constexpr std::uint64_t not_paused = UINT64_MAX;

    void begin(std::uint64_t now_ns) noexcept {
        until_ns_ = now_ns + pause_ns_;
        pause_ns_ = std::min(pause_ns_ * 2, accept_pause_ns_max);
    }
    /// The pause is over, whether or not accepting works now.
    void end() noexcept { until_ns_ = not_paused; }
    void succeeded() noexcept { pause_ns_ = accept_pause_ns_min; }

    [[nodiscard]] bool active() const noexcept { return until_ns_ != not_paused; }
    [[nodiscard]] bool over(std::uint64_t now_ns) const noexcept {
        return active() && now_ns >= until_ns_;
    }
    /// `not_paused` while there is none, so it can be taken as the end of a wait.
    [[nodiscard]] std::uint64_t until_ns() const noexcept { return until_ns_; }

 private:
    std::uint64_t until_ns_ = not_paused;
    std::uint64_t pause_ns_ = accept_pause_ns_min;
};

}  // namespace ringside::uring
