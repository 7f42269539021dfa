#include "common/room_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>

#include "common/assert.hpp"
#include "common/disk_io.hpp"
#include "common/wire.hpp"

namespace ringside {

namespace fs = std::filesystem;

namespace {

constexpr const char* lock_name = ".lock";

std::uint64_t random_epoch() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

RoomDirectory::RoomDirectory(fs::path folder, bool durable_create)
    : folder_(std::move(folder)), durable_create_(durable_create) {
    make_folder();
    lock_folder();
    scan_folder();
}

void RoomDirectory::make_folder() {
    std::vector<fs::path> made;
    std::error_code failed;
    for (fs::path path = fs::absolute(folder_);
         !fs::exists(path, failed) && path.has_relative_path(); path = path.parent_path()) {
        made.push_back(path);
    }
    fs::create_directories(folder_, failed);
    if (failed) {
        throw StartError("cannot create the data folder " + folder_.string() + " (" +
                         failed.message() + "): give another with --data");
    }
    if (!durable_create_) return;
    // A durable room in a folder that a power cut takes would be no good.
    for (const fs::path& path : made) {
        if (const auto synced = sync_folder(path.parent_path()); !synced) {
            throw StartError("cannot create the data folder " + folder_.string() + " (" +
                             synced.error().text() + "): give another with --data");
        }
    }
}

void RoomDirectory::lock_folder() {
    const std::string path = (folder_ / lock_name).string();
    lock_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    // The lock file may be there from a time when the folder could still be written.
    if (!lock_ || ::access(folder_.c_str(), W_OK) != 0) {
        throw StartError("cannot write in the data folder " + folder_.string() + " (" +
                         last_error("open .lock").text() +
                         "): make it writable or give another with --data");
    }
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
    throw StartError("the data folder " + folder_.string() +
                     " is in use by another server: stop that one or give another with --data");
}

// Reads headers only; the order of their numbers is the order of creation.
void RoomDirectory::scan_folder() {
    std::vector<HistoryHeader> headers;
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, failed)) {
        const fs::path& path = entry.path();
        if (path.filename().string().starts_with(history_temporary_prefix)) {
            std::error_code ignored;  // a creation that a crash cut off; the next start tries again
            fs::remove(path, ignored);
            continue;
        }
        if (path.extension() != ".chat") continue;
        Result<HistoryHeader> header = HistoryFile::read_header(path);
        if (!header) {
            warnings_.push_back("not offered as a room: " + path.string() + ": " +
                                header.error().text());
        } else if (HistoryFile::file_stem(header->room) != path.stem().string()) {
            warnings_.push_back("not offered as a room: " + path.string() +
                                " holds the room of another file");
        } else {
            headers.push_back(std::move(*header));
        }
    }
    if (failed) {
        throw StartError("cannot read the data folder " + folder_.string() + " (" +
                         failed.message() + "): make it readable or give another with --data");
    }
    std::sort(headers.begin(), headers.end(), [](const auto& left, const auto& right) {
        return std::tie(left.number, left.room) < std::tie(right.number, right.room);
    });
    for (HistoryHeader& header : headers)
        add_room(std::move(header.room));
    if (!headers.empty()) next_number_ = headers.back().number + 1;
}

void RoomDirectory::add_room(std::string name) {
    rooms_.push_back(Room{static_cast<std::uint32_t>(rooms_.size()), std::move(name)});
    by_name_.emplace(rooms_.back().name, &rooms_.back());
}

const Room* RoomDirectory::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

const Room* RoomDirectory::at(std::uint32_t number) const {
    const std::lock_guard lock(mutex_);
    return number < rooms_.size() ? &rooms_[number] : nullptr;
}

std::size_t RoomDirectory::size() const {
    const std::lock_guard lock(mutex_);
    return rooms_.size();
}

