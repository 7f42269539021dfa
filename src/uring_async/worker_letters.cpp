// Worker, second part: what it asks of other workers and answers them.
//
// A request to the owner of a room is a direct call where this worker owns it, else a letter; the
// answers take the same way back. Letters of one turn leave together, after the commit, so that an
// owner's `published` and `left` go out in the turn in which they became true.

#include <cerrno>
#include <mutex>
#include <utility>

#include "common/assert.hpp"
#include "uring_async/worker.hpp"

namespace ringside::uring {

struct Worker::Created {
    SlotId id{};
    std::string room;
    Error error{};  // code 0: it was made
};

struct Worker::CreatedList {
    std::mutex mutex;
    std::vector<Created> list;
    Waker* waker = nullptr;  // null once the worker is gone
};

std::shared_ptr<Worker::CreatedList> Worker::make_created_list(Waker& waker) {
    auto list = std::make_shared<CreatedList>();
    list->waker = &waker;
    return list;
}

Worker::~Worker() {
    const std::lock_guard lock(created_->mutex);
    created_->waker = nullptr;
}

std::uint32_t Worker::owner_of(std::uint32_t room) const noexcept {
    return room % shared_.exchange.workers();
}

LetterBatch& Worker::batch_for(std::uint32_t worker) noexcept {
    RINGSIDE_ASSERT(worker != number_);
    return outgoing_[worker];
}

void Worker::send_letter(std::uint32_t worker, const Letter& letter) {
    batch_for(worker).letters.push_back(letter);
}

// ---- a story asks ----

StoryReply Worker::await(Connection& connection, StoryReply& reply) noexcept {
    if (!reply.answered) park(connection, Connection::Wait::reply);
    RINGSIDE_ASSERT(reply.answered);
    connection.reply = nullptr;
    return reply;
}

StoryReply Worker::ask_create(Connection& connection, std::string name) {
    StoryReply reply;
    connection.reply = &reply;
    shared_.sync.run(
        [directory = &shared_.rooms, room = std::move(name), id = connection.id, list = created_] {
            const Result<const Room*> made = directory->create(room);
            const std::lock_guard lock(list->mutex);
            list->list.push_back({id, room, made ? Error{} : made.error()});
            if (list->waker != nullptr) list->waker->wake();
        });
    return await(connection, reply);
}

StoryReply Worker::ask_join(Connection& connection, std::uint32_t room) {
    StoryReply reply;
    connection.reply = &reply;
    const std::uint32_t owner = owner_of(room);
    if (owner == number_) {
        owned_.join(room, MemberRef{number_, connection.id});
    } else {
        send_letter(owner, Letter{.kind = Letter::Kind::join, .room = room, .id = connection.id});
    }
    return await(connection, reply);
}

StoryReply Worker::ask_leave(Connection& connection) {
    StoryReply reply;
    connection.reply = &reply;
    const std::uint32_t room = connection.room->number;
    const std::uint32_t owner = owner_of(room);
    if (owner == number_) {
        owned_.leave(room, MemberRef{number_, connection.id});
    } else {
        send_letter(owner, Letter{.kind = Letter::Kind::leave, .room = room, .id = connection.id});
    }
    return await(connection, reply);
}

bool Worker::may_post(const Connection& connection) const noexcept {
    const LocalRoom& local = *connection.room;
    if (local.posted - local.settled >= staged_bytes_max) return false;
    const std::uint32_t owner = owner_of(local.number);
    return owner == number_ || outgoing_[owner].bytes.size() < inbox_bytes_max;
}

bool Worker::settled(const Connection& connection) const noexcept {
    return connection.room == nullptr || connection.posted_end <= connection.room->settled;
}

void Worker::post(Connection& connection, std::string_view text) {
    LocalRoom& local = *connection.room;
    local.posted += connection.name.size() + text.size();
    connection.posted_end = local.posted;
    if (connection.times != nullptr) connection.times->put_off(local.posted);
    const std::uint32_t room = local.number;
    const std::uint32_t owner = owner_of(room);
    if (owner == number_) {
        return owned_.post(room, MemberRef{number_, connection.id}, connection.name, text);
    }
    LetterBatch& batch = batch_for(owner);
    batch.bytes.append(connection.name).append(text);
    batch.letters.push_back(Letter{.kind = Letter::Kind::post,
                                   .room = room,
                                   .id = connection.id,
                                   .user_bytes = static_cast<std::uint32_t>(connection.name.size()),
                                   .text_bytes = static_cast<std::uint32_t>(text.size())});
}

// ---- the owner answers ----

void Worker::joined(const MemberRef& member, std::uint32_t room, int error,
                    const RoomShare& share) {
    const auto value = static_cast<std::uint64_t>(error);
    if (member.worker == number_) return on_joined(member.id, room, error, share);
    send_letter(member.worker, Letter{.kind = Letter::Kind::joined,
                                      .room = room,
                                      .id = member.id,
                                      .value = value,
                                      .share = share});
}

void Worker::left(const MemberRef& member, std::uint64_t end) {
    if (member.worker == number_) return answer_story(member.id, StoryReply{.value = end});
    send_letter(member.worker, Letter{.kind = Letter::Kind::left, .id = member.id, .value = end});
}

void Worker::refused(const MemberRef& member, std::uint32_t room, std::uint64_t settled) {
    if (member.worker == number_) return on_refused(member.id, room, settled);
    send_letter(
        member.worker,
        Letter{.kind = Letter::Kind::refused, .room = room, .id = member.id, .value = settled});
}

void Worker::published(std::uint32_t worker, std::uint32_t room, std::uint64_t settled) {
    if (worker == number_) return on_published(room, settled);
    send_letter(worker, Letter{.kind = Letter::Kind::published, .room = room, .value = settled});
}

// ---- answers and news arrive ----

void Worker::answer_story(SlotId id, const StoryReply& reply) {
    Connection* const connection = find(id);
    // A connection lives until its story has ended, and the story waits for this.
    RINGSIDE_ASSERT(connection != nullptr && connection->reply != nullptr);
    *connection->reply = reply;
    connection->reply->answered = true;
    if (connection->wait == Connection::Wait::reply) resume(*connection);
}

// Before the story goes on: letters that follow this one are about a room that is there.
void Worker::on_joined(SlotId id, std::uint32_t room, int error, const RoomShare& share) {
    if (error == 0) {
        Connection* const connection = find(id);
        RINGSIDE_ASSERT(connection != nullptr && connection->room == nullptr);
        std::unique_ptr<LocalRoom>& local = local_rooms_[room];
        if (local == nullptr) {
            local = std::make_unique<LocalRoom>(room, share, catch_up_);
            // A `published` that came before this, or after the last member here had gone, found no
            // room and left the flag up; the owner would never tell us again.
            share.own->told.exchange(false, std::memory_order_acq_rel);
        }
        ++local->users;
        connection->room = local.get();
        connection->posted_end = 0;
    }
    answer_story(id, StoryReply{.error = error});
}

void Worker::on_refused(SlotId id, std::uint32_t room, std::uint64_t settled) {
    const auto local = local_rooms_.find(room);
    if (local != local_rooms_.end()) local->second->settled = settled;
    Connection* const connection = find(id);
    if (connection == nullptr || connection->closing) return;
    RINGSIDE_ASSERT(!connection->lingering);
    counters_.add(Metric::refusals_total);
    connection->outbox.answer(Request::send_message, Status::failure, reason::storage_failed);
    if (connection->times != nullptr) connection->times->settled(settled);
    flush_soon(*connection);
}

void Worker::on_published(std::uint32_t room, std::uint64_t settled) {
    const auto found = local_rooms_.find(room);
    // The last member may be gone while the owner's letter was on its way.
    if (found == local_rooms_.end()) return;
    LocalRoom& local = *found->second;
    local.share.own->told.exchange(false, std::memory_order_acq_rel);
    RINGSIDE_ASSERT(settled >= local.settled && settled <= local.posted);
    local.settled = settled;
    if (shared_.log.enabled(LogLevel::debug)) {
        for (Connection* member : local.members) {
            RINGSIDE_ASSERT(member->times != nullptr);  // made by the same level of the log
            member->times->settled(settled);
        }
    }
    local.flush_all_members();
    if (std::exchange(local.dirty, true)) return;
    rooms_to_flush_.push_back(&local);
}

void Worker::take_letters() {
    for (std::uint32_t from = 0; from < shared_.exchange.workers(); ++from) {
        Inbox& inbox = shared_.exchange.inbox(from, number_);
        if (!inbox.filled()) continue;
        if (inbox.take(incoming_)) shared_.exchange.wake(from);
        std::string_view bytes = incoming_.bytes;
        for (const Letter& letter : incoming_.letters) {
            const std::size_t length = letter.user_bytes + std::size_t{letter.text_bytes};
            open_letter(letter, from, bytes.substr(0, length));
            bytes.remove_prefix(length);
        }
    }
}

bool Worker::letters_came() noexcept {
    for (std::uint32_t from = 0; from < shared_.exchange.workers(); ++from) {
        if (shared_.exchange.inbox(from, number_).filled()) return true;
    }
    return false;
}

void Worker::open_letter(const Letter& letter, std::uint32_t from, std::string_view bytes) {
    const MemberRef member{from, letter.id};
    switch (letter.kind) {
        case Letter::Kind::adopt:
            return adopt(static_cast<int>(letter.value));
        case Letter::Kind::join:
            return owned_.join(letter.room, member);
        case Letter::Kind::joined:
            return on_joined(letter.id, letter.room, static_cast<int>(letter.value), letter.share);
        case Letter::Kind::post:
            return owned_.post(letter.room, member, bytes.substr(0, letter.user_bytes),
                               bytes.substr(letter.user_bytes));
        case Letter::Kind::refused:
            return on_refused(letter.id, letter.room, letter.value);
        case Letter::Kind::leave:
            return owned_.leave(letter.room, member);
        case Letter::Kind::left:
            return answer_story(letter.id, StoryReply{.value = letter.value});
        case Letter::Kind::gone:
            return owned_.gone(letter.room, from);
        case Letter::Kind::published:
            return on_published(letter.room, letter.value);
    }
    RINGSIDE_ASSERT(false);
}

void Worker::post_letters() {
    for (std::uint32_t to = 0; to < shared_.exchange.workers(); ++to) {
        if (outgoing_[to].letters.empty()) continue;
        if (shared_.exchange.inbox(number_, to).post(outgoing_[to])) shared_.exchange.wake(to);
    }
    if (!waiting_for_owner_.empty()) resume_waiting();
}

void Worker::resume_waiting() {
    std::erase_if(waiting_for_owner_, [this](SlotId id) {
        Connection* const connection = find(id);
        if (connection == nullptr) return true;
        const Connection::Wait wait = connection->wait;
        if (wait == Connection::Wait::post && !may_post(*connection)) return false;
        if (wait == Connection::Wait::settled && !settled(*connection)) return false;
        if (wait == Connection::Wait::post || wait == Connection::Wait::settled) {
            resume(*connection);
        }
        return true;
    });
}

void Worker::take_created() {
    std::vector<Created> created;
    {
        const std::lock_guard lock(created_->mutex);
        std::swap(created, created_->list);
    }
    for (const Created& one : created) {
        const int code = one.error.code;
        if (code != 0 && code != EEXIST) {
            shared_.log.write(LogLevel::error, "a room cannot be created",
                              {{"room", PeerText{one.room}}, {"error", one.error.text()}});
        }
        answer_story(one.id, StoryReply{.error = code});
        // Everybody in a lobby hears of it, whichever worker serves them.
        if (code == 0) shared_.exchange.wake_all();
    }
}

}  // namespace ringside::uring
