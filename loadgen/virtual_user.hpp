#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/chat_rules.hpp"
#include "loadgen/audience.hpp"
#include "loadgen/connection.hpp"
#include "loadgen/connection_owner.hpp"
#include "loadgen/dialect.hpp"
#include "loadgen/random.hpp"
#include "loadgen/run_state.hpp"
#include "loadgen/verifier.hpp"

namespace ringside::loadgen {

/// A frame from the server that is no message of the room.
struct Answer {
    std::uint32_t request = 0;
    Status status = Status::success;
    std::uint32_t rooms = 0;  // how many rooms the list holds, where it is a list
    std::string text;         // empty where it is a list
    std::uint64_t at_ns = 0;

    [[nodiscard]] bool is(Request wanted) const noexcept {
        return request == static_cast<std::uint32_t>(wanted);
    }
};

// One virtual user: its connection, its place in a room, and what its coroutine (run.cpp, the
// workloads) tells it to do and waits for.
//
// 1. on_event() and flush() are called by the driver's loop, all else by the user's coroutine.
// 2. Messages never wait for the coroutine: they are verified and counted as they come, in the
//    loop. The coroutine is woken when something happened that it may wait for: an answer, an own
//    copy, the end of the replay, a new phase of the run.
// 3. A message's send time is read from the clock when it is queued, at the latest when it is
//    handed to the I/O: what the generator itself delays is in the latency, never taken out of it.
//    In an open loop the latency begins when the message was due.
// 4. A user is over when its connection failed, the server broke the protocol, or the run is over.
//    Every wait then returns false, and its coroutine closes the connection and ends.
class VirtualUser final : public ConnectionOwner {
 public:
    VirtualUser(RunState& run, std::uint32_t number);

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] Random& random() noexcept { return random_; }
    [[nodiscard]] RunState& run() noexcept { return run_; }
    [[nodiscard]] Phase phase() const noexcept { return run_.phase; }
    /// Neither the load nor the user is over.
    [[nodiscard]] bool in_load() const noexcept { return run_.phase == Phase::rounds && !over(); }

    // ---- waiting ----
    /// Parks the coroutine until the condition holds; false where the user is over.
    template <typename Condition>
    [[nodiscard]] bool wait_until(Condition condition) {
        while (!over() && !condition())
            park();
        return !over();
    }
    /// Returns at this time, or where the load or the user is over: then false.
    [[nodiscard]] bool sleep_until(std::uint64_t until_ns);
    [[nodiscard]] bool over() const noexcept;
    /// Lets the coroutine look at its condition again.
    void wake() noexcept;

    // ---- the steps of a session; each is false where the user is over ----
    [[nodiscard]] bool connect();
    [[nodiscard]] bool sign_in();
    /// Ends with the list that holds the room; a refusal is a violation, so the name must be new.
    [[nodiscard]] bool create_room(const std::string& name);
    /// Whether a user is one of the members that a message's latencies are counted over.
    enum class Counted : std::uint8_t { no, yes };
    /// `audience`: the room's; null where it has none, then `counted` does not matter.
    [[nodiscard]] bool join_room(RoomLedger& room, Audience* audience, Counted counted);
    /// Everything is read that was in the room when the user joined, as far as anybody knows.
    [[nodiscard]] bool read_replay();
    [[nodiscard]] bool send_message(std::size_t bytes) { return publish(bytes, std::nullopt, 0); }
    /// Open loop: a message that was due then, and that nothing but the load generator has held up
    /// since `free_ns`, which is not before.
    [[nodiscard]] bool send_message(std::size_t bytes, std::uint64_t due_ns,
                                    std::uint64_t free_ns) {
        return publish(bytes, due_ns, free_ns);
    }
    [[nodiscard]] bool leave_room();
    /// From the lobby: disconnects, and is then as if it had never connected.
    [[nodiscard]] bool end_session();
    /// Gets the server to close and reads until it does, so that whatever comes late is seen.
    void disconnect();
    /// Waits until the connection is gone.
    void close();

