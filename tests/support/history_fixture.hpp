#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/history_file.hpp"
#include "common/wire.hpp"
#include "support/temp_folder.hpp"

namespace ringside::test {

inline constexpr std::string_view noon = "12:34:56 07/08/26";
inline constexpr std::uint64_t second = 1'000'000'000;  // in ns

inline std::string message_frame(std::string_view user, std::string_view text) {
    std::string frame(message_frame_bytes(user, noon, text), '\0');
    store_message_frame(frame.data(), user, noon, text);
    return frame;
}

/// Appends frames as one commit does.
inline Result<void> append_frames(HistoryFile& file, const std::vector<std::string>& frames,
                                  std::int64_t wall_ns = 1) {
    std::vector<std::string_view> pieces(frames.begin(), frames.end());
    std::vector<IndexEntry> entries;
    std::uint64_t end = file.end();
    for (const std::string& frame : frames) {
        end += frame.size();
        entries.push_back({.end = end, .wall_ns = wall_ns, .crc = crc32c(frame)});
    }
    return file.append(pieces, entries);
}

inline std::string all_bytes(const HistoryFile& file) {
    std::string bytes(file.end(), '\0');
    const auto got = file.read(0, bytes.data(), bytes.size());
    bytes.resize(got.value_or(0));
    return bytes;
}

/// A folder with one room in it.
struct RoomFiles {
    TempFolder folder;
    std::string room = "general";
    std::filesystem::path chat = folder / "general.chat";
    std::filesystem::path index = folder / "general.idx";
    HistoryFile::Recovery recovery;

    RoomFiles() { created = HistoryFile::create(folder.path(), {room, 42, 7}, false).has_value(); }
    Result<std::shared_ptr<HistoryFile>> open() {
        return HistoryFile::open(folder.path(), room, recovery);
    }
    bool created = false;
};

/// No file may grow beyond `bytes` while this lives: writes beyond it are cut short, then fail.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(std::uint64_t bytes) {
        handler_ = ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }

 private:
    rlimit before_{};
    sighandler_t handler_ = SIG_DFL;
};

}  // namespace ringside::test
