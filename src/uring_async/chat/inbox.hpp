#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/room_log.hpp"
#include "common/slot_id.hpp"
#include "common/sync_thread.hpp"

namespace ringside::uring {

// How workers talk to each other: letters, batched per pair of workers and per turn.
//
// 1. There is one Inbox per ordered pair (from, to); letters of a pair stay in order.
// 2. A worker collects what it has for another in a LetterBatch and posts it once per turn, and
//    once more after closing: one or two locks and wake-ups per pair that has something to say.
// 3. An inbox takes a batch only while it holds less than inbox_bytes_max; otherwise the batch
//    stays with its sender, who stops working off its clients' messages once that has grown as
//    large (back-pressure). The taker wakes a sender it had left standing.
// 4. What is not a message is bounded by itself: at most one join, leave or gone is on its way per
//    connection, one `refused` per message, and one `published` per room and worker (see
//    WorkerShare::told) or per commit of messages of that worker.

/// Text bytes of posted messages that one inbox holds, and one batch beside it.
inline constexpr std::size_t inbox_bytes_max = std::size_t{256} * 1024;

/// A member of a room as its owner knows it: a connection of some worker.
struct MemberRef {
    std::uint32_t worker = 0;
    SlotId id{};
};

/// What owner and one worker share of a room beside its log.
struct WorkerShare {
    // True from the owner's `published` letter until that worker has taken it up. Owner:
    // exchange(true) after publish(); worker: exchange(false) before it reads the end.
    std::atomic<bool> told{false};
    std::uint64_t posted = 0;  // LocalRoom::posted while there is no LocalRoom; that worker's alone
};

/// What a worker with members in a room needs to read it. Log and WorkerShare live as long as the
/// owner counts a member of that worker, which is until that worker's `gone`.
struct RoomShare {
    const RoomLog* log = nullptr;
    WorkerShare* own = nullptr;
    std::uint64_t settled = 0;  // LocalRoom::settled when the owner gave this
};

struct Letter {
    enum class Kind : std::uint8_t {
        adopt,      // value: a new connection's descriptor
        join,       // room, id: wants in
        joined,     // room, id, value: errno (0: share is set)
        post,       // room, id, user and text behind it in the batch's bytes
        refused,    // room, id: a message of it could not be stored; value as for `published`
        leave,      // room, id: up to where is it a member?
        left,       // id, value: up to this log position
        gone,       // room: one member less, it reads the log no more
        published,  // room: the published end moved; value: LocalRoom::settled
    };
    Kind kind = Kind::adopt;
    std::uint32_t room = 0;
    SlotId id{};
    std::uint64_t value = 0;
    RoomShare share{};
    std::uint32_t user_bytes = 0;
    std::uint32_t text_bytes = 0;
};

struct LetterBatch {
    std::vector<Letter> letters;
    std::string bytes;  // user and text of each `post`, in order

    void clear() noexcept {
        letters.clear();
        bytes.clear();
    }
};

class Inbox {
 public:
    /// The sender's side. True where the batch was taken (it is empty then); false where the inbox
    /// is full: post it again after a wake-up.
    [[nodiscard]] bool post(LetterBatch& batch);
    /// The taker's side: everything, into `out` (cleared first). True where the sender was left
    /// standing and must be woken.
    [[nodiscard]] bool take(LetterBatch& out);
    /// May be asked without the lock: false means nothing was there at some moment since the
    /// sender's last wake-up.
    [[nodiscard]] bool filled() const noexcept { return filled_.load(std::memory_order_acquire); }

 private:
    std::mutex mutex_;
    LetterBatch batch_;
    bool sender_waits_ = false;
    // True while batch_ has letters. Written under the mutex; the acquire load in filled() pairs
    // with the release store in post().
    std::atomic<bool> filled_{false};
};

// All inboxes of a server, and how to wake each worker.
class Exchange {
 public:
    explicit Exchange(std::uint32_t workers);

    [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }
    [[nodiscard]] Inbox& inbox(std::uint32_t from, std::uint32_t to) noexcept;
    /// Before the worker's first turn and before anybody wakes it.
    void set_waker(std::uint32_t worker, Waker& waker) noexcept;
    void wake(std::uint32_t worker) noexcept;
    void wake_all() noexcept;

 private:
    std::uint32_t workers_;
    std::unique_ptr<Inbox[]> inboxes_;
    std::vector<Waker*> wakers_;
};

}  // namespace ringside::uring
