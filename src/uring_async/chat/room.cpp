#include "uring_async/chat/room.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "common/assert.hpp"

namespace ringside::uring {

namespace {

// Behind the last message that may still be published: after a failed sync that is none.
std::uint64_t last_end(const OwnedRoom& room) noexcept {
    return room.posts.empty() ? room.log->published_end() : room.posts.back().end;
}

}  // namespace

struct OwnedRooms::Opened {
    std::uint32_t room = 0;
    Result<std::shared_ptr<RoomLog>> log;
};

struct OwnedRooms::OpenedList {
    std::mutex mutex;
    std::vector<Opened> list;
    Waker* waker = nullptr;  // null once the worker is gone
};

OwnedRooms::OwnedRooms(const OwnerContext& context, OwnerReplies& replies)
    : context_(context),
      replies_(replies),
      sync_inbox_(*context.waker),
      opened_(std::make_shared<OpenedList>()) {
    opened_->waker = context.waker;
}

OwnedRooms::~OwnedRooms() {
    const std::lock_guard lock(opened_->mutex);
    opened_->waker = nullptr;
}

void OwnedRooms::begin_turn(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    wall_ns_ = context_.wall->now_ns();
}

void OwnedRooms::join(std::uint32_t number, const MemberRef& member) {
    OwnedRoom& room = open_room(number);
    if (room.log == nullptr) {
        room.joining.push_back(member);
    } else {
        admit(room, member);
    }
}

OwnedRoom& OwnedRooms::open_room(std::uint32_t number) {
    std::unique_ptr<OwnedRoom>& slot = rooms_[number];
    if (slot != nullptr) return *slot;
    slot = std::make_unique<OwnedRoom>();
    slot->room = context_.directory->at(number);
    slot->branches.resize(context_.workers);
    slot->shares = std::make_unique<WorkerShare[]>(context_.workers);
    // Opening verifies the history's tail and may read much of a file whose index is lost.
    context_.sync->run([directory = context_.directory, room = slot->room, list = opened_] {
        Opened opened{room->number, directory->open_log(*room)};
        const std::lock_guard lock(list->mutex);
        list->list.push_back(std::move(opened));
        if (list->waker != nullptr) list->waker->wake();
    });
    return *slot;
}

void OwnedRooms::admit(OwnedRoom& room, const MemberRef& member) {
    OwnedRoom::Branch& branch = room.branches[member.worker];
    ++branch.members;
    ++room.members_all;
    ++members_;
    replies_.joined(member, room.room->number, 0,
                    RoomShare{room.log.get(), &room.shares[member.worker], branch.settled});
}

void OwnedRooms::post(std::uint32_t number, const MemberRef& member, std::string_view user,
                      std::string_view text) {
    const auto found = rooms_.find(number);
    RINGSIDE_ASSERT(found != rooms_.end() && found->second->log != nullptr);
    OwnedRoom& room = *found->second;
    const auto bytes = static_cast<std::uint32_t>(user.size() + text.size());
    // What a turn may hold back is bounded: a flood is written early, and goes on.
    if (room.log->staged_bytes() >= staged_bytes_max) commit_room(room);
    if (!room.log->writable(now_ns_)) {
        room.posts.push_back({last_end(room), member, bytes, true});
        return settle(room);
    }
    room.log->stage(user, time_text_.at(wall_ns_), wall_ns_, text);
    room.posts.push_back({room.log->staged_end(), member, bytes, false});
    mark_dirty(room);
}

void OwnedRooms::leave(std::uint32_t number, const MemberRef& member) {
    const auto found = rooms_.find(number);
    RINGSIDE_ASSERT(found != rooms_.end() && found->second->log != nullptr);
    OwnedRoom& room = *found->second;
    room.leaves.push_back({last_end(room), member});
    mark_dirty(room);
}

void OwnedRooms::gone(std::uint32_t number, std::uint32_t worker) {
    const auto found = rooms_.find(number);
    RINGSIDE_ASSERT(found != rooms_.end() && found->second->branches[worker].members > 0);
    OwnedRoom& room = *found->second;
    --room.branches[worker].members;
    --room.members_all;
    --members_;
    // Commit decides whether the room can be closed: messages of the last member may be staged.
    mark_dirty(room);
}

void OwnedRooms::mark_dirty(OwnedRoom& room) {
    if (std::exchange(room.dirty, true)) return;
    dirty_.push_back(&room);
}

void OwnedRooms::commit() {
    std::swap(committing_, dirty_);
    for (OwnedRoom* room : committing_) {
        room->dirty = false;
        commit_room(*room);
        answer_leaves(*room);
        close_if_empty(*room);
    }
    committing_.clear();
}

void OwnedRooms::commit_room(OwnedRoom& room) {
    const std::size_t bytes = room.log->staged_bytes();
    if (bytes == 0) return;
    const Result<void> stored = room.log->commit(now_ns_);
    if (!stored) {
        context_.counters->add(Metric::append_failures_total);
        context_.log->write(
            LogLevel::error, "append failed, the room refuses messages for now",
            {{"room", PeerText{room.room->name}}, {"error", stored.error().text()}});
        refuse_unpublished(room, room.log->committed_end());
        return;
    }
    context_.counters->add(Metric::appends_total);
    context_.counters->add(Metric::appended_bytes_total, bytes);
    const std::uint64_t end = room.log->committed_end();
    context_.sync->appended(room.log->file(), end, sync_inbox_, room.room->number);
    if (context_.sync->policy().mode != FsyncPolicy::Mode::always) publish(room, end);
}

void OwnedRooms::publish(OwnedRoom& room, std::uint64_t end) {
    room.log->publish(end);
    settle(room);
    for (std::uint32_t worker = 0; worker < context_.workers; ++worker) {
        OwnedRoom::Branch& branch = room.branches[worker];
        const bool news = std::exchange(branch.news, false);
        if (branch.members == 0) continue;
        // Pairs with the exchange in Worker::on_published: acq_rel, so that a worker that clears
        // the flag after us sees the end published before.
        const bool told = room.shares[worker].told.exchange(true, std::memory_order_acq_rel);
        if (told && !news) continue;
        replies_.published(worker, room.room->number, branch.settled);
    }
}

// In order, so that a count says which: a refused message waits for those before it.
void OwnedRooms::settle(OwnedRoom& room) {
    const std::uint64_t end = room.log->published_end();
    std::uint64_t stored = 0;
    auto post = room.posts.begin();
    for (; post != room.posts.end() && post->end <= end; ++post) {
        OwnedRoom::Branch& branch = room.branches[post->member.worker];
        branch.settled += post->bytes;
        if (post->refused) {
            replies_.refused(post->member, room.room->number, branch.settled);
        } else {
            branch.news = true;
            ++stored;
        }
    }
    room.posts.erase(room.posts.begin(), post);
    context_.counters->add(Metric::messages_in_total, stored);
}

void OwnedRooms::refuse_unpublished(OwnedRoom& room, std::uint64_t beyond) {
    for (OwnedRoom::Post& post : room.posts) {
        if (post.end <= beyond) continue;
        post.end = beyond;
        post.refused = true;
    }
    settle(room);
    // Nobody waits for messages that will never be published.
    for (OwnedRoom::Leave& leave : room.leaves)
        leave.end = std::min(leave.end, beyond);
}

void OwnedRooms::answer_leaves(OwnedRoom& room) {
    const std::uint64_t published = room.log->published_end();
    auto kept = room.leaves.begin();
    while (kept != room.leaves.end() && kept->end <= published) {
        replies_.left(kept->member, published);
        ++kept;
    }
    room.leaves.erase(room.leaves.begin(), kept);
}

void OwnedRooms::take_results() {
    std::vector<Opened> opened;
    {
        const std::lock_guard lock(opened_->mutex);
        std::swap(opened, opened_->list);
    }
    for (Opened& one : opened)
        on_opened(one);
    if (!opened.empty()) log_repairs();
    sync_inbox_.take(synced_);
    for (const SyncDone& done : synced_)
        on_synced(done);
}

void OwnedRooms::log_repairs() {
    for (const RoomRepair& repair : context_.directory->take_repairs()) {
        // Entries that a kill left unwritten cost nothing; bytes that were cut are gone.
        const LogLevel level = repair.recovery.cut_bytes != 0 ? LogLevel::warn : LogLevel::info;
        context_.log->write(level, "a room's history was repaired",
                            {{"room", PeerText{repair.room}},
                             {"cut_bytes", repair.recovery.cut_bytes},
                             {"rebuilt_entries", repair.recovery.rebuilt_entries}});
    }
}

void OwnedRooms::on_opened(Opened& opened) {
    const auto found = rooms_.find(opened.room);
    RINGSIDE_ASSERT(found != rooms_.end() && found->second->log == nullptr);
    OwnedRoom& room = *found->second;
    const std::vector<MemberRef> joining = std::move(room.joining);
    if (opened.log) {
        room.log = std::move(*opened.log);
        for (const MemberRef& member : joining)
            admit(room, member);
        return;
    }
    context_.log->write(
        LogLevel::error, "a room's history cannot be opened",
        {{"room", PeerText{room.room->name}}, {"error", opened.log.error().text()}});
    const std::uint32_t number = opened.room;
    rooms_.erase(found);
    for (const MemberRef& member : joining) {
        replies_.joined(member, number, opened.log.error().code, RoomShare{});
    }
}

void OwnedRooms::on_synced(const SyncDone& done) {
    const auto found = rooms_.find(static_cast<std::uint32_t>(done.token));
    // The room may have been closed meanwhile: everything of it was published then.
    if (found == rooms_.end() || found->second->log == nullptr) return;
    OwnedRoom& room = *found->second;
    if (done.error.code != 0) {
        context_.log->write(LogLevel::error, "sync failed, the room takes no more messages",
                            {{"room", PeerText{room.room->name}}, {"error", done.error.text()}});
        room.log->fence();
        refuse_unpublished(room, room.log->published_end());
    } else if (done.end > room.log->published_end()) {
        publish(room, done.end);
    }
    mark_dirty(room);
}

void OwnedRooms::close_if_empty(OwnedRoom& room) {
    if (room.members_all != 0 || !room.joining.empty() || !room.leaves.empty()) return;
    if (room.log == nullptr || !room.posts.empty()) return;
    rooms_.erase(room.room->number);
}

}  // namespace ringside::uring
