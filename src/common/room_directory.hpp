#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/outbox.hpp"
#include "common/result.hpp"
#include "common/room_log.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

/// A room as every thread may see it. `number` is its place in the order of creation, from 0, for
/// this run; immutable and never freed while the directory lives.
struct Room {
    std::uint32_t number = 0;
    std::string name;
};

/// A tail that was cut off or an index that was rebuilt when a log was opened: the server logs it.
struct RoomRepair {
    std::string room;
    HistoryFile::Recovery recovery;
};

// All rooms of a data folder. Any thread; rarely touched: by create, by the first join, by the last
// leave.
//
// 1. The folder is locked (flock on `.lock`) while the directory lives: one server at a time.
// 2. At start only headers are read, so that thousands of rooms start fast; a room's log is opened,
//    and its tail verified, by the first open_log().
// 3. A log stays open while anybody holds it. The idle_open_rooms_max that were asked for last stay
//    open although nobody does, so that a room which is left and joined by turns is not reopened.
// 4. A room whose history is damaged is quarantined: open_log() answers EBADMSG, the rest serve. A
//    room whose sync failed is not opened again either (EIO): the kernel takes what it lost for
//    written, so that a new descriptor would call it synced. Both until the next start.
// 5. Creations are done one after the other, so that the order of creation is the same in the list
//    of this run and after a restart.
class RoomDirectory {
 public:
    /// Creates the folder where it is missing, locks it, reads the headers. Throws StartError.
    /// `durable_create`: create() syncs before it returns (all --fsync modes but never).
    RoomDirectory(std::filesystem::path folder, bool durable_create);
    RoomDirectory(const RoomDirectory&) = delete;
    RoomDirectory& operator=(const RoomDirectory&) = delete;

    /// A descriptor of the folder's file system, open since before any room was; the directory's.
    [[nodiscard]] int file_system() const noexcept { return lock_.get(); }
    /// Rooms are immutable and live as long as the directory. Null where there is none.
    [[nodiscard]] const Room* find(std::string_view name) const;
    [[nodiscard]] const Room* at(std::uint32_t number) const;
    [[nodiscard]] std::size_t size() const;
    /// Makes the room durable, then visible. May block on the disk for a millisecond or more.
    /// EEXIST where the name is taken; EBADMSG where files of that name are damaged, so that no
    /// room has it.
    [[nodiscard]] Result<const Room*> create(std::string_view name);
    /// The newest list, encoded once per version.
    [[nodiscard]] std::shared_ptr<const RoomList> list() const;
    /// Version of the newest list, without building it. Who was told of a creation by other means
    /// (a lock, a wake-up) sees it counted.
    [[nodiscard]] std::uint64_t list_version() const noexcept {
        return version_.load(std::memory_order_relaxed);
    }
    /// The room's log, opened where it is not. May block on the disk. One owner at a time writes.
    [[nodiscard]] Result<std::shared_ptr<RoomLog>> open_log(const Room& room);

    /// Files of the folder that are no rooms: one line each, found at the start.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
    /// What open_log() had to repair since the last call.
    [[nodiscard]] std::vector<RoomRepair> take_repairs();

 private:
    /// Rooms that are not opened again in this run, and why. Shared with the files that are open,
    /// since the last holder of one may be the sync thread, after the directory is gone.
    struct Quarantine {
        std::mutex mutex;
        std::unordered_map<std::uint32_t, Error> rooms;  // by room number

        void add(std::uint32_t number, const Error& why);
        [[nodiscard]] Error why(std::uint32_t number);  // code 0: not quarantined
    };

    using KeptLog = std::pair<std::uint32_t, std::shared_ptr<RoomLog>>;  // and its room's number

    void make_folder();
    void lock_folder();
    void scan_folder();
    void add_room(std::string name);  // mutex_ held, or no other thread yet
    [[nodiscard]] Result<std::shared_ptr<HistoryFile>> open_file(const Room& room,
                                                                 HistoryFile::Recovery& recovery);

    /// The log is the one used last now; mutex_ held. Returns what is kept open no longer.
    [[nodiscard]] std::shared_ptr<RoomLog> keep_open(std::uint32_t number,
                                                     std::shared_ptr<RoomLog> log);

    const std::filesystem::path folder_;
    const bool durable_create_;
    UniqueFd lock_;
    std::vector<std::string> warnings_;

    const std::shared_ptr<Quarantine> quarantine_ = std::make_shared<Quarantine>();

    std::mutex create_mutex_;        // one creation at a time; taken before mutex_
    std::uint64_t next_number_ = 0;  // HistoryHeader::number of the next room; create_mutex_

    // Guards everything below; never held while the disk is waited for.
    mutable std::mutex mutex_;
    std::deque<Room> rooms_;  // by number; elements never move
    std::unordered_map<std::string_view, const Room*> by_name_;
    mutable std::shared_ptr<const RoomList> list_;  // null or of an older version: built by list()
    std::unordered_map<std::uint32_t, std::weak_ptr<RoomLog>> open_;  // by room number
    std::list<KeptLog> used_last_;                                    // newest first
    std::vector<RoomRepair> repairs_;

    // Creations so far, from 1; written under mutex_. Relaxed: see list_version().
    std::atomic<std::uint64_t> version_{1};
};

}  // namespace ringside
