#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire.hpp"
#include "uring_async/io/io.hpp"
#include "uring_async/io/slot_table.hpp"

namespace ringside::loadgen {

// A server of the chat protocol within the load generator, behind the I/O seam: what a run costs
// against it is what the load generator itself costs (`loadgen calibrate`).
//
// 1. A request is worked off in send(), and what answers it comes out of the next turn().
// 2. A room's messages of a turn are one range of bytes, encoded once, that the `received` event of
//    each member points at. Nothing is copied for a member, and nothing is stored: who joins gets
//    what is sent from then on.
// 3. Its only system calls are readings of the clock. A turn that has nothing to bring therefore
//    does not sleep until its time, but looks at the clock until then. (It closes the descriptors
//    that connect() is given, all before the load.)
// 4. It takes from its one client, the load generator, that requests are legal and each send() is
//    of whole frames; what a client never calls is asserted away.
class NullIo final : public uring::Io {
 public:
    explicit NullIo(const uring::IoOptions& options);

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
    [[nodiscard]] std::span<const uring::IoEvent> turn(std::uint64_t until_ns) noexcept override;
    [[nodiscard]] std::uint64_t now_ns() const noexcept override { return now_ns_; }
    [[nodiscard]] const uring::IoCounters& counters() const noexcept override { return counters_; }
    void wake() noexcept override;

 private:
    struct Room {
        std::string name;
        std::vector<SlotId> members;
        std::string coming;      // frames for the members, of the next turn
        std::string delivering;  // of this turn: its events point here
    };
    struct Client {
        std::string name;
        Room* room = nullptr;    // null in the lobby
        std::size_t place = 0;   // among its members, where there is a room
        std::string coming;      // answers, as above
        std::string delivering;  // as above
        bool ends = false;       // its end follows the answers
        bool closed = false;     // true from close(): nothing more may come
    };

    void report(std::vector<uring::IoEvent>& to, uring::IoEvent::Kind kind, SlotId id,
                std::size_t bytes = 0, const char* data = nullptr) noexcept;
    void on_request(SlotId id, Request request, std::string_view text) noexcept;
    void answer(SlotId id, Request request, std::string_view text) noexcept;
    void answer_list(SlotId id) noexcept;
    void join(SlotId id, std::string_view name) noexcept;
    void leave(SlotId id) noexcept;
    void deliver_answers() noexcept;
    void deliver_messages() noexcept;

    uring::SlotTable<Client> clients_;
    std::vector<std::unique_ptr<Room>> rooms_;  // in the order of their creation
    std::vector<uring::IoEvent> pending_;       // made by calls since the last turn
    std::vector<uring::IoEvent> batch_;
    std::vector<SlotId> answered_;  // whose answers or end are to come
    // True from wake() to the turn that it ends; the release there is this side's acquire.
    std::atomic<bool> woken_ = false;
    std::uint64_t now_ns_;
    uring::IoCounters counters_;
};

}  // namespace ringside::loadgen
