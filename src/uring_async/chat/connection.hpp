#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/chat_rules.hpp"
#include "common/frame_decoder.hpp"
#include "common/outbox.hpp"
#include "common/request_times.hpp"
#include "common/slot_id.hpp"
#include "uring_async/chat/room.hpp"
#include "uring_async/fiber/scheduler.hpp"

namespace ringside::uring {

class Worker;

/// What a story was told by another worker or by the sync thread's job.
struct StoryReply {
    bool answered = false;
    int error = 0;  // errno
    std::uint64_t value = 0;
};

// One client, on its worker, from adopt() to the `closed` event. An idle connection is this object
// and an armed receive: it owns no coroutine stack and, with nothing unread or unsent, no buffer.
struct Connection {
    /// What the story is parked for; `none` exactly when it runs, is ready, or there is no story.
    enum class Wait : std::uint8_t {
        none,
        reply,    // `reply` is filled in by who answers; an answer always comes
        output,   // until the outbox lets the next request through
        post,     // until the room's owner may be sent another message
        settled,  // until it is known of all its messages whether they are stored
    };

    Connection(Worker& worker_, SlotId id_, std::uint64_t length_max)
        : worker(worker_), id(id_), decoder(length_max) {}

    Worker& worker;
    SlotId id;
    FrameDecoder decoder;
    Outbox outbox;
    // Null unless requests are logged.
    std::unique_ptr<RequestTimes> times;
    std::string name;                 // taken from the registry exactly when not empty
    LocalRoom* room = nullptr;        // set from joining until the last use of the log
    fiber::Fiber* story = nullptr;    // set while it is parked
    StoryReply* reply = nullptr;      // on the story's stack, while it waits for it
    std::uint64_t posted_end = 0;     // where its last message ends in LocalRoom::posted
    std::uint32_t offered_bytes = 0;  // of the send in flight
    std::uint32_t unsent_bytes = 0;   // in the stalled socket, as asked last; 0: not asked yet
    std::uint32_t place = 0;          // index in the lobby's or the room's list of members
    Stage stage = Stage::unnamed;
    Wait wait = Wait::none;
    bool listed = false;          // in the list that `place` refers to
    bool story_alive = false;     // a coroutine of ours exists
    bool send_in_flight = false;  // true exactly between io.send() and its `sent` event
    bool blocked = false;         // the socket is full: until `writable`
    bool held = false;            // io.hold() was called and not undone
    bool flush_due = false;       // in Worker's list of connections to flush
    bool input_ended = false;     // the peer will send no more
    bool lingering = false;       // last answers, then FIN, then discard until the peer's end
    bool fin_sent = false;
    bool closing = false;       // no more work for it; closed when the story has ended
    bool close_called = false;  // io.close() was called

    // Monotonic nanoseconds; 0: not running.
    std::uint64_t opened_ns = 0;
    std::uint64_t last_frame_ns = 0;
    std::uint64_t frame_begun_ns = 0;   // an unfinished frame is in the decoder since then
    std::uint64_t stalled_ns = 0;       // bytes are due and the peer took none since then
    std::uint64_t linger_until_ns = 0;  // once fin_sent
};

}  // namespace ringside::uring
