#include "uring_async/io/ring.hpp"

#include <csignal>
#include <expected>

namespace ringside::uring {

Result<std::unique_ptr<Ring>> Ring::make(const Sizes& sizes, bool deferred) {
    std::unique_ptr<Ring> ring(new Ring);
    io_uring_params parameters{};
    parameters.flags =
        setup_flags_common | (deferred ? setup_flags_deferred : setup_flags_cooperative);
    parameters.cq_entries = sizes.completions;
    const int made = ::io_uring_queue_init_params(sizes.submissions, &ring->ring_, &parameters);
    if (made < 0) {
        ring->ring_.ring_fd = -1;
        return std::unexpected(Error{-made, "io_uring_setup"});
    }
    // 5.18: enter() finds the ring without looking its descriptor up in a shared table. Only a
    // little slower without, so a refusal is no matter.
    if (::io_uring_register_ring_fd(&ring->ring_) == 1) {
        ring->enter_flags_ = IORING_ENTER_REGISTERED_RING;
    }
    // 5.11: the wait takes a time-out.
    if (!ring->has_feature(IORING_FEAT_EXT_ARG)) {
        return std::unexpected(Error{EINVAL, "io_uring_setup"});
    }
    return ring;
}

Ring::~Ring() {
    if (ring_.ring_fd >= 0) ::io_uring_queue_exit(&ring_);
}

unsigned Ring::publish_submissions() noexcept {
    io_uring_sq& queue = ring_.sq;
    // As __io_uring_flush_sq() of liburing does, which is not exported.
    queue.sqe_head = queue.sqe_tail;
    // release: the kernel reads the entries after the tail. It does so inside enter(), in this
    // thread, so the order costs nothing and is for the reader.
    __atomic_store_n(queue.ktail, queue.sqe_tail, __ATOMIC_RELEASE);
    return queue.sqe_tail - __atomic_load_n(queue.khead, __ATOMIC_ACQUIRE);
}

int Ring::enter(unsigned submissions, unsigned wait_for, unsigned flags,
                io_uring_getevents_arg* argument) noexcept {
    const auto fd = static_cast<unsigned>(ring_.enter_ring_fd);
    auto* const opaque = reinterpret_cast<sigset_t*>(argument);  // with EXT_ARG it is no signal set
    const std::size_t bytes = argument == nullptr ? _NSIG / 8 : sizeof *argument;
    return ::io_uring_enter2(fd, submissions, wait_for, flags | enter_flags_, opaque, bytes);
}

int Ring::submit() noexcept {
    const unsigned submissions = publish_submissions();
    return submissions == 0 ? 0 : enter(submissions, 0, 0, nullptr);
}

int Ring::submit_and_wait(std::uint64_t timeout_ns) noexcept {
    __kernel_timespec timeout{};
    timeout.tv_sec = static_cast<std::int64_t>(timeout_ns / 1'000'000'000);
    timeout.tv_nsec = static_cast<long long>(timeout_ns % 1'000'000'000);
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    if (timeout_ns != UINT64_MAX) argument.ts = reinterpret_cast<std::uint64_t>(&timeout);
    const unsigned wait_for = timeout_ns == 0 ? 0 : 1;
    return enter(publish_submissions(), wait_for, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                 &argument);
}

bool Ring::has_completions() const noexcept {
    // acquire: pairs with the kernel's release of the tail after it wrote the completions.
    return *ring_.cq.khead != __atomic_load_n(ring_.cq.ktail, __ATOMIC_ACQUIRE);
}

bool Ring::pop(Completion& completion) noexcept {
    if (!has_completions()) return false;
    const unsigned head = *ring_.cq.khead;
    const io_uring_cqe& cqe = ring_.cq.cqes[head & ring_.cq.ring_mask];
    completion = {cqe.user_data, cqe.res, cqe.flags};
    // release: the kernel may overwrite the entry only after it was read.
    __atomic_store_n(ring_.cq.khead, head + 1, __ATOMIC_RELEASE);
    return true;
}

}  // namespace ringside::uring
