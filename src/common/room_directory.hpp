#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

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

// All rooms of a data folder. Any thread; rarely touched: by create, by the first join, by the last
// leave.
//
// 1. The folder is locked (flock on `.lock`) while the directory lives: one server at a time.
// 2. At start only headers are read, so that thousands of rooms start fast; a room's log is opened,
//    and its tail verified, by the first open_log().
// 3. A log stays open while anybody holds it, and up to idle_open_rooms_max of those that
//    nobody holds stay open too; the least recently used is closed first.
// 4. A room whose history is damaged is quarantined: open_log() answers EBADMSG, the rest serve.
class RoomDirectory {
 public:
    /// Creates the folder where it is missing, locks it, reads the headers. Throws StartError.
    /// `durable_create`: create() syncs before it returns (all --fsync modes but never).
    RoomDirectory(std::filesystem::path folder, bool durable_create);
    ~RoomDirectory();

    [[nodiscard]] const Room* find(std::string_view name) const;
    [[nodiscard]] const Room* at(std::uint32_t number) const;
    [[nodiscard]] std::size_t size() const;
    /// Makes the room durable, then visible. May block on the disk for a millisecond or more.
    /// EEXIST where the name is taken, also by a creation that is still under way.
    [[nodiscard]] Result<const Room*> create(std::string_view name);
    /// The newest list, encoded once per version.
    [[nodiscard]] std::shared_ptr<const RoomList> list() const;
    /// Version of the newest list without building it; a relaxed load.
    [[nodiscard]] std::uint64_t list_version() const noexcept;
    /// The room's log, opened where it is not. May block on the disk. One owner at a time holds it.
    [[nodiscard]] Result<std::shared_ptr<RoomLog>> open_log(const Room& room);
    /// Open logs, damaged rooms: for metrics.
    [[nodiscard]] std::size_t open_logs() const;
};

}  // namespace ringside