    // ---- reading slowly: in a room, with nothing on its way ----
    /// From now on only what allow_reading() allows is read, in pieces as large as they come.
    void limit_reading() noexcept;
    void allow_reading(std::uint64_t bytes) noexcept;
    void read_freely() noexcept;

    [[nodiscard]] bool signed_in() const noexcept { return stage_ != Stage::unnamed; }
    [[nodiscard]] bool in_room() const noexcept { return stage_ == Stage::room; }
    [[nodiscard]] std::uint32_t rooms_known() const noexcept { return rooms_known_; }
    [[nodiscard]] std::uint32_t unanswered() const noexcept {
        return run_.verifier.unanswered(number_);
    }
    /// For the end of a run in which the server never answered leave_chat.
    void give_up_room();

    // ---- for the loop ----
    void on_event(const uring::IoEvent& event) override;
    void flush() noexcept override { connection_.flush(); }

 private:
    static constexpr std::uint64_t replay_unknown = UINT64_MAX;

    void queue(Request request, std::string_view text);
    [[nodiscard]] bool publish(std::size_t bytes, std::optional<std::uint64_t> due_ns,
                               std::uint64_t free_ns);
    /// Sends a request that has an answer; returns when.
    std::uint64_t ask(Request request, std::string_view text);
    /// The next answer, in the order of their coming; false where the user is over.
    [[nodiscard]] bool next_answer(Answer& answer);
    /// Waits for the answer to `request`; lists before it are passed over.
    [[nodiscard]] bool await(Request request, Answer& answer);
    /// Of set-up always, later where it began in the measured window.
    void record(Latency kind, std::uint64_t sent_ns, std::uint64_t answered_ns) noexcept;
    /// The server did what it must not: the user is over.
    void break_off(std::string_view what);
    /// The server is not one that the run can use: the run ends, and nobody did wrong.
    void give_up_run(std::string why);
    [[nodiscard]] bool mid_frame() const noexcept;
    void park() noexcept;

    void on_received(const uring::IoEvent& event);
    void on_broken_stream();
    void on_frame(const ServerHeader& header, std::string_view text);
    void on_message(std::string_view body);
    void on_own_copy(MessageKey key) noexcept;
    void on_list(std::string_view text, Answer& answer);
    void on_answer(Answer answer);
    void enter_room() noexcept;
    void on_failed();

    RunState& run_;
    std::uint32_t number_;
    Random random_;
    Connection connection_;
    Dialect dialect_;
    std::vector<Answer> answers_;  // not yet read by the coroutine
    fiber::Fiber* parked_ = nullptr;
    bool wake_wanted_ = false;  // something the coroutine may wait for is in this chunk
    bool broken_ = false;       // the server broke the protocol
    bool disconnecting_ = false;
    bool reads_slowly_ = false;        // true from limit_reading() to read_freely()
    bool held_ = false;                // true while nothing more is to be received
    std::int64_t may_read_bytes_ = 0;  // reading slowly; below 0 where too much came at once
    Stage stage_ = Stage::unnamed;
    std::optional<Request> awaiting_;  // what was asked and has no answer yet
    std::uint32_t rooms_known_ = 0;    // in the newest list

    // The room: entered and left in the loop, since messages follow the answer in the same chunk.
    RoomLedger* joining_ = nullptr;  // from connect_chat to its answer
    bool leaving_ = false;           // from leave_chat to its list
    std::uint64_t leave_end_ = 0;    // the room's size when leave_chat was sent
    Cursor cursor_;
    Audience* audience_ = nullptr;
    bool counted_ = false;          // by the audience
    std::uint64_t joined_ns_ = 0;   // when connect_chat was sent
    std::uint64_t replay_end_ = 0;  // the room's size when the user joined; replay_unknown
    // Own messages below this number are not measured: a replay of unknown length may have been
    // before them.
    std::uint32_t unmeasured_below_ = 0;
    std::string payload_;  // kept, so that sending allocates nothing
};

}  // namespace ringside::loadgen
