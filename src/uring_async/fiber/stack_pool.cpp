#include "uring_async/fiber/stack_pool.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace ringside::fiber {

namespace {

// Linux 6.13; headers of Debian 12 lack it. The guard is a mark in the page table: it splits no
// mapping and survives MADV_DONTNEED.
constexpr int madv_guard_install = 102;

constexpr std::size_t slab_stacks = 64;

/// 0 … mprotect_guards_max: guards by mprotect that exist in all pools. A bound, not a promise to
/// anybody, so every access is relaxed.
std::atomic<std::size_t> mprotect_guards{0};

std::size_t page_bytes() noexcept {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

char* map(std::size_t bytes) noexcept {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

bool kernel_installs_guards() noexcept {
    char* const page = map(page_bytes());
    if (page == nullptr) return false;
    const bool installed = ::madvise(page, page_bytes(), madv_guard_install) == 0;
    ::munmap(page, page_bytes());
    return installed;
}

}  // namespace

StackPool::Guard StackPool::best_guard() noexcept {
    static const Guard best = kernel_installs_guards() ? Guard::install : Guard::mprotect;
    return best;
}

StackPool::StackPool(std::size_t stack_bytes, Guard guard)
    : guard_bytes_(page_bytes()),
      stack_bytes_((stack_bytes + guard_bytes_ - 1) / guard_bytes_ * guard_bytes_),
      guard_(guard) {
    RINGSIDE_ASSERT(stack_bytes > 0);
}

StackPool::~StackPool() {
    RINGSIDE_ASSERT(in_use_ == 0);
    for (char* const slab : slabs_)
        ::munmap(slab, slab_stacks * stride());
    mprotect_guards.fetch_sub(mprotect_guards_, std::memory_order_relaxed);
}

void StackPool::trim(std::size_t keep) noexcept {
    for (std::size_t n = 0; n < trim_max && trimmed_ + keep < idle_.size(); ++n) {
        ::madvise(idle_[trimmed_], stack_bytes_, MADV_DONTNEED);
        ++trimmed_;
    }
}

char* StackPool::carve() {
    if (fresh_stacks_ == 0) add_slab();
    char* const guard_page = fresh_;
    install_guard(guard_page);
    fresh_ += stride();
    --fresh_stacks_;
    return guard_page + guard_bytes_;
}

void StackPool::add_slab() {
    slabs_.reserve(slabs_.size() + 1);
    idle_.reserve((slabs_.size() + 1) * slab_stacks);
    char* const slab = map(slab_stacks * stride());
    if (slab == nullptr) throw std::bad_alloc();
    // With transparent huge pages the first touch of a stack would cost 2 MiB.
    ::madvise(slab, slab_stacks * stride(), MADV_NOHUGEPAGE);
    slabs_.push_back(slab);
    fresh_ = slab;
    fresh_stacks_ = slab_stacks;
}

void StackPool::install_guard(char* page) noexcept {
    if (guard_ == Guard::install && ::madvise(page, guard_bytes_, madv_guard_install) == 0) return;
    if (mprotect_guards.fetch_add(1, std::memory_order_relaxed) < mprotect_guards_max &&
        ::mprotect(page, guard_bytes_, PROT_NONE) == 0) {
        ++mprotect_guards_;
        return;
    }
    mprotect_guards.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace ringside::fiber
