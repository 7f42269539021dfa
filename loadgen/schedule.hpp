#pragma once

#include <cstdint>

#include "loadgen/random.hpp"

namespace ringside::loadgen {

/// How far apart messages are due.
enum class Arrivals : std::uint8_t {
    constant,  // evenly
    poisson,   // by an exponential distribution, as of many people who know nothing of each other
};

[[nodiscard]] const char* arrivals_name(Arrivals arrivals) noexcept;  // "poisson"

/// An offered load: what all senders together are to send, whatever the server does.
struct Offered {
    std::uint64_t per_second = 0;  // messages, 1 to 10 million; 0: none, the loop is closed
    Arrivals arrivals = Arrivals::constant;
    std::uint64_t burst = 1;  // so many messages of a sender are due at once, at the same rate

    friend bool operator==(const Offered&, const Offered&) = default;
};

// When the messages of one of several senders are due, in nanoseconds since the schedule began:
// pure arithmetic, so that the same seed gives the same schedule whatever happens.
//
// Constant: burst number k of all senders is due at k * burst / per_second, rounded down, and
// belongs to sender k % senders; computed from k, so nothing adds up to a drift. Poisson: the gaps
// of each sender's bursts are drawn with the mean senders * burst / per_second, and the sum of
// independent Poisson processes is one of the sum of their rates.
class Schedule {
 public:
    /// `sender` is below `senders`; `offered.per_second` is not 0.
    Schedule(const Offered& offered, std::uint64_t sender, std::uint64_t senders, Random random);

    /// When the next message is due; never before the one before.
    [[nodiscard]] std::uint64_t next() noexcept;

 private:
    [[nodiscard]] std::uint64_t burst_due() noexcept;

    Offered offered_;
    std::uint64_t senders_;
    Random random_;
    std::uint64_t turn_;        // constant: number of the sender's next burst among all
    double elapsed_ns_ = 0;     // poisson: of the sender's last burst
    std::uint64_t due_ns_ = 0;  // of the burst that is being sent
    std::uint64_t left_ = 0;    // of that burst
};

}  // namespace ringside::loadgen
