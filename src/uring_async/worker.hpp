#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/limits.hpp"
#include "common/metrics.hpp"
#include "common/name_registry.hpp"
#include "common/options.hpp"
#include "common/room_directory.hpp"
#include "common/sync_thread.hpp"
#include "uring_async/chat/connection.hpp"
#include "uring_async/chat/inbox.hpp"
#include "uring_async/chat/room.hpp"
#include "uring_async/fiber/scheduler.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::uring {

/// What the workers of one server share. Made before the first worker, gone after the last.
struct Shared {
    const ServerOptions& options;
    const ChatRules& rules;
    const WallClock& wall;
    NameRegistry& names;
    RoomDirectory& rooms;
    SyncThread& sync;
    JsonLog& log;
    Exchange exchange;
    // Of one room; not changed once a worker turns. A simulation has no room for so many.
    std::size_t members_per_turn = members_per_turn_max;

    // Connections of each worker, those on their way to it included: incremented by the accepting
    // worker, decremented by the owner. Relaxed: they only steer and bound the dealing.
    std::vector<std::atomic<std::uint32_t>> connections;
    // 0 serving, 1 draining; set once by the server, read once per turn (release, acquire).
    std::atomic<bool> draining{false};
    // Workers that drained and have nothing on its way to others; all of them: the end.
    std::atomic<std::uint32_t> drained{0};

    Shared(const ServerOptions& options_, const ChatRules& rules_, const WallClock& wall_,
           NameRegistry& names_, RoomDirectory& rooms_, SyncThread& sync_, JsonLog& log_,
           std::uint32_t workers)
        : options(options_),
          rules(rules_),
          wall(wall_),
          names(names_),
          rooms(rooms_),
          sync(sync_),
          log(log_),
          exchange(workers),
          connections(workers) {}

    [[nodiscard]] std::uint32_t connections_all() const noexcept;
    void drain() noexcept;
};

// One worker: a thread with one I/O, its connections, the rooms it owns, its coroutines. A turn:
//
//   1. take what the I/O has: arrivals feed decoders and start stories
//   2. take letters of other workers, opened logs, finished syncs
//   3. run the ready stories
//   4. commit: one append per room with new messages, publish, tell each worker with members once
//   5. post the letters for other workers
//   6. flush: every connection that owes bytes and has no send in flight gets one send
//   7. close what is to be closed, look after time limits, post what letters came of that
//   8. one Io::turn(): submits all of it and waits
//
// Everything in it runs on the worker's thread. A worker is stepped by turn(), so that a test can
// run several of them in one thread on an I/O of its own.
class Worker final : private OwnerReplies {
 public:
    Worker(Shared& shared, std::uint32_t number, Io& io, CounterSet& counters);
    ~Worker() override;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// This worker accepts for all, from this listening socket.
    void listen(int listener) noexcept;
    /// One turn; `may_wait` false: takes what is there and returns. False when drained.
    [[nodiscard]] bool turn(bool may_wait);

