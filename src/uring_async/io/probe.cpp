#include "uring_async/io/probe.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "uring_async/io/buffer_ring.hpp"
#include "uring_async/io/ring.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint64_t patience_ns = 500'000'000;  // what is to come comes at once

struct Trial {
    // The ring goes first, then what a request that is still in flight may use.
    std::vector<char> large;
    std::unique_ptr<BufferRing> buffers;
    std::unique_ptr<Ring> ring;

    // The next completion; a result of -ETIME where none comes.
    Completion next() {
        Completion completion;
        if (ring->pop(completion)) return completion;
        ring->submit_and_wait(patience_ns);
        if (!ring->pop(completion)) completion.result = -ETIME;
        return completion;
    }
};

struct Pair {
    UniqueFd near;
    UniqueFd far;
};

Result<Pair> socket_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
        return std::unexpected(last_error("socketpair"));
    }
    return Pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

bool passes_a_byte(int from, int to) {
    char byte = 0;
    return ::write(from, "x", 1) == 1 && ::read(to, &byte, 1) == 1;
}

// "2" where the system administrator has switched io_uring off for everybody.
char disabled_setting() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        std::fopen("/proc/sys/kernel/io_uring_disabled", "re"), &std::fclose);
    const int setting = file == nullptr ? EOF : std::fgetc(file.get());
    return setting == EOF ? '0' : static_cast<char>(setting);
}

std::string explain(const Error& error) {
    const std::string text = error.text();
    switch (error.code) {
        case EPERM:
        case EACCES:
            if (disabled_setting() != '0') {
                return text +
                       " (forbidden by the system: sysctl kernel.io_uring_disabled=0 allows it)";
            }
            return text +
                   " (forbidden by a sandbox: a container needs a seccomp profile that allows"
                   " io_uring_setup, io_uring_enter and io_uring_register)";
        case ENOSYS:
        case EINVAL:
            return text + " (Linux 5.19 or later is needed)";
        case ENOMEM:
            return text + " (more locked memory is needed: ulimit -l)";
        case EMFILE:
        case ENFILE:
            return text + " (more descriptors are needed: ulimit -n)";
        default:
            return text;
    }
}

Result<Trial> start(Probe& probe) {
    constexpr Ring::Sizes sizes{8, 32};
    Result<std::unique_ptr<Ring>> ring = Ring::make(sizes, true);
    probe.defer_taskrun = ring.has_value();
    if (!ring && ring.error().code == EINVAL) ring = Ring::make(sizes, false);
    if (!ring) return std::unexpected(ring.error());
    Result<BufferRing> buffers = BufferRing::make(**ring, 4, 64);
    if (!buffers) return std::unexpected(buffers.error());
    return Trial{{}, std::make_unique<BufferRing>(std::move(*buffers)), std::move(*ring)};
}

