#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "common/chat_rules.hpp"
#include "common/clock.hpp"
#include "common/json_log.hpp"
#include "common/wire.hpp"

namespace ringside {

// The requests of one connection as log lines, one each, at --log-level debug:
//
//   {"ts":…,"level":"debug","msg":"request","request":"send_message","duration_ns":48210}
//
// The duration is from the turn that received the request's last byte to the moment when its answer
// is due in the outbox; that turn's send takes it along, unless the socket is full.
//
// 1. Where debug lines are not logged there is none of these: the servers hold a null pointer, read
//    no clock and keep no times.
// 2. One request at a time is open: the one that is worked off. answered() ends it. A message is
//    put off instead, since it is answered by its own copy, and ends when it is settled: published
//    or refused. Meanwhile later ones may be open.
//
// Thread: the connection's owner. Allocates, as writing a log line does: 16 bytes for each receipt
// that is not worked off, of which a frame that comes byte by byte has as many as bytes.
class RequestTimes {
 public:
    /// Nanoseconds; on the scale of received().
    using Clock = std::uint64_t (*)();

    /// Null where `log` takes no debug lines.
    [[nodiscard]] static std::unique_ptr<RequestTimes> make(JsonLog& log,
                                                            Clock clock = &monotonic_ns);

    /// The decoder was fed so many bytes, received at `now_ns`.
    void received(std::size_t bytes, std::uint64_t now_ns);
    /// `frame`, as the decoder shows it, is to be worked off. May be called again for the same
    /// frame where it could not be yet.
    void open(const Decision& decision, const ClientFrame& frame);
    /// The open request's answer is due. Nothing happens where none is open.
    void answered();
    /// The open request is a message that ends at `end` of what settled() counts.
    void put_off(std::uint64_t end);
    /// Every message up to `end` was published or refused.
    void settled(std::uint64_t end);

 private:
    struct Receipt {
        std::uint64_t end;  // of the connection's bytes, counted from the first
        std::uint64_t at_ns;
    };
    struct Message {
        std::uint64_t end;
        std::uint64_t received_ns;
    };

    RequestTimes(JsonLog& log, Clock clock) : log_(log), clock_(clock) {}
    void write(Request request, std::uint64_t received_ns);
    void close() noexcept;

    JsonLog& log_;
    Clock clock_;
    std::deque<Receipt> receipts_;    // of bytes that are not worked off; the first may be in part
    std::deque<Message> messages_;    // put off and not settled, in order
    std::uint64_t received_end_ = 0;  // bytes received
    std::uint64_t closed_end_ = 0;    // of these, such as belong to requests before the open one
    std::uint64_t open_end_ = 0;      // where the open request ends
    std::uint64_t open_received_ns_ = 0;
    Request open_request_ = Request::wrong_request;
    bool is_open_ = false;
};

}  // namespace ringside
