#include "uring_async/chat/inbox.hpp"

#include <utility>

#include "common/assert.hpp"

namespace ringside::uring {

bool Inbox::post(LetterBatch& batch) {
    const std::lock_guard lock(mutex_);
    if (batch_.letters.empty()) {
        std::swap(batch_, batch);
    } else if (batch_.bytes.size() < inbox_bytes_max) {
        batch_.letters.insert(batch_.letters.end(), batch.letters.begin(), batch.letters.end());
        batch_.bytes.append(batch.bytes);
        batch.clear();
    } else {
        sender_waits_ = true;
        return false;
    }
    filled_.store(true, std::memory_order_release);
    return true;
}

bool Inbox::take(LetterBatch& out) {
    out.clear();
    const std::lock_guard lock(mutex_);
    std::swap(batch_, out);
    filled_.store(false, std::memory_order_relaxed);
    return std::exchange(sender_waits_, false);
}

Exchange::Exchange(std::uint32_t workers)
    : workers_(workers),
      inboxes_(std::make_unique<Inbox[]>(std::size_t{workers} * workers)),
      wakers_(workers, nullptr) {}

Inbox& Exchange::inbox(std::uint32_t from, std::uint32_t to) noexcept {
    RINGSIDE_ASSERT(from < workers_ && to < workers_);
    return inboxes_[std::size_t{from} * workers_ + to];
}

void Exchange::set_waker(std::uint32_t worker, Waker& waker) noexcept {
    wakers_[worker] = &waker;
}

void Exchange::wake(std::uint32_t worker) noexcept {
    RINGSIDE_ASSERT(wakers_[worker] != nullptr);
    wakers_[worker]->wake();
}

void Exchange::wake_all() noexcept {
    for (std::uint32_t worker = 0; worker < workers_; ++worker)
        wake(worker);
}

}  // namespace ringside::uring