// A full socket must not keep a send waiting with the sender's memory in hand (io.hpp, rule 4): one
// that is too large is cut short, the next takes nothing, both at once.
Result<void> try_send(Trial& trial) {
    const Result<Pair> pair = socket_pair();
    if (!pair) return std::unexpected(pair.error());
    trial.large.resize(std::size_t{8} << 20U);
    const auto size = static_cast<std::int32_t>(trial.large.size());
    for (const bool full : {false, true}) {
        ::io_uring_prep_send(trial.ring->entry(), pair->near.get(), trial.large.data(),
                             trial.large.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        const Completion sent = trial.next();
        const bool as_it_should =
            full ? sent.result == -EAGAIN : sent.result > 0 && sent.result < size;
        if (as_it_should) continue;
        const int code = sent.result < 0 ? -sent.result : EINVAL;
        return std::unexpected(Error{code, "io_uring: send to a full socket"});
    }
    return {};
}

// Data must come in a buffer of the ring. True: and the receive goes on (multishot).
Result<bool> try_receive(Trial& trial, bool multishot) {
    const Result<Pair> pair = socket_pair();
    if (!pair) return std::unexpected(pair.error());
    io_uring_sqe* const sqe = trial.ring->entry();
    const auto prepare = multishot ? ::io_uring_prep_recv_multishot : ::io_uring_prep_recv;
    prepare(sqe, pair->near.get(), nullptr, 0, 0);
    ::io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    sqe->buf_group = BufferRing::group;
    trial.ring->submit();
    for (int byte = 0; byte < (multishot ? 2 : 1); ++byte) {
        if (::write(pair->far.get(), "x", 1) != 1) return std::unexpected(last_error("write"));
        const Completion received = trial.next();
        if (received.result < 0)
            return std::unexpected(Error{-received.result, "io_uring: receive"});
        if ((received.flags & IORING_CQE_F_BUFFER) == 0) {
            return std::unexpected(Error{EINVAL, "io_uring: receive"});
        }
        trial.buffers->give_back(
            static_cast<std::uint16_t>(received.flags >> IORING_CQE_BUFFER_SHIFT));
        trial.buffers->publish();
        if (multishot && (received.flags & IORING_CQE_F_MORE) == 0) return false;
    }
    if (!multishot) return false;
    // So that nothing of this pair is left when the next trial looks for its completions.
    ::shutdown(pair->near.get(), SHUT_RDWR);
    return trial.next().result == 0;
}

// A listener without a name or a port, and two clients; every accepted descriptor must work (some
// kernels before 6.8 handed out numbers that were none).
bool try_multishot_accept(Trial& trial) {
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t bytes = sizeof address.sun_family;  // the kernel chooses an abstract name
    auto* const target = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), target, bytes) != 0 || ::listen(listener.get(), 2) != 0)
        return false;
    bytes = sizeof address;
    if (::getsockname(listener.get(), target, &bytes) != 0) return false;
    ::io_uring_prep_multishot_accept(trial.ring->entry(), listener.get(), nullptr, nullptr,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    trial.ring->submit();
    for (int i = 0; i < 2; ++i) {
        const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(client.get(), target, bytes) != 0) return false;
        const Completion accepted = trial.next();
        if (accepted.result < 0) return false;
        const UniqueFd fd(accepted.result);
        if ((accepted.flags & IORING_CQE_F_MORE) == 0) return false;
        if (!passes_a_byte(client.get(), fd.get())) return false;
    }
    return true;
}

Result<void> try_everything(Probe& probe) {
    Result<Trial> trial = start(probe);
    if (!trial) return std::unexpected(trial.error());
    if (const Result<void> sent = try_send(*trial); !sent) return sent;
    const Result<bool> multishot = try_receive(*trial, true);
    probe.multishot_receive = multishot && *multishot;
    if (!probe.multishot_receive) {
        // A new ring: the refused request may have left something behind.
        trial = start(probe);
        if (!trial) return std::unexpected(trial.error());
        const Result<bool> single = try_receive(*trial, false);
        if (!single) return std::unexpected(single.error());
    }
    probe.min_wait = trial->ring->has_feature(feature_min_wait);
    probe.multishot_accept = try_multishot_accept(*trial);
    return {};
}

}  // namespace

Probe probe_io_uring() noexcept {
    Probe probe;
    const Result<void> tried = try_everything(probe);
    probe.usable = tried.has_value();
    if (!tried) probe.why_not = explain(tried.error());
    return probe;
}

std::string Probe::text() const {
    if (!usable) return "io_uring: not usable: " + why_not;
    std::string text = "io_uring:";
    if (defer_taskrun) text += " defer_taskrun";
    if (multishot_accept) text += " multishot_accept";
    if (multishot_receive) text += " multishot_receive";
    if (min_wait) text += " min_wait";
    utsname system{};
    ::uname(&system);
    return text + " (kernel " + system.release + ")";
}

}  // namespace ringside::uring
