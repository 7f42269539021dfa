#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/result.hpp"
#include "common/slot_id.hpp"
#include "common/sync_thread.hpp"
#include "common/unique_fd.hpp"
#include "uring_async/io/probe.hpp"

namespace ringside::uring {

// The I/O seam: what a loop needs of the kernel, and nothing of chat. Behind it stand uring_io,
// epoll_io and, in tests/support, fake_io. One object, one thread; only wake() may be called by
// another.
//
// 1. Requests are queued by calls and carried out at the latest by the next turn(); what became of
//    them is in the events of that turn or a later one. No call blocks but turn().
// 2. A connection is a SlotId from adopt() or connect() until its `closed` event. Events of a
//    generation that is gone never come out. Every call takes a SlotId that is not closed yet. The
//    slot has no new owner before the turn after that event, whatever the handler adopts meanwhile.
// 3. Bytes of a `received` event are valid until the next turn(). Bytes given to send() must live
//    until its `sent` event.
// 4. At most one send is in flight per connection: no send() before the `sent` event, and after a
//    short one not before `writable`. A full socket never holds on to the sender's memory: a send
//    takes what fits at once and reports that; `writable` follows unasked.
// 5. close() is: stop submitting, shutdown, wait for every completion, close the descriptor, then
//    the `closed` event. Turns after the close() bring nothing of the connection but the `sent` of
//    a send in flight and `closed`; the rest of the batch at hand may still hold events of it,
//    which are the handler's to skip.

struct IoEvent {
    enum class Kind : std::uint8_t {
        accepted,   // result: the new descriptor, non-blocking, the handler's to own
        connected,  // id; result: 0 or -errno
        received,   // id, data; result: bytes, 0 at the peer's end, or -errno (no more will come)
        sent,       // id; result: bytes taken (0: none fit), or -errno (the connection is dead)
        writable,   // id; the socket has room again after a short send
        closed,     // id; the last event of it
    };
    Kind kind = Kind::accepted;
    SlotId id{};
    std::int32_t result = 0;
    const char* data = nullptr;
};

/// Counted since the start; read by the owner thread.
struct IoCounters {
    std::uint64_t enters = 0;       // io_uring_enter or epoll_wait calls
    std::uint64_t completions = 0;  // completions or ready descriptors
    std::uint64_t sends = 0;        // send operations carried out
    std::uint64_t short_sends = 0;  // of these, such that took less than offered
    std::uint64_t receives = 0;
    std::uint64_t accept_errors = 0;     // EMFILE and its kin: accepting paused
    int accept_error = 0;                // the last of them
    std::uint64_t buffer_shortages = 0;  // ENOBUFS: a receive had no buffer and was re-armed
    std::uint64_t wakes = 0;         // times another thread had to wake this one by a system call
    std::uint64_t system_calls = 0;  // all system calls of this I/O, the above included
};

inline constexpr std::uint64_t wait_forever = UINT64_MAX;

class Io : public Waker {
 public:
    /// Starts accepting on a listening socket; at most one at a time. Out of descriptors or memory
    /// it pauses and tries again by itself (limits.hpp accept_pause_ns_*).
    virtual void listen(int listener) noexcept = 0;
    /// Connections that the kernel had accepted by then may still come out as `accepted`.
    virtual void stop_listening() noexcept = 0;
    /// Takes a connected socket. EMFILE where all slots (see the constructor) are taken; the
    /// descriptor is closed then.
    [[nodiscard]] virtual Result<SlotId> adopt(UniqueFd fd) noexcept = 0;
    /// Takes an unconnected, non-blocking stream socket and connects it; `connected` tells how that
    /// went. No receive() or send() before it; after a failure close() is still the caller's to
    /// call.
    [[nodiscard]] virtual Result<SlotId> connect(UniqueFd fd, const sockaddr* address,
                                                 socklen_t address_bytes) noexcept = 0;
    /// Wants received bytes from now on.
    virtual void receive(SlotId id) noexcept = 0;
    /// Wants none for now; what the kernel handed over already may still come, a few buffers at
    /// most.
    virtual void hold(SlotId id) noexcept = 0;
    /// Sends the start of `bytes` (not empty), as much as fits.
    virtual void send(SlotId id, std::string_view bytes) noexcept = 0;
    /// Ends the sending direction (FIN after what was sent); receiving goes on.
    virtual void shutdown_send(SlotId id) noexcept = 0;
    virtual void close(SlotId id) noexcept = 0;
    /// Bytes that the kernel took and the peer has not: a system call, to tell a peer that takes
    /// little from one that takes nothing.
    [[nodiscard]] virtual std::uint32_t unsent_bytes(SlotId id) noexcept = 0;

    /// Carries out what is queued, waits until something happened, wake() was called or `until_ns`
    /// (monotonic; 0: do not wait) has come, and returns what happened: empty is possible. The
    /// events are valid until the next call.
    [[nodiscard]] virtual std::span<const IoEvent> turn(std::uint64_t until_ns) noexcept = 0;
    /// Monotonic time read at the end of the last turn(): one clock for a whole turn.
    [[nodiscard]] virtual std::uint64_t now_ns() const noexcept = 0;
    [[nodiscard]] virtual const IoCounters& counters() const noexcept = 0;

    /// Any thread: ends the present or the next waiting turn(). No system call where the loop is
    /// awake. What the caller wrote before it is visible to the loop after that turn().
    void wake() noexcept override = 0;
};

struct IoOptions {
    std::uint32_t connections_max = 16384;  // slots of adopt() and connect(), all told
};

/// Make one in the thread that will use it. Throws StartError where the kernel refuses.
[[nodiscard]] std::unique_ptr<Io> make_uring_io(const Probe& probe, const IoOptions& options);
[[nodiscard]] std::unique_ptr<Io> make_epoll_io(const IoOptions& options);

}  // namespace ringside::uring
