#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::fiber {

/// The memory of one stack: [bottom, bottom + bytes), growing down from its end.
struct Stack {
    char* bottom = nullptr;
    std::size_t bytes = 0;
};

// Stacks of one size, cut from slabs and reused last-in first-out so that hot ones stay cached.
// Each has a guard page below it: by MADV_GUARD_INSTALL (Linux 6.13) where the kernel has it, else
// by mprotect for the first `mprotect_guards_max` stacks (each guard costs two of the process'
// vm.max_map_count mappings). Thread-confined.
class StackPool {
 public:
    static constexpr std::size_t default_stack_bytes = std::size_t{64} * 1024;

    explicit StackPool(std::size_t stack_bytes = default_stack_bytes);
    ~StackPool();
    StackPool(const StackPool&) = delete;
    StackPool& operator=(const StackPool&) = delete;

    /// Throws std::bad_alloc where the kernel gives no memory.
    [[nodiscard]] Stack take();
    void give_back(Stack stack) noexcept;
    /// Stacks in use now, and the most there ever were at once.
    [[nodiscard]] std::size_t in_use() const noexcept;
    [[nodiscard]] std::size_t high_water() const noexcept;
    /// Returns the memory of stacks that lie idle beyond `keep` to the kernel (MADV_DONTNEED).
    void trim(std::size_t keep) noexcept;
};

}  // namespace ringside::fiber
