#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "common/assert.hpp"

namespace ringside::uring {

inline constexpr std::uint64_t never_ns = UINT64_MAX;

// One direction of a connection in the fake network: a bounded queue of bytes that stay in order
// and become readable when the clock has come to the time of their arrival.
//
// 1. Capacity counts every byte from write() to read(): the writer's and the reader's buffer in
// one.
// 2. The end arrives after all bytes written before it.
// 3. What has not arrived when a reset does is lost, as in TCP; what has stays readable.
class FakePipe {
 public:
    explicit FakePipe(std::size_t capacity) noexcept : capacity_(capacity) {}

    // ---- the writer's side ----
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - bytes_.size(); }
    /// Fits into room(); arrives at `due_ns`, or when what was written before it does.
    void write(std::string_view bytes, std::uint64_t due_ns) {
        RINGSIDE_ASSERT(bytes.size() <= room() && !ended());
        if (bytes.empty()) return;
        last_due_ns_ = std::max(last_due_ns_, due_ns);
        bytes_ += bytes;
        segments_.push_back({last_due_ns_, bytes.size()});
    }
    void end(std::uint64_t due_ns) noexcept { end_ns_ = std::max(last_due_ns_, due_ns); }
    [[nodiscard]] bool ended() const noexcept { return end_ns_ != never_ns; }

    // ---- the network's side ----
    void reset(std::uint64_t due_ns) noexcept { reset_ns_ = std::min(reset_ns_, due_ns); }
    [[nodiscard]] std::uint64_t reset_ns() const noexcept { return reset_ns_; }

    // ---- the reader's side ----
    [[nodiscard]] std::size_t unread_bytes() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool holds_bytes() const noexcept { return !bytes_.empty(); }
    /// When there is or will be something to read, the end and a reset included.
    [[nodiscard]] std::uint64_t next_ns() const noexcept {
        const std::uint64_t bytes_ns = segments_.empty() ? end_ns_ : segments_.front().due_ns;
        return std::min(bytes_ns, reset_ns_);
    }
    [[nodiscard]] std::size_t readable(std::uint64_t now_ns) const noexcept {
        std::size_t sum = 0;
        for (const Segment& segment : segments_) {
            if (segment.due_ns > std::min(now_ns, reset_ns_)) break;
            sum += segment.bytes;
        }
        return sum;
    }
    /// The end is all there is to read now.
    [[nodiscard]] bool at_end(std::uint64_t now_ns) const noexcept {
        return segments_.empty() && end_ns_ <= std::min(now_ns, reset_ns_);
    }
    /// A reset is all there is to read now.
    [[nodiscard]] bool at_reset(std::uint64_t now_ns) const noexcept {
        return reset_ns_ <= now_ns && readable(now_ns) == 0 && !at_end(now_ns);
    }
    /// The first `bytes` of what is readable.
    [[nodiscard]] std::string read(std::size_t bytes) {
        std::string out = bytes_.substr(0, bytes);
        bytes_.erase(0, bytes);
        while (bytes > 0) {
            Segment& first = segments_.front();
            const std::size_t part = std::min(bytes, first.bytes);
            first.bytes -= part;
            bytes -= part;
            if (first.bytes == 0) segments_.pop_front();
        }
        return out;
    }

    // Each is set by one side and asked by the other.
    bool reader_gone = false;       // the reader has closed: what is written is answered by a reset
    std::uint64_t room_due_ns = 0;  // when the writer hears of the room that reading made

 private:
    struct Segment {
        std::uint64_t due_ns = 0;
        std::size_t bytes = 0;
    };

    std::size_t capacity_;
    std::string bytes_;             // not read yet
    std::deque<Segment> segments_;  // when they arrive, in order
    std::uint64_t last_due_ns_ = 0;
    std::uint64_t end_ns_ = never_ns;
    std::uint64_t reset_ns_ = never_ns;
};

/// A connection's two directions; inbound[s] is what side s reads.
struct FakeConnection {
    FakePipe inbound[2];
};

/// One side of a connection.
struct FakeEndpoint {
    std::shared_ptr<FakeConnection> connection;
    std::size_t side = 0;

    [[nodiscard]] FakePipe& in() const noexcept {
        RINGSIDE_ASSERT(connection != nullptr);
        return connection->inbound[side];
    }
    [[nodiscard]] FakePipe& out() const noexcept {
        RINGSIDE_ASSERT(connection != nullptr);
        return connection->inbound[1 - side];
    }
};

}  // namespace ringside::uring
