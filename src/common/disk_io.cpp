#include "common/disk_io.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/assert.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

namespace {

// Well below IOV_MAX (1024); a commit has as many pieces as segments, so one call is the rule.
constexpr std::size_t pieces_per_call = 64;

/// The unwritten rest of a scattered write.
struct Remaining {
    std::span<const std::string_view> pieces;
    std::size_t taken_of_first = 0;

    int fill(iovec* vectors) const noexcept {
        const std::size_t count = std::min(pieces.size(), pieces_per_call);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view piece = pieces[i].substr(i == 0 ? taken_of_first : 0);
            // iovec is shared with readv and so not const; pwritev only reads.
            vectors[i] = iovec{const_cast<char*>(piece.data()), piece.size()};
        }
        return static_cast<int>(count);
    }

    void take(std::size_t bytes) noexcept {
        while (!pieces.empty() && bytes >= pieces.front().size() - taken_of_first) {
            bytes -= pieces.front().size() - taken_of_first;
            taken_of_first = 0;
            pieces = pieces.subspan(1);
        }
        RINGSIDE_ASSERT(!pieces.empty() || bytes == 0);
        taken_of_first += bytes;
    }
};

}  // namespace

Result<std::size_t> read_fully(int fd, char* out, std::size_t size, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
        if (got == 0) break;
        if (got < 0) {
            if (errno == EINTR) continue;
            return std::unexpected(last_error("pread"));
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Result<void> write_fully(int fd, std::span<const std::string_view> pieces,
                         std::uint64_t offset) noexcept {
    Remaining rest{pieces};
    rest.take(0);  // empty pieces at the front would look like a write that got nowhere
    iovec vectors[pieces_per_call];
    while (!rest.pieces.empty()) {
        const int count = rest.fill(vectors);
        const ssize_t put = ::pwritev(fd, vectors, count, static_cast<off_t>(offset));
        if (put < 0) {
            if (errno == EINTR) continue;
            return std::unexpected(last_error("pwritev"));
        }
        // A short write is followed by one that says why: ENOSPC, EFBIG, EIO.
        if (put == 0) return std::unexpected(Error{EIO, "pwritev"});
        rest.take(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return {};
}

Result<void> write_fully(int fd, std::string_view bytes, std::uint64_t offset) noexcept {
    return write_fully(fd, std::span<const std::string_view>(&bytes, 1), offset);
}

Result<void> truncate_file(int fd, std::uint64_t size) noexcept {
    while (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
        if (errno != EINTR) return std::unexpected(last_error("ftruncate"));
    }
    return {};
}

Result<std::uint64_t> file_bytes(int fd) noexcept {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::unexpected(last_error("fstat"));
    return static_cast<std::uint64_t>(status.st_size);
}

Result<void> sync_folder(const std::filesystem::path& folder) noexcept {
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return std::unexpected(last_error("open folder"));
    if (::fsync(fd.get()) != 0) return std::unexpected(last_error("fsync folder"));
    return {};
}

}  // namespace ringside
