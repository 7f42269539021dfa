#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/histogram.hpp"
#include "common/wire.hpp"

namespace ringside::loadgen {

/// When a message was to be sent, and when it was.
struct SendTime {
    std::uint64_t due_ns = 0;   // in a closed loop the same as sent_ns
    std::uint64_t sent_ns = 0;  // not before due_ns
};

/// What is measured (docs/benchmarking.md): from a request, or a message, to what answers it. Open
/// loop: a message begins when it was due.
enum class Latency : std::uint8_t {
    set_name,                 // to its answer
    create_chat,              // to the list that holds the new room
    connect_chat,             // to its answer
    replay,                   // from connect_chat to the end of what was in the room
    leave_chat,               // to the list
    own_copy,                 // from send_message to the sender's own copy
    own_copy_uncorrected,     // open loop: from its sending, whenever it was due
    first_member,             // to the first receipt of a message by a member
    median_member,            // to the receipt by half of the members
    last_member,              // to the last one's
    last_member_uncorrected,  // as above
    send_lag,  // open loop: from when a message was due and might be sent, to its sending
    hiccup,    // from when the load generator was to wake, to its waking (hiccup_probe.hpp)
    count_,
};
inline constexpr std::size_t latency_kinds = static_cast<std::size_t>(Latency::count_);

[[nodiscard]] std::string_view latency_name(Latency kind) noexcept;  // "own_copy"
/// The other way round; nothing where no latency has that name.
[[nodiscard]] std::optional<Latency> latency_named(std::string_view name) noexcept;

/// Requests that clients send are 0 (set_name) to 4 (leave_chat).
inline constexpr std::size_t request_kinds = 5;

/// Counted since the start of the run, set-up and warm-up included.
struct Counts {
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_scheduled = 0;  // of these, such as had a time when they were due
    std::uint64_t messages_answered = 0;   // whose own copy came back
    std::uint64_t deliveries = 0;          // message frames received
    std::uint64_t replayed = 0;            // of these, such as were in the room before the member
    std::uint64_t bytes_received = 0;
    std::uint64_t hostile_sessions = 0;  // connections of users who misbehave
    std::array<std::uint64_t, request_kinds> requests{};

    Counts& operator+=(const Counts& other) noexcept;
    friend Counts operator-(const Counts& a, const Counts& b) noexcept;
};

/// What of a load decides which latencies it has.
struct LoadForm {
    bool open_loop = false;
    bool audience = true;  // members who stay, so that a message has a last member
};

// Counts and latencies of a run. A latency is taken where it began in the measured window, between
// open() and close(), also if it ends after that: what is on its way when the window closes is just
// what took long, so leaving it out would flatter the tail. record_always() is for what only set-up
// does.
class Recorder {
 public:
    explicit Recorder(const LoadForm& form = {}) noexcept : form_(form) {}

    Counts counts;
    // Open loop, of the window: messages that were due, and of these such as were never sent.
    std::uint64_t messages_due = 0;
    std::uint64_t messages_unsent = 0;
    // Of the window: sent, and nobody had got them when the run ended.
    std::uint64_t messages_unanswered = 0;

    [[nodiscard]] bool in_window(std::uint64_t at_ns) const noexcept {
        return at_ns >= open_ns_ && at_ns < close_ns_;
    }
    [[nodiscard]] bool closed() const noexcept { return close_ns_ != never; }
    /// A message that was due then and still not sent when the window closed: it counts as one that
    /// came at that moment, earlier than it can have come. False where the window closed before.
    [[nodiscard]] bool record_unsent(std::uint64_t due_ns) noexcept;
    /// A message that nobody had got by then, when the run ended; likewise.
    void record_unanswered(const SendTime& sent, std::uint64_t end_ns) noexcept;
    /// How many latencies of this kind are as long as recorded, or longer: of the messages above.
    [[nodiscard]] std::uint64_t endless(Latency kind) const noexcept;

    void record(Latency kind, std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
        if (begin_ns >= open_ns_ && begin_ns < close_ns_) record_always(kind, end_ns - begin_ns);
    }
    /// From when the message was due; in an open loop the uncorrected latency as well.
    void record(Latency kind, Latency uncorrected, const SendTime& begin,
                std::uint64_t end_ns) noexcept {
        if (begin.due_ns < open_ns_ || begin.due_ns >= close_ns_) return;
        record_always(kind, end_ns - begin.due_ns);
        if (form_.open_loop) record_always(uncorrected, end_ns - begin.sent_ns);
    }
    void record_always(Latency kind, std::uint64_t latency_ns) noexcept {
        latencies_[static_cast<std::size_t>(kind)].record(latency_ns);
    }
    [[nodiscard]] const Histogram& latency(Latency kind) const noexcept {
        return latencies_[static_cast<std::size_t>(kind)];
    }

    // ---- results of runs that are over, in place of a run ----
    /// Of a whole run, and of its window.
    void add(const Counts& run, const Counts& window) noexcept;
    void add(Latency kind, const Histogram& latency) noexcept {
        latencies_[static_cast<std::size_t>(kind)].merge(latency);
    }

    void open(std::uint64_t now_ns) noexcept;
    void close(std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool measuring() const noexcept {
        return open_ns_ != never && close_ns_ == never;
    }
    /// Of the measured window; until close() as far as it has got by `now_ns`.
    [[nodiscard]] Counts window_counts() const noexcept;
    [[nodiscard]] std::uint64_t window_ns(std::uint64_t now_ns) const noexcept;

 private:
    static constexpr std::uint64_t never = UINT64_MAX;

    void record_endless(std::uint64_t waited_ns) noexcept;

    LoadForm form_;
    std::array<Histogram, latency_kinds> latencies_;
    Counts at_open_;
    Counts at_close_;
    std::uint64_t open_ns_ = never;   // never: not opened yet
    std::uint64_t close_ns_ = never;  // never: not closed yet
};

/// Whether `count` samples say anything about this quantile: at least ten lie above it.
[[nodiscard]] bool supports_quantile(std::uint64_t count, double quantile) noexcept;

}  // namespace ringside::loadgen
