#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fake_network.hpp"
#include "uring_async/io/accept_pause.hpp"
#include "uring_async/io/io.hpp"
#include "uring_async/io/slot_table.hpp"

namespace ringside::uring {

// The third Io: one loop's part of a FakeNetwork. It keeps to what io.hpp promises and makes use of
// all that it leaves open, and it asserts what io.hpp asks of the caller.
//
// 1. turn() never blocks. A turn that finds nothing and was to wait puts the loop to sleep: the
//    network does not pick it before something is due, wake() has come or its time is over.
// 2. A send is carried out in the call or in the next turn, by chance; its `sent` comes later. That
//    the bytes stay untouched until then is checked.
// 3. Bytes of a `received` event are overwritten and freed by the next turn.
class FakeIo final : public Io {
 public:
    explicit FakeIo(FakeNetwork& network, const IoOptions& options = {});
    ~FakeIo() override;
    FakeIo(const FakeIo&) = delete;
    FakeIo& operator=(const FakeIo&) = delete;

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
    void wake() noexcept override;

    // ---- for the network and its driver ----
    /// Whether a thread in this loop would be running now.
    [[nodiscard]] bool runnable() noexcept;
    /// When it will be, as things stand; not before now.
    [[nodiscard]] std::uint64_t next_ns() noexcept;

 private:
    struct Socket {
        FakeEndpoint endpoint;  // none where a connect was refused
        SlotId id{};
        std::uint64_t connected_ns = never_ns;  // when `connected` is due
        std::int32_t connected_result = 0;

        bool wants_receive = false;
        bool ended = false;          // the end or an error was reported
        std::size_t late_bytes = 0;  // bytes that may still come although it was held
        bool late_end = false;

        std::string_view bytes;  // what send() was given, until `sent`
        std::size_t bytes_hash = 0;
        bool sending = false;  // between send() and `sent`
        bool taken = false;    // of these, carried out
        std::uint64_t sent_ns = never_ns;
        std::int32_t sent_result = 0;
        bool full = false;              // between a short `sent` and `writable`
        std::uint64_t writable_ns = 0;  // not before
        bool ends_sending = false;      // the end follows the send under way

        bool closing = false;
        std::uint64_t closed_ns = never_ns;  // when `closed` is due, if nothing is in flight
    };

    [[nodiscard]] static std::uint64_t receive_due(const Socket& socket) noexcept;
    [[nodiscard]] static std::uint64_t sent_due(const Socket& socket) noexcept;
    [[nodiscard]] static std::uint64_t writable_due(const Socket& socket) noexcept;
    [[nodiscard]] static std::uint64_t closed_due(const Socket& socket) noexcept;
    [[nodiscard]] std::uint64_t accept_due() const noexcept;
    [[nodiscard]] std::uint64_t due_ns() noexcept;

    [[nodiscard]] Socket& open_socket(SlotId id) noexcept;
    [[nodiscard]] Result<SlotId> add_socket(FakeEndpoint endpoint) noexcept;
    void take(Socket& socket) noexcept;
    void hang_up(Socket& socket) noexcept;
    void report(IoEvent::Kind kind, SlotId id, std::int32_t result,
                const char* data = nullptr) noexcept;
    void report_due() noexcept;
    void report_one(IoEvent::Kind kind, Socket* socket) noexcept;
    void accept_one() noexcept;
    void receive_one(Socket& socket) noexcept;
    void finish_send(Socket& socket) noexcept;
    void forget_batch() noexcept;

    FakeNetwork& network_;
    std::uint32_t number_;
    SlotTable<Socket> sockets_;
    std::shared_ptr<FakeNetwork::Listener> listener_;
    AcceptPause accept_pause_;
    std::vector<IoEvent> batch_;
    std::deque<std::string> batch_bytes_;  // what the `received` events of batch_ point into
    bool asleep_ = false;                  // the last turn was to wait and found nothing
    std::uint64_t until_ns_ = 0;           // it sleeps until then
    std::uint64_t wake_ns_ = never_ns;     // when a wake() takes effect
    std::uint64_t now_ns_;
    IoCounters counters_;
};

}  // namespace ringside::uring