Result<const Room*> RoomDirectory::create(std::string_view name) {
    const std::lock_guard one_at_a_time(create_mutex_);
    if (find(name) != nullptr) return std::unexpected(Error{EEXIST, "create room"});
    const HistoryHeader header{std::string(name), random_epoch(), next_number_};
    if (auto made = HistoryFile::create(folder_, header, durable_create_); !made) {
        // A file of that name that is no room: scan_folder() said what is the matter with it.
        if (made.error().code == EEXIST) {
            return std::unexpected(Error{EBADMSG, "create room over a damaged file"});
        }
        return std::unexpected(made.error());
    }
    ++next_number_;
    const std::lock_guard lock(mutex_);
    add_room(header.room);
    version_.fetch_add(1, std::memory_order_relaxed);
    return &rooms_.back();
}

std::shared_ptr<const RoomList> RoomDirectory::list() const {
    const std::lock_guard lock(mutex_);
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    if (list_ != nullptr && list_->version == version) return list_;
    std::string names;
    for (const Room& room : rooms_)
        names.append(room.name).push_back('\n');
    auto list = std::make_shared<RoomList>();
    list->version = version;
    append_server_frame(list->frame, Request::get_chats, Status::success, names);
    list_ = std::move(list);
    return list_;
}

void RoomDirectory::Quarantine::add(std::uint32_t number, const Error& why) {
    const std::lock_guard lock(mutex);
    rooms.emplace(number, why);
}

Error RoomDirectory::Quarantine::why(std::uint32_t number) {
    const std::lock_guard lock(mutex);
    const auto found = rooms.find(number);
    return found == rooms.end() ? Error{} : found->second;
}

Result<std::shared_ptr<HistoryFile>> RoomDirectory::open_file(const Room& room,
                                                              HistoryFile::Recovery& recovery) {
    if (const Error why = quarantine_->why(room.number); why.code != 0) {
        return std::unexpected(why);
    }
    Result<std::shared_ptr<HistoryFile>> file = HistoryFile::open(folder_, room.name, recovery);
    if (!file) {
        if (file.error().code == EBADMSG) quarantine_->add(room.number, file.error());
        return file;
    }
    // Whoever lets go of the file last looks at how its syncs went.
    HistoryFile* const bare = file->get();
    return std::shared_ptr<HistoryFile>(bare, [file = std::move(*file), quarantine = quarantine_,
                                               number = room.number](HistoryFile*) mutable {
        if (file->sync_failed()) quarantine->add(number, Error{EIO, "an earlier sync failed"});
        file.reset();
    });
}

Result<std::shared_ptr<RoomLog>> RoomDirectory::open_log(const Room& room) {
    std::shared_ptr<RoomLog> let_go;  // closed after the lock is released
    {
        const std::lock_guard lock(mutex_);
        if (std::shared_ptr<RoomLog> log = open_[room.number].lock()) {
            let_go = keep_open(room.number, log);
            return log;
        }
    }
    HistoryFile::Recovery recovery;
    Result<std::shared_ptr<HistoryFile>> file = open_file(room, recovery);
    if (!file) return std::unexpected(file.error());
    auto log = std::make_shared<RoomLog>(std::move(*file));

    const std::lock_guard lock(mutex_);
    RINGSIDE_ASSERT(open_[room.number].expired());
    open_[room.number] = log;
    let_go = keep_open(room.number, log);
    if (recovery.cut_bytes != 0 || recovery.rebuilt_entries != 0) {
        repairs_.push_back({room.name, recovery});
    }
    return log;
}

std::shared_ptr<RoomLog> RoomDirectory::keep_open(std::uint32_t number,
                                                  std::shared_ptr<RoomLog> log) {
    const auto kept = std::ranges::find(used_last_, number, &KeptLog::first);
    if (kept != used_last_.end()) {
        used_last_.splice(used_last_.begin(), used_last_, kept);
        return nullptr;
    }
    used_last_.emplace_front(number, std::move(log));
    if (used_last_.size() <= idle_open_rooms_max) return nullptr;
    std::shared_ptr<RoomLog> let_go = std::move(used_last_.back().second);
    used_last_.pop_back();
    return let_go;
}

std::vector<RoomRepair> RoomDirectory::take_repairs() {
    const std::lock_guard lock(mutex_);
    return std::exchange(repairs_, {});
}

}  // namespace ringside
