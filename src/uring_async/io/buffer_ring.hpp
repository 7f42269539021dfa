#pragma once

#include <cstddef>
#include <cstdint>

#include "common/result.hpp"
#include "uring_async/io/ring.hpp"

namespace ringside::uring {

// Receive buffers that the kernel takes from when data is there (5.19), so that an idle connection
// holds none. One memory mapping: the ring of free buffers, which the kernel reads, then the
// buffers.
class BufferRing {
 public:
    static constexpr std::uint16_t group = 0;  // the buf_group of requests that take from it

    /// `buffers` a power of two up to 32768. Errors: those of the registration.
    [[nodiscard]] static Result<BufferRing> make(Ring& ring, std::uint32_t buffers,
                                                 std::uint32_t buffer_bytes);
    BufferRing(BufferRing&& other) noexcept;
    BufferRing& operator=(BufferRing&&) = delete;
    /// After the ring is gone, or the kernel might still fill a buffer.
    ~BufferRing();

    [[nodiscard]] const char* data(std::uint16_t buffer) const noexcept {
        return buffers_ + std::size_t{buffer} * buffer_bytes_;
    }
    [[nodiscard]] std::uint32_t buffer_bytes() const noexcept { return buffer_bytes_; }

    /// Makes a buffer free again; the kernel sees it at the next publish().
    void give_back(std::uint16_t buffer) noexcept;
    void publish() noexcept;

 private:
    BufferRing() noexcept = default;

    io_uring_buf* entries_ = nullptr;  // start of the mapping; null after a move
    std::size_t mapped_bytes_ = 0;
    char* buffers_ = nullptr;
    std::uint32_t buffer_bytes_ = 0;
    std::uint32_t mask_ = 0;
    std::uint16_t tail_ = 0;  // ours; published to the kernel's
};

}  // namespace ringside::uring
