#include "uring_async/fiber/fiber.hpp"

#include <new>
#include <vector>

#include "common/assert.hpp"
#include "uring_async/fiber/switch.hpp"

namespace ringside::fiber {

namespace context = boost::context::detail;

namespace {

constexpr std::size_t cache_line_bytes = 64;

/// TSan's contexts of a thread's ended fibers, kept for the next ones: making one takes it a
/// millisecond. Without TSan nobody calls it, but a build that is not optimised links it all the
/// same.
class RaceContexts {
 public:
    ~RaceContexts() {
        if constexpr (with_tsan) {
            for (void* const context : idle_)
                __tsan_destroy_fiber(context);
        }
    }
    [[nodiscard]] void* take() {
        if constexpr (with_tsan) {
            if (idle_.empty()) return __tsan_create_fiber(0);
        }
        void* const context = idle_.back();
        idle_.pop_back();
        return context;
    }
    void give_back(void* context) { idle_.push_back(context); }

 private:
    std::vector<void*> idle_;
};

[[maybe_unused]] RaceContexts& race_contexts() {
    thread_local RaceContexts contexts;
    return contexts;
}

}  // namespace

/// The first frame on a fiber's stack. TSan does not see it: it never returns, so each fiber would
/// leave an entry behind on the shadow stack of a context that is used again.
struct FiberStart {
    [[noreturn, gnu::no_sanitize("thread")]] static void run(context::transfer_t from) noexcept {
        void** frame = static_cast<void**>(__builtin_frame_address(0));
        frame[0] = nullptr;
        frame[1] = nullptr;

        Fiber& fiber = *static_cast<Fiber*>(from.data);
        if constexpr (with_asan) {
            __sanitizer_finish_switch_fiber(nullptr, &fiber.loop_stack_bottom_,
                                            &fiber.loop_stack_bytes_);
        }
        fiber.other_side_ = from.fctx;
        fiber.entry_(fiber.argument_);
        RINGSIDE_ASSERT(fiber.state == Fiber::State::running);
        fiber.state = Fiber::State::done;
        fiber.leave();
        __builtin_unreachable();
    }
};

Fiber& Fiber::create(const Stack& stack, Entry entry, void* argument) noexcept {
    const std::size_t object_bytes =
        (sizeof(Fiber) + cache_line_bytes - 1) / cache_line_bytes * cache_line_bytes;
    RINGSIDE_ASSERT(stack.bytes > object_bytes);
    char* const top = stack.bottom + stack.bytes - object_bytes;
    Fiber* const fiber = new (top) Fiber(stack, entry, argument);
    fiber->other_side_ =
        context::make_fcontext(top, static_cast<std::size_t>(top - stack.bottom), FiberStart::run);
    if constexpr (with_tsan) fiber->race_context_ = race_contexts().take();
    return *fiber;
}

Stack Fiber::release() noexcept {
    RINGSIDE_ASSERT(state == State::done);
    RINGSIDE_ASSERT(exceptions_.caught == nullptr && exceptions_.uncaught == 0);
    const Stack stack = stack_;
    if constexpr (with_tsan) race_contexts().give_back(race_context_);
    if constexpr (with_asan) __asan_unpoison_memory_region(stack.bottom, stack.bytes);
    return stack;
}

bool Fiber::on_own_stack() const noexcept {
    const char* const frame = static_cast<const char*>(__builtin_frame_address(0));
    return frame >= stack_.bottom && frame < stack_.bottom + stack_.bytes;
}

}  // namespace ringside::fiber
