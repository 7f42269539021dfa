#include "common/history_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "common/assert.hpp"
#include "common/disk_io.hpp"
#include "common/history_format.hpp"
#include "common/history_recovery.hpp"
#include "common/limits.hpp"

namespace ringside {

namespace {

// What people say is theirs: nobody but the server's user and group reads it.
constexpr mode_t file_mode = 0640;

std::uint64_t next_identity() noexcept {
    // Values: 1, 2, 3, …; relaxed, only uniqueness counts.
    static std::atomic<std::uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t index_offset(std::uint64_t entries) noexcept {
    return index_header_bytes + entries * index_entry_bytes;
}

std::uint64_t bytes_of(std::span<const std::string_view> pieces) noexcept {
    std::uint64_t bytes = 0;
    for (const std::string_view piece : pieces)
        bytes += piece.size();
    return bytes;
}

/// A file of create(), under its temporary name until renamed; removed again if it never was.
class NewFile {
 public:
    explicit NewFile(std::filesystem::path path) : path_(std::move(path)) {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (exists_) ::unlink(path_.c_str());
    }

    Result<void> write(std::string_view bytes, bool durable) {
        const UniqueFd fd(
            ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
        if (!fd) return std::unexpected(last_error("create history"));
        exists_ = true;
        if (auto written = write_fully(fd.get(), bytes, 0); !written) return written;
        if (durable && ::fdatasync(fd.get()) != 0) {
            return std::unexpected(last_error("fdatasync"));
        }
        return {};
    }

    Result<void> rename_to(const std::filesystem::path& path) {
        if (::rename(path_.c_str(), path.c_str()) != 0) {
            return std::unexpected(last_error("rename history"));
        }
        path_ = path;
        return {};
    }

    /// EEXIST where `path` exists.
    Result<void> rename_to_new(const std::filesystem::path& path) {
        if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
            path_ = path;
            return {};
        }
        if (errno != EINVAL && errno != ENOSYS) {
            return std::unexpected(last_error("rename history"));
        }
        // A file system without NOREPLACE. The folder is locked by its one server, which creates
        // one room at a time, so nobody makes the file between the two calls.
        if (::access(path.c_str(), F_OK) == 0) {
            return std::unexpected(Error{EEXIST, "rename history"});
        }
        return rename_to(path);
    }

    void keep() noexcept { exists_ = false; }

 private:
    std::filesystem::path path_;
    bool exists_ = false;  // true exactly while the file at path_ is ours to remove
};

}  // namespace

std::string HistoryFile::file_stem(std::string_view room) {
    static constexpr std::string_view hex = "0123456789ABCDEF";
    std::string stem;
    stem.reserve(room.size() * 3);
    for (const char c : room) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (plain) {
            stem += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        stem += {'%', hex[byte >> 4U], hex[byte & 15U]};
    }
    return stem;
}

Result<void> HistoryFile::create(const std::filesystem::path& folder, const HistoryHeader& header,
                                 bool durable) {
    const std::string stem = file_stem(header.room);
    const HeaderBytes chat_bytes = encode_header(header);
    const IndexHeaderBytes index_bytes = encode_index_header(header.epoch);

    NewFile chat(folder / (std::string(history_temporary_prefix) + stem + ".chat"));
    NewFile index(folder / (std::string(history_temporary_prefix) + stem + ".idx"));
    const auto each_step = [&]() -> Result<void> {
        if (auto r = chat.write({chat_bytes.data(), chat_bytes.size()}, durable); !r) return r;
        if (auto r = index.write({index_bytes.data(), index_bytes.size()}, durable); !r) return r;
        // The room exists when its chat file does; an index without one is a leftover.
        if (auto r = chat.rename_to_new(folder / (stem + ".chat")); !r) return r;
        if (auto r = index.rename_to(folder / (stem + ".idx")); !r) return r;
        return durable ? sync_folder(folder) : Result<void>{};
    };
    auto result = each_step();
    if (result) {
        chat.keep();
        index.keep();
    }
    return result;
}

Result<HistoryHeader> HistoryFile::read_header(const std::filesystem::path& chat_file) {
    const UniqueFd fd(::open(chat_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::unexpected(last_error("open history"));
    char bytes[history_header_bytes];
    const auto got = read_fully(fd.get(), bytes, sizeof bytes, 0);
    if (!got) return std::unexpected(got.error());
    return decode_header({bytes, *got});
}

Result<std::shared_ptr<HistoryFile>> HistoryFile::open(const std::filesystem::path& folder,
                                                       std::string_view room, Recovery& recovery) {
    recovery = {};
    const std::string stem = file_stem(room);
    UniqueFd chat(::open((folder / (stem + ".chat")).c_str(), O_RDWR | O_CLOEXEC));
    if (!chat) return std::unexpected(last_error("open history"));
    char bytes[history_header_bytes];
    const auto got = read_fully(chat.get(), bytes, sizeof bytes, 0);
    if (!got) return std::unexpected(got.error());
    const auto header = decode_header({bytes, *got});
    if (!header) return std::unexpected(header.error());
    if (header->room != room) {
        return std::unexpected(Error{EBADMSG, "history header: another room's"});
    }
    const std::filesystem::path index_path = folder / (stem + ".idx");
    UniqueFd index(::open(index_path.c_str(), O_RDWR | O_CLOEXEC));
    const bool index_missing = !index && errno == ENOENT;
    if (index_missing) {
        index.reset(::open(index_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
    }
    if (!index) return std::unexpected(last_error("open history index"));

    const auto state = recover_history(chat.get(), index.get(), header->epoch, recovery);
    if (!state) {
        if (index_missing) ::unlink(index_path.c_str());
        return std::unexpected(state.error());
    }
    return std::make_shared<HistoryFile>(std::move(chat), std::move(index), header->epoch, *state);
}

HistoryFile::HistoryFile(UniqueFd chat, UniqueFd index, std::uint64_t epoch,
                         const State& state) noexcept
    : chat_(std::move(chat)),
      index_(std::move(index)),
      epoch_(epoch),
      identity_(next_identity()),
      end_(state.end),
      synced_(state.synced),
      entries_written_(state.message_count),
      message_count_(state.message_count) {
    RINGSIDE_ASSERT(state.synced <= state.end);
}

HistoryFile::~HistoryFile() {
    static_cast<void>(write_entries());
}

void HistoryFile::keep_entries(std::span<const IndexEntry> entries) {
    const std::uint64_t synced = synced_.load(std::memory_order_relaxed);
    std::uint64_t previous_end = end();
    const std::lock_guard lock(entries_mutex_);
    std::size_t at = entries_waiting_.size();
    if (at == 0) entries_waiting_.reserve(index_entries_waiting_max * index_entry_bytes);
    entries_waiting_.resize(at + entries.size() * index_entry_bytes);
    for (IndexEntry entry : entries) {
        RINGSIDE_ASSERT(entry.end > previous_end);
        previous_end = entry.end;
        entry.synced = synced;
        encode_entry(entry, entries_waiting_.data() + at);
        at += index_entry_bytes;
    }
    entries_due_ = at >= index_entries_waiting_max * index_entry_bytes;
}

Result<void> HistoryFile::write_entries() noexcept {
    const std::lock_guard lock(entries_mutex_);
    if (entries_waiting_.empty()) return {};
    const std::uint64_t offset = index_offset(entries_written_);
    if (auto written = write_fully(index_.get(), entries_waiting_, offset); !written) {
        return written;
    }
    entries_written_ += entries_waiting_.size() / index_entry_bytes;
    entries_waiting_.clear();
    return {};
}

Result<void> HistoryFile::append(std::span<const std::string_view> pieces,
                                 std::span<const IndexEntry> entries) {
    RINGSIDE_ASSERT(!pieces.empty() && !entries.empty());
    RINGSIDE_ASSERT(bytes_of(pieces) == entries.back().end - end());
    if (append_error_.code != 0) return std::unexpected(append_error_);
    if (entries_due_) {
        if (auto written = write_entries(); !written) return written;
        entries_due_ = false;
    }
    // Frames first: an entry never names bytes that are not there.
    if (auto frames = write_fully(chat_.get(), pieces, history_header_bytes + end()); !frames) {
        return undo_append(frames.error());
    }
    keep_entries(entries);
    message_count_ += entries.size();
    end_.store(entries.back().end, std::memory_order_release);  // pairs with sync()
    return {};
}

Result<void> HistoryFile::undo_append(const Error& cause) noexcept {
    if (const auto cut = truncate_file(chat_.get(), history_header_bytes + end()); !cut) {
        append_error_ = cut.error();
    }
    return std::unexpected(cause);
}

Result<std::size_t> HistoryFile::read(std::uint64_t position, char* out,
                                      std::size_t size) const noexcept {
    return read_fully(chat_.get(), out, size, history_header_bytes + position);
}

std::optional<std::uint64_t> HistoryFile::begin_sync() noexcept {
    const std::uint64_t covered = end_.load(std::memory_order_acquire);  // pairs with append()
    if (!write_entries()) return std::nullopt;
    const std::lock_guard lock(entries_mutex_);
    if (entries_waiting_.empty()) std::string().swap(entries_waiting_);  // rooms are many
    return covered;
}

Result<void> HistoryFile::sync() noexcept {
    if (sync_error_.code != 0) return std::unexpected(sync_error_);
    const std::optional<std::uint64_t> covered = begin_sync();
    if (::fdatasync(chat_.get()) != 0 || ::fdatasync(index_.get()) != 0) {
        sync_error_ = last_error("fdatasync");
        return std::unexpected(sync_error_);
    }
    if (covered) synced_.store(*covered, std::memory_order_relaxed);
    return {};
}

bool HistoryFile::sync_together(std::span<HistoryFile* const> files, int file_system) noexcept {
    std::vector<std::optional<std::uint64_t>> covered;
    for (HistoryFile* file : files) {
        if (file->sync_error_.code != 0) return false;
        covered.push_back(file->begin_sync());
    }
    if (::syncfs(file_system) != 0) return false;
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (covered[i]) files[i]->synced_.store(*covered[i], std::memory_order_relaxed);
    }
    return true;
}

}  // namespace ringside
