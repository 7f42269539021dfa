#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/assert.hpp"

namespace ringside::fiber {

/// The memory of one stack: [bottom, bottom + bytes), growing down from its end.
struct Stack {
    char* bottom = nullptr;
    std::size_t bytes = 0;
};

// Stacks of one size, cut from slabs and reused last-in first-out so that hot ones stay cached.
// Each has a guard page below it: by MADV_GUARD_INSTALL (Linux 6.13) where the kernel has it, else
// by mprotect for the first `mprotect_guards_max` stacks of the process (each such guard costs two
// of its vm.max_map_count mappings); any beyond have none. Thread-confined.
class StackPool {
 public:
    static constexpr std::size_t default_stack_bytes = std::size_t{64} * 1024;
    /// A quarter of the kernel's default for vm.max_map_count (65,530).
    static constexpr std::size_t mprotect_guards_max = 8192;

    enum class Guard : std::uint8_t { install, mprotect };
    /// What this kernel offers; tried once per process.
    [[nodiscard]] static Guard best_guard() noexcept;

    /// `stack_bytes` is rounded up to whole pages.
    explicit StackPool(std::size_t stack_bytes = default_stack_bytes, Guard guard = best_guard());
    /// No stack is in use.
    ~StackPool();
    StackPool(const StackPool&) = delete;
    StackPool& operator=(const StackPool&) = delete;

    /// Throws std::bad_alloc where the kernel gives no memory.
    [[nodiscard]] Stack take() {
        char* bottom = nullptr;
        if (idle_.empty()) {
            bottom = carve();
        } else {
            bottom = idle_.back();
            idle_.pop_back();
            if (idle_.size() < trimmed_) trimmed_ = idle_.size();
        }
        ++in_use_;
        if (in_use_ > high_water_) high_water_ = in_use_;
        return {bottom, stack_bytes_};
    }
    /// Takes back a stack of this pool. Allocates nothing.
    void give_back(const Stack& stack) noexcept {
        RINGSIDE_ASSERT(in_use_ > 0);
        RINGSIDE_ASSERT(stack.bytes == stack_bytes_);
        RINGSIDE_ASSERT(idle_.size() < idle_.capacity());
        idle_.push_back(stack.bottom);
        --in_use_;
    }
    /// Stacks in use now, and the most there ever were at once.
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
    [[nodiscard]] std::size_t high_water() const noexcept { return high_water_; }
    static constexpr std::size_t trim_max = 256;
    /// Returns the memory of stacks that lie idle beyond `keep` to the kernel (MADV_DONTNEED), the
    /// longest unused first, and not more than trim_max at a time: a call takes some microseconds
    /// each. A stack that was returned already costs nothing again.
    void trim(std::size_t keep) noexcept;

 private:
    [[nodiscard]] std::size_t stride() const noexcept { return guard_bytes_ + stack_bytes_; }
    void add_slab();
    [[nodiscard]] char* carve();
    void install_guard(char* page) noexcept;

    std::size_t guard_bytes_;  // one page
    std::size_t stack_bytes_;
    Guard guard_;
    std::vector<char*> slabs_;
    char* fresh_ = nullptr;         // start of the newest slab's part that was never handed out
    std::size_t fresh_stacks_ = 0;  // stacks in that part
    std::vector<char*> idle_;       // bottoms, the last used at the end; has room for every stack
    std::size_t trimmed_ = 0;       // so many at the start of idle_ hold no memory
    std::size_t in_use_ = 0;
    std::size_t high_water_ = 0;
    std::size_t mprotect_guards_ = 0;  // this pool's share of the process' count
};

}  // namespace ringside::fiber
