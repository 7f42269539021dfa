#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/slot_id.hpp"
#include "common/socket_ops.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::loadgen {

// The sending half of one connection to the server, and its life. Frames are queued in a private
// buffer; at most one send is in flight, and what is queued meanwhile goes out together with the
// next (io.hpp rule 4).
class Connection {
 public:
    enum class State : std::uint8_t { idle, connecting, open, failed, closing, closed };

    explicit Connection(uring::Io& io) noexcept : io_(&io) {}

    /// Starts to connect; the state tells how that went. Only while idle. `source`: from
    /// 127.0.0.`source`; 0: the kernel chooses.
    [[nodiscard]] Result<void> connect(const SocketAddress& address, std::uint8_t source);
    [[nodiscard]] SlotId id() const noexcept { return id_; }
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] bool was_open() const noexcept { return was_open_; }
    /// Why it failed; 0: the server closed it.
    [[nodiscard]] int error_code() const noexcept { return error_code_; }

    /// `append(std::string&)` adds bytes to what is queued. True where nothing was queued before:
    /// then somebody has to call flush().
    template <typename Append>
    bool queue(Append append) {
        const bool first = queued_.empty();
        append(queued_);
        return first;
    }
    void flush() noexcept;
    /// Nothing more will be queued: flush() tells the server so, once all is sent.
    void end_sending() noexcept { ending_ = true; }
    /// Once; the state `closed` follows, at once where it never was connected.
    void close() noexcept;

    /// Everything but what was received. The peer's end or an error is `failed`.
    void on_event(const uring::IoEvent& event) noexcept;
    void on_end(int code) noexcept;

 private:
    [[nodiscard]] std::string_view unsent() const noexcept {
        return std::string_view(sending_).substr(sent_bytes_);
    }
    void on_sent(std::int32_t result) noexcept;

    uring::Io* io_;
    SlotId id_;
    State state_ = State::idle;
    bool was_open_ = false;
    bool in_flight_ = false;  // true exactly from send() to its `sent` event
    bool full_ = false;       // true from a short send to `writable`
    bool ending_ = false;     // true from end_sending() until the sending direction is shut down
    int error_code_ = 0;
    std::string queued_;
    std::string sending_;         // lives unchanged while a send is in flight
    std::size_t sent_bytes_ = 0;  // of sending_
};

}  // namespace ringside::loadgen
