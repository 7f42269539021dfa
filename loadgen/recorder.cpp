#include "loadgen/recorder.hpp"

#include "common/assert.hpp"

namespace ringside::loadgen {

std::string_view latency_name(Latency kind) noexcept {
    switch (kind) {
        case Latency::set_name:
            return "set_name";
        case Latency::create_chat:
            return "create_chat";
        case Latency::connect_chat:
            return "connect_chat";
        case Latency::replay:
            return "replay";
        case Latency::leave_chat:
            return "leave_chat";
        case Latency::own_copy:
            return "own_copy";
        case Latency::first_member:
            return "first_member";
        case Latency::median_member:
            return "median_member";
        case Latency::last_member:
            return "last_member";
        case Latency::own_copy_uncorrected:
            return "own_copy_uncorrected";
        case Latency::last_member_uncorrected:
            return "last_member_uncorrected";
        case Latency::send_lag:
            return "send_lag";
        case Latency::hiccup:
            return "hiccup";
        case Latency::count_:
            break;
    }
    RINGSIDE_ASSERT(!"no such latency");
}

std::optional<Latency> latency_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < latency_kinds; ++i) {
        if (latency_name(static_cast<Latency>(i)) == name) return static_cast<Latency>(i);
    }
    return std::nullopt;
}

Counts& Counts::operator+=(const Counts& other) noexcept {
    messages_sent += other.messages_sent;
    messages_scheduled += other.messages_scheduled;
    messages_answered += other.messages_answered;
    deliveries += other.deliveries;
    replayed += other.replayed;
    bytes_received += other.bytes_received;
    hostile_sessions += other.hostile_sessions;
    for (std::size_t i = 0; i < request_kinds; ++i)
        requests[i] += other.requests[i];
    return *this;
}

Counts operator-(const Counts& a, const Counts& b) noexcept {
    Counts difference;
    difference.messages_sent = a.messages_sent - b.messages_sent;
    difference.messages_scheduled = a.messages_scheduled - b.messages_scheduled;
    difference.messages_answered = a.messages_answered - b.messages_answered;
    difference.deliveries = a.deliveries - b.deliveries;
    difference.replayed = a.replayed - b.replayed;
    difference.bytes_received = a.bytes_received - b.bytes_received;
    difference.hostile_sessions = a.hostile_sessions - b.hostile_sessions;
    for (std::size_t i = 0; i < request_kinds; ++i) {
        difference.requests[i] = a.requests[i] - b.requests[i];
    }
    return difference;
}

void Recorder::add(const Counts& run, const Counts& window) noexcept {
    open_ns_ = close_ns_ = 0;
    counts += run;
    at_close_ += window;
}

void Recorder::open(std::uint64_t now_ns) noexcept {
    RINGSIDE_ASSERT(open_ns_ == never);
    open_ns_ = now_ns;
    at_open_ = counts;
}

bool Recorder::record_unsent(std::uint64_t due_ns) noexcept {
    RINGSIDE_ASSERT(closed());
    if (due_ns >= close_ns_) return false;
    if (!in_window(due_ns)) return true;
    ++messages_due;
    ++messages_unsent;
    record_endless(close_ns_ - due_ns);
    return true;
}

void Recorder::record_unanswered(const SendTime& sent, std::uint64_t end_ns) noexcept {
    if (!in_window(sent.due_ns)) return;
    ++messages_unanswered;
    record_endless(end_ns - sent.due_ns);
    if (!form_.open_loop) return;
    record_always(Latency::own_copy_uncorrected, end_ns - sent.sent_ns);
    if (form_.audience) record_always(Latency::last_member_uncorrected, end_ns - sent.sent_ns);
}

std::uint64_t Recorder::endless(Latency kind) const noexcept {
    switch (kind) {
        case Latency::own_copy:
        case Latency::first_member:
        case Latency::median_member:
        case Latency::last_member:
            return messages_unsent + messages_unanswered;
        case Latency::own_copy_uncorrected:
        case Latency::last_member_uncorrected:
            return messages_unanswered;
        default:
            return 0;
    }
}

void Recorder::record_endless(std::uint64_t waited_ns) noexcept {
    record_always(Latency::own_copy, waited_ns);
    if (!form_.audience) return;
    for (const Latency kind :
         {Latency::first_member, Latency::median_member, Latency::last_member}) {
        record_always(kind, waited_ns);
    }
}

void Recorder::close(std::uint64_t now_ns) noexcept {
    RINGSIDE_ASSERT(measuring());
    close_ns_ = now_ns;
    at_close_ = counts;
}

Counts Recorder::window_counts() const noexcept {
    if (open_ns_ == never) return {};
    return (measuring() ? counts : at_close_) - at_open_;
}

std::uint64_t Recorder::window_ns(std::uint64_t now_ns) const noexcept {
    if (open_ns_ == never) return 0;
    return (measuring() ? now_ns : close_ns_) - open_ns_;
}

bool supports_quantile(std::uint64_t count, double quantile) noexcept {
    // 1 - 0.9 is a little less than a tenth in binary: half a sample makes up for it.
    return static_cast<double>(count) * (1.0 - quantile) >= 10.0 - 1e-6;
}

}  // namespace ringside::loadgen