    // ---- for stories ----
    [[nodiscard]] Shared& shared() noexcept { return shared_; }
    [[nodiscard]] CounterSet& counters() noexcept { return counters_; }
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return io_.now_ns(); }
    /// Parks the running story. The decoder has kept what is unread when it returns.
    void park(Connection& connection, Connection::Wait wait) noexcept;
    /// Each asks somebody (a job on the disk, the room's owner) and returns with the answer.
    [[nodiscard]] StoryReply ask_create(Connection& connection, std::string name);
    [[nodiscard]] StoryReply ask_join(Connection& connection, std::uint32_t room);
    [[nodiscard]] StoryReply ask_leave(Connection& connection);
    /// False where too much of the room's is under way: park for Wait::post first.
    [[nodiscard]] bool may_post(const Connection& connection) const noexcept;
    /// True where it is known of all its messages whether they are stored, and it was answered.
    [[nodiscard]] bool settled(const Connection& connection) const noexcept;
    void post(Connection& connection, std::string_view text);
    void enter_lobby(Connection& connection);
    void leave_lobby(Connection& connection) noexcept;
    /// Owes the newest room list to everybody in the lobby here, where it has changed.
    void broadcast_list();
    void enter_room(Connection& connection);
    /// Live messages stop; the log stays readable until give_back_room().
    void stop_live(Connection& connection) noexcept;
    void give_back_room(Connection& connection);
    void flush_soon(Connection& connection);
    /// Closes after the answers owed are sent and the peer has ended its side, or a second after
    /// the last of them: a close with input unread would reset the connection and take the answers
    /// with it. All its messages are settled.
    void linger(Connection& connection) noexcept;
    void close(Connection& connection) noexcept;
    void close(Connection& connection, Drop reason) noexcept;
    void story_ended(Connection& connection) noexcept;

 private:
    struct Created;
    struct CreatedList;
    [[nodiscard]] static std::shared_ptr<CreatedList> make_created_list(Waker& waker);
    [[nodiscard]] StoryReply await(Connection& connection, StoryReply& reply) noexcept;

    // OwnerReplies
    void joined(const MemberRef& member, std::uint32_t room, int error,
                const RoomShare& share) override;
    void refused(const MemberRef& member, std::uint32_t room, std::uint64_t settled) override;
    void left(const MemberRef& member, std::uint64_t end) override;
    void published(std::uint32_t worker, std::uint32_t room, std::uint64_t settled) override;

    // worker.cpp: the turn
    void handle(const IoEvent& event);
    void on_accepted(int descriptor);
    void adopt(int descriptor);
    void on_received(Connection& connection, std::string_view bytes);
    void on_input_ended(Connection& connection);
    void on_sent(Connection& connection, std::int32_t result);
    void lose(Connection& connection, const char* operation, int code) noexcept;
    void on_closed(SlotId id);
    void start_story(Connection& connection);
    void hold_if_full(Connection& connection) noexcept;
    void let_go_on(Connection& connection) noexcept;
    [[nodiscard]] std::uint64_t wait_until() noexcept;
    void look_after_drain();
    void begin_drain();
    [[nodiscard]] bool drained();
    void export_counters() noexcept;
    void look_at_accepting() noexcept;
    [[nodiscard]] Connection* find(SlotId id) noexcept;

    // worker_letters.cpp: other workers
    [[nodiscard]] LetterBatch& batch_for(std::uint32_t worker) noexcept;
    void send_letter(std::uint32_t worker, const Letter& letter);
    void take_letters();
    [[nodiscard]] bool letters_came() noexcept;
    void open_letter(const Letter& letter, std::uint32_t from, std::string_view bytes);
    void post_letters();
    void take_created();
    void answer_story(SlotId id, const StoryReply& reply);
    void resume(Connection& connection) noexcept;
    void on_joined(SlotId id, std::uint32_t room, int error, const RoomShare& share);
    void on_refused(SlotId id, std::uint32_t room, std::uint64_t settled);
    void on_published(std::uint32_t room, std::uint64_t settled);
    void resume_waiting();
    [[nodiscard]] std::uint32_t owner_of(std::uint32_t room) const noexcept;

    // worker_output.cpp: flushing, closing, time limits
    void flush_all();
    void flush(LocalRoom& room);
    void flush(Connection& connection);
    void let_through(Connection& connection) noexcept;
    void end_sending(Connection& connection) noexcept;
    void close_due();
    void finish_close(Connection& connection);
    void sweep();
    [[nodiscard]] bool takes_nothing(Connection& connection, std::uint64_t now_ns) noexcept;
    void check_limits(Connection& connection, std::uint64_t now_ns);
    void unlist(Connection& connection) noexcept;
    void release_name(Connection& connection) noexcept;

    Shared& shared_;
    std::uint32_t number_;
    Io& io_;
    CounterSet& counters_;
    fiber::Scheduler scheduler_;
    CatchUpPool catch_up_;
    OwnedRooms owned_;

    std::vector<std::unique_ptr<Connection>> connections_;  // by slot
    std::uint32_t connections_open_ = 0;
    std::unordered_map<std::uint32_t, std::unique_ptr<LocalRoom>> local_rooms_;
    std::vector<LocalRoom*> rooms_to_flush_;
    std::vector<SlotId> connections_to_flush_;
    std::vector<SlotId> flushing_;   // the list that flush_all() works off
    std::size_t catch_up_left_ = 0;  // of catch_up_bytes_per_turn
    std::vector<SlotId> to_close_;
    std::vector<Connection*> lobby_;
    std::uint64_t lobby_version_ = 0;

    std::vector<LetterBatch> outgoing_;  // by worker
    LetterBatch incoming_;
    std::vector<SlotId> waiting_for_owner_;
    std::shared_ptr<CreatedList> created_;  // shared with jobs that may outlive the worker

    std::uint64_t sweep_period_ns_;
    std::uint64_t next_sweep_ns_ = 0;
    std::uint64_t drain_until_ns_ = 0;  // not 0: draining
    bool listening_ = false;
    bool drained_counted_ = false;
    bool accepting_fails_ = false;  // since the last `accepted`: it was logged
};

}  // namespace ringside::uring
