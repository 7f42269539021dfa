#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/epoll.hpp"
#include "uring_async/io/accept_pause.hpp"
#include "uring_async/io/io.hpp"
#include "uring_async/io/slot_table.hpp"
#include "uring_async/io/wake_gate.hpp"

namespace ringside::uring {

// The Io over epoll and non-blocking system calls: for machines where io_uring is forbidden, and
// the other half of "what does io_uring itself bring".
//
// 1. Level-triggered. What is watched changes only when it must: hold() takes effect when the
//    socket next becomes readable, so a short hold costs nothing.
// 2. A socket that is watched for nothing leaves the set, or its error would be reported for ever.
// 3. One read per readable socket and turn, into the receive buffer of the turn. Sockets that find
//    it used up are read first in the next turn, before epoll is asked again.
// 4. send() calls the kernel at once; its `sent` event waits in pending_ for the next turn.
// 5. close() closes the descriptor at once; the slot is taken until the `closed` event goes out.
class EpollIo final : public Io {
 public:
    /// Throws StartError.
    explicit EpollIo(const IoOptions& options);
    ~EpollIo() override;
    EpollIo(const EpollIo&) = delete;
    EpollIo& operator=(const EpollIo&) = delete;

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
    struct Socket {
        int fd = -1;                 // -1 after close()
        std::uint32_t watched = 0;   // what epoll watches it for; 0: it is not in the set
        bool wants_receive = false;  // between receive() and hold(), the end or an error
        bool ended = false;          // the end or an error was reported: nothing more to receive
        bool sending = false;        // a `sent` event is in pending_
        bool full = false;           // a send was short: `writable` is due
        bool connecting = false;     // `connected` is due and waits for the socket
    };

    void take_pending() noexcept;
    void resume_accepting() noexcept;
    void wait(std::uint64_t until_ns) noexcept;
    [[nodiscard]] std::uint64_t wait_ns(std::uint64_t until_ns) const noexcept;
    void dispatch() noexcept;
    /// False where the socket is still to be read: the receive buffer is used up.
    [[nodiscard]] bool on_ready(const epoll_event& ready) noexcept;
    void on_acceptable() noexcept;
    void on_writable(SlotId id, Socket& socket) noexcept;
    void on_readable(SlotId id, Socket& socket) noexcept;
    void pause_accepting(int code) noexcept;
    void watch(SlotId id, Socket& socket) noexcept;
    void report(std::vector<IoEvent>& to, IoEvent::Kind kind, SlotId id, std::int64_t result,
                const char* data = nullptr) noexcept;

    Epoll epoll_;
    WakeGate gate_;
    SlotTable<Socket> sockets_;
    std::unique_ptr<char[]> received_;  // bytes of the `received` events of this turn
    std::size_t received_bytes_ = 0;    // used of it
    std::vector<epoll_event> ready_;    // room for one epoll_wait
    std::size_t ready_count_ = 0;       // of these, not worked off yet
    std::vector<IoEvent> batch_;        // what turn() returned
    std::vector<IoEvent> pending_;      // for the next turn
    AcceptPause accept_pause_;
    int listener_ = -1;  // -1: none
    std::uint64_t now_ns_ = 0;
    IoCounters counters_;
};

}  // namespace ringside::uring
