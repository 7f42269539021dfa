#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "uring_async/io/accept_pause.hpp"
#include "uring_async/io/buffer_ring.hpp"
#include "uring_async/io/io.hpp"
#include "uring_async/io/ring.hpp"
#include "uring_async/io/slot_table.hpp"
#include "uring_async/io/wake_gate.hpp"

namespace ringside::uring {

/// Sizes of one Io over io_uring; tests make them tiny.
struct UringSizes {
    // A flush of some thousand sends is one system call. The completion queue holds as many again
    // for each of the receives and accepts that come in the same turn.
    Ring::Sizes ring{4096, 16384};
    // 512 KiB that all connections share; most chat frames are far smaller than a buffer.
    std::uint32_t receive_buffers = 256;
    std::uint32_t receive_buffer_bytes = 2048;
};

// The Io over io_uring.
//
// 1. Calls fill the submission queue; turn() hands it over and waits in one system call. Only a
//    full queue is handed over earlier, without waiting.
// 2. user_data is operation (8 bits), generation (24), slot (32). A socket counts what the kernel
//    has of it in flight; its descriptor is closed and its slot freed when that is 0, never before,
//    so a completion always finds its connection.
// 3. Receives are multishot and take buffers from a shared ring. Buffers of one turn's events go
//    back at the start of the next, in one step. A receive that ended without being told to
//    (out of buffers, completion queue overflow) is armed again after that, from a list.
// 4. A send is SEND with MSG_DONTWAIT: it completes while it is handed over, with what fitted, and
//    never waits holding the sender's memory. After a short one a one-shot poll waits for room.
// 5. Completions add to `next_`; turn() returns it as `batch_`. So completions may also be worked
//    off in the middle of a turn, where the kernel wants that before it takes more requests.
class UringIo final : public Io {
 public:
    /// Throws StartError. `probe` says which of the optional features to use.
    UringIo(const Probe& probe, const IoOptions& options, const UringSizes& sizes = {});
    ~UringIo() override;
    UringIo(const UringIo&) = delete;
    UringIo& operator=(const UringIo&) = delete;

    void listen(int listener) noexcept override;
    void stop_listening() noexcept override;
    [[nodiscard]] Result<SlotId> adopt(UniqueFd fd) noexcept override;
    [[nodiscard]] Result<SlotId> connect(UniqueFd fd, const sockaddr* address,
                                         socklen_t address_bytes) noexcept override;
    void receive(SlotId id) noexcept override;
    void hold(SlotId id) noexcept override;
    void send(SlotId id, std::string_view bytes) noexcept override;
    void shutdown_send(SlotId id) noexcept override;
    void close(SlotId id) noexcept override;
    [[nodiscard]] std::uint32_t unsent_bytes(SlotId id) noexcept override;
    [[nodiscard]] std::span<const IoEvent> turn(std::uint64_t until_ns) noexcept override;
    [[nodiscard]] std::uint64_t now_ns() const noexcept override { return now_ns_; }
    [[nodiscard]] const IoCounters& counters() const noexcept override { return counters_; }
    void wake() noexcept override { gate_.wake(); }

 private:
    enum class Operation : std::uint8_t {
        wake = 1,  // READ of the eventfd
        accept,    // generation: of the listener
        receive,
        send,
        poll,  // for room after a short send
        connect,
        cancel,  // of another operation of the same connection, or of the accept
    };

    struct Socket {
        int fd = -1;
        std::uint32_t send_bytes = 0;  // offered by the send in flight
        std::uint16_t in_flight = 0;   // requests queued or in the kernel, cancels included
        bool wants_receive = false;    // between receive() and hold(), the end or an error
        bool ended = false;            // the end or an error was reported: nothing more to receive
        bool receiving = false;        // a receive is in flight
        bool receive_cancelled = false;  // and a cancel of it was queued
        bool in_rearm_list = false;      // in rearm_
        bool sending = false;            // a send is in flight
        bool polling = false;            // a poll is in flight: `writable` is due
        bool connecting = false;         // a connect is in flight
        bool ends_sending = false;       // shutdown_send() waits for the send in flight
        bool closing = false;            // close() was called
    };
    static_assert(sizeof(Socket) <= 40, "an idle connection is to stay small");

    struct Batch {
        std::vector<IoEvent> events;
        std::vector<std::uint16_t> buffers;  // which the events' data is in
    };

    // Submitting.
    [[nodiscard]] static std::uint64_t user_data(Operation operation, SlotId id) noexcept;
    [[nodiscard]] io_uring_sqe* entry(Operation operation, SlotId id) noexcept;
    [[nodiscard]] io_uring_sqe* entry(Operation operation, SlotId id, Socket& socket) noexcept;
    void make_room() noexcept;
    void arm_wake() noexcept;
    void arm_accept() noexcept;
    void arm_receive(SlotId id, Socket& socket) noexcept;
    void arm_poll(SlotId id, Socket& socket) noexcept;
    void cancel(Operation operation, SlotId id, Socket& socket) noexcept;
    void want_rearm(SlotId id, Socket& socket) noexcept;

    // The steps of a turn.
    void recycle() noexcept;
    void rearm() noexcept;
    void wait(std::uint64_t until_ns) noexcept;
    [[nodiscard]] std::uint64_t wait_ns(std::uint64_t until_ns) const noexcept;
    void reap() noexcept;
    void report_closed() noexcept;

    // Completions.
    void on_completion(const Completion& completion) noexcept;
    void on_wake(std::int32_t result) noexcept;
    void on_accept(std::uint32_t generation, const Completion& completion) noexcept;
    void on_receive(SlotId id, Socket& socket, const Completion& completion) noexcept;
    void on_received(SlotId id, Socket& socket, const Completion& completion) noexcept;
    void on_send(SlotId id, Socket& socket, std::int32_t result) noexcept;
    void on_poll(SlotId id, Socket& socket) noexcept;
    void on_connect(SlotId id, Socket& socket, std::int32_t result) noexcept;
    void begin_close(SlotId id, Socket& socket) noexcept;
    void finish_close(SlotId id, Socket& socket) noexcept;
    void shutdown(Socket& socket, int how) noexcept;
    void report(IoEvent::Kind kind, SlotId id, std::int32_t result,
                const char* data = nullptr) noexcept;

    // The order of these matters at the end: first the ring goes, then what it may write to.
    WakeGate gate_;
    std::uint64_t wake_count_ = 0;  // the kernel reads the eventfd into it
    std::unordered_map<std::uint32_t, sockaddr_storage> addresses_;  // of connects, by slot
    std::unique_ptr<BufferRing> buffers_;
    std::unique_ptr<Ring> ring_;

    SlotTable<Socket> sockets_;
    std::vector<SlotId> rearm_;   // receives to arm again at the next turn
    std::vector<SlotId> closed_;  // closed in this turn; `closed` is reported at its end
    Batch batch_;                 // what turn() returned
    Batch next_;                  // for the next turn
    AcceptPause accept_pause_;
    int listener_ = -1;  // -1: none
    std::uint32_t listener_generation_ = 0;
    bool accepting_ = false;  // an accept is in flight for the present listener
    bool waking_ = false;     // the read of the eventfd is in flight
    const bool multishot_accept_;
    const bool multishot_receive_;
    std::uint64_t now_ns_ = 0;
    IoCounters counters_;
};

}  // namespace ringside::uring
