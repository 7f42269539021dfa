#include "support/allocation_count.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocations_ = 0;
thread_local std::size_t largest_ = 0;

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations_;
    largest_ = std::max(largest_, size);
    return std::malloc(size);
}

void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace ringside::test {

AllocationCount::AllocationCount() noexcept : start_(allocations_) {
    largest_ = 0;
}

std::size_t AllocationCount::allocations() const noexcept {
    return allocations_ - start_;
}

std::size_t AllocationCount::largest() noexcept {
    return largest_;
}

}  // namespace ringside::test
