#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/json_log.hpp"
#include "common/log_reader.hpp"
#include "common/metrics.hpp"
#include "common/room_directory.hpp"
#include "common/room_log.hpp"
#include "common/sync_thread.hpp"
#include "uring_async/chat/inbox.hpp"

namespace ringside::uring {

struct Connection;

// A room has two faces. Its owner (worker `number % workers`) orders and stores its messages:
// OwnedRoom. Every worker with members in it, the owner perhaps among them, delivers to these:
// LocalRoom. They share the log and one flag, nothing else.
//
// 1. The owner keeps the log open while it counts a member of any worker. A worker's LocalRoom
// lives
//    from the owner's `joined` to the `gone` of its last local member, so it never outlives the
//    log.
// 2. Messages staged in a turn are stored by one append when the turn commits; only then are they
//    published, and each worker with members is told once, however many members it has.
// 3. A member's leave is answered when everything sequenced before it is published, so that what
//    it got is one contiguous piece of the room's order.
// 4. Messages are settled, published or refused, in the order in which they came. Worker and owner
//    count the bytes of that worker's messages, posted here and settled there; every `published`
//    and `refused` brings the owner's count. So a worker knows without a word per message whether
//    one of a client's is still under way, and how much of the room's.

/// The answers of the owner, to a connection of this or another worker.
class OwnerReplies {
 public:
    virtual ~OwnerReplies() = default;
    /// `error` 0: the member is in and `share` is valid.
    virtual void joined(const MemberRef& member, std::uint32_t room, int error,
                        const RoomShare& share) = 0;
    virtual void refused(const MemberRef& member, std::uint32_t room, std::uint64_t settled) = 0;
    virtual void left(const MemberRef& member, std::uint64_t end) = 0;
    virtual void published(std::uint32_t worker, std::uint32_t room, std::uint64_t settled) = 0;
};

struct OwnedRoom {
    struct Post {
        std::uint64_t end = 0;  // log position that must be published first
        MemberRef member{};
        std::uint32_t bytes = 0;  // of name and text
        bool refused = false;     // it waits for its turn to be told
    };
    struct Leave {
        std::uint64_t end = 0;  // as above
        MemberRef member{};
    };
    /// What the owner knows of a worker.
    struct Branch {
        std::uint32_t members = 0;
        std::uint64_t settled = 0;  // bytes of its messages
        bool news = false;          // settled more than it was told
    };

    const Room* room = nullptr;
    std::shared_ptr<RoomLog> log;    // null while it is being opened
    std::vector<MemberRef> joining;  // wait for the log
    std::vector<Branch> branches;    // by worker
    std::uint32_t members_all = 0;
    std::vector<Post> posts;  // staged and not published; refused ones behind such
    std::vector<Leave> leaves;
    std::unique_ptr<WorkerShare[]> shares;  // by worker
    bool dirty = false;                     // true exactly when in OwnedRooms::dirty_
};

/// What the owner's thread needs of the server.
struct OwnerContext {
    std::uint32_t workers = 1;
    RoomDirectory* directory = nullptr;
    SyncThread* sync = nullptr;
    JsonLog* log = nullptr;
    const WallClock* wall = nullptr;
    CounterSet* counters = nullptr;
    Waker* waker = nullptr;
};

// The rooms of one worker. Worker thread only, but for the jobs that open logs, which end in a
// mutex-protected list (opened_).
class OwnedRooms {
 public:
    OwnedRooms(const OwnerContext& context, OwnerReplies& replies);
    ~OwnedRooms();

    /// Wall time of the turn: stamps messages.
    void begin_turn(std::uint64_t now_ns);
    void join(std::uint32_t room, const MemberRef& member);
    void post(std::uint32_t room, const MemberRef& member, std::string_view user,
              std::string_view text);
    void leave(std::uint32_t room, const MemberRef& member);
    void gone(std::uint32_t room, std::uint32_t worker);
    /// Stores, publishes and tells for every room with something new.
    void commit();
    /// Logs that were opened, syncs that were done since the last call.
    void take_results();

    /// Something is staged or waits for the next commit().
    [[nodiscard]] bool commit_due() const noexcept { return !dirty_.empty(); }
    [[nodiscard]] std::uint32_t members() const noexcept { return members_; }

 private:
    struct Opened;
    struct OpenedList;

    [[nodiscard]] OwnedRoom& open_room(std::uint32_t room);
    void admit(OwnedRoom& room, const MemberRef& member);
    void mark_dirty(OwnedRoom& room);
    void commit_room(OwnedRoom& room);
    void publish(OwnedRoom& room, std::uint64_t end);
    void settle(OwnedRoom& room);
    void refuse_unpublished(OwnedRoom& room, std::uint64_t beyond);
    void answer_leaves(OwnedRoom& room);
    void on_opened(Opened& opened);
    void log_repairs();
    void on_synced(const SyncDone& done);
    void close_if_empty(OwnedRoom& room);

    OwnerContext context_;
    OwnerReplies& replies_;
    std::unordered_map<std::uint32_t, std::unique_ptr<OwnedRoom>> rooms_;
    std::vector<OwnedRoom*> dirty_;
    std::vector<OwnedRoom*> committing_;  // dirty_ of the commit under way
    std::uint32_t members_ = 0;
    LocalTimeText time_text_;
    std::int64_t wall_ns_ = 0;
    std::uint64_t now_ns_ = 0;
    SyncInbox sync_inbox_;
    std::vector<SyncDone> synced_;
    std::shared_ptr<OpenedList> opened_;  // shared with jobs that may outlive this object
};

/// The members of one room on one worker.
struct LocalRoom {
    LocalRoom(std::uint32_t number_, const RoomShare& share_, CatchUpPool& pool)
        : number(number_),
          share(share_),
          reader(*share_.log, pool),
          posted(share_.own->posted),
          settled(share_.settled) {}

    std::uint32_t number;
    RoomShare share;
    LogReader reader;
    std::vector<Connection*> members;  // those that live messages go to
    std::uint32_t users = 0;           // members, and leavers that still read the log
    std::uint64_t posted;              // bytes (names and texts) of messages sent to the owner
    std::uint64_t settled;             // of these, stored and published, or refused
    bool dirty = false;                // true exactly when in Worker's list of rooms to flush
    std::size_t flush_from = 0;        // the member whose turn is next
    std::size_t flush_left = 0;        // so many from there on are still to be flushed

    /// For whenever there is something new, or members have changed their places.
    void flush_all_members() noexcept { flush_left = members.size(); }
};

}  // namespace ringside::uring
