#pragma once

#include <cstddef>

namespace ringside::test {

/// What operator new handed out to this thread since the object was made: for tests that promise to
/// allocate nothing, or nothing that a peer chose. Link allocation_count.cpp into the test program.
class AllocationCount {
 public:
    AllocationCount() noexcept;
    [[nodiscard]] std::size_t allocations() const noexcept;
    /// Size of the largest single one.
    [[nodiscard]] static std::size_t largest() noexcept;

 private:
    std::size_t start_;
};

}  // namespace ringside::test
