#include "uring_async/io/buffer_ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <utility>

#include "common/assert.hpp"

namespace ringside::uring {

namespace {

// Entry 0 has the ring's tail where the others have nothing (struct io_uring_buf_ring). That
// struct is not used itself: in C++ some kernel headers place its entries at the wrong offset.
static_assert(sizeof(io_uring_buf) == 16 && offsetof(io_uring_buf, resv) == 14);

}  // namespace

Result<BufferRing> BufferRing::make(Ring& ring, std::uint32_t buffers, std::uint32_t buffer_bytes) {
    RINGSIDE_ASSERT(buffers > 0 && buffers <= 32768 && (buffers & (buffers - 1)) == 0);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t ring_bytes = (buffers * sizeof(io_uring_buf) + page - 1) / page * page;
    BufferRing made;
    made.mapped_bytes_ = ring_bytes + std::size_t{buffers} * buffer_bytes;
    void* const memory = ::mmap(nullptr, made.mapped_bytes_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return std::unexpected(last_error("mmap receive buffers"));
    made.entries_ = static_cast<io_uring_buf*>(memory);
    made.buffers_ = static_cast<char*>(memory) + ring_bytes;
    made.buffer_bytes_ = buffer_bytes;
    made.mask_ = buffers - 1;

    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
    registration.ring_entries = buffers;
    registration.bgid = group;
    const int done = ::io_uring_register_buf_ring(ring.raw(), &registration, 0);
    if (done < 0) return std::unexpected(Error{-done, "io_uring_register buffers"});
    for (std::uint32_t i = 0; i < buffers; ++i)
        made.give_back(static_cast<std::uint16_t>(i));
    made.publish();
    return made;
}

BufferRing::BufferRing(BufferRing&& other) noexcept
    : entries_(std::exchange(other.entries_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      buffers_(other.buffers_),
      buffer_bytes_(other.buffer_bytes_),
      mask_(other.mask_),
      tail_(other.tail_) {}

BufferRing::~BufferRing() {
    if (entries_ != nullptr) ::munmap(entries_, mapped_bytes_);
}

void BufferRing::give_back(std::uint16_t buffer) noexcept {
    RINGSIDE_ASSERT(buffer <= mask_);
    io_uring_buf& entry = entries_[tail_ & mask_];
    entry.addr = reinterpret_cast<std::uint64_t>(data(buffer));
    entry.len = buffer_bytes_;
    entry.bid = buffer;
    ++tail_;
}

void BufferRing::publish() noexcept {
    // release: pairs with the kernel's acquire of the tail; the entries are written before it.
    __atomic_store_n(&entries_[0].resv, tail_, __ATOMIC_RELEASE);
}

}  // namespace ringside::uring
