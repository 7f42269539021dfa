#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <ostream>
#include <string_view>
#include <vector>

#include "common/socket_ops.hpp"
#include "common/unique_fd.hpp"
#include "fake_pipe.hpp"
#include "random.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::uring {

class FakeIo;

/// How rough the network is. Chances are per mille.
struct FakeNetworkOptions {
    std::uint64_t seed = 1;
    std::size_t pipe_bytes_min = 1;  // capacity of a direction, drawn for each
    std::size_t pipe_bytes_max = 65536;
    std::uint64_t delay_ns_max = 300'000;  // of an arrival or an event, drawn for each
    unsigned delays = 500;                 // an arrival or event is late at all
    unsigned held_back = 100;              // a due event waits for the next turn
    unsigned short_sends = 150;            // a send takes less than fits
    unsigned short_receives = 300;         // a receive gives less than is there
    unsigned resets = 0;                   // a send loses the connection, for both sides
    unsigned accept_errors = 0;            // an accept finds no descriptor
};

// A small deterministic network with a fake clock, for programs that are written against Io: all of
// it, the loops included, runs in one thread.
//
// 1. Everything that is left to chance is drawn from one generator, and nothing depends on an
//    address or on real time: the same seed and the same driver give the same trace.
// 2. Time stands still but for advance() and the microseconds that pick() lets pass.
// 3. What happens has a time at which it is due. An Io reports what is due in its next turn(), in
//    any order across connections; within a connection bytes keep their order.
// 4. A loop that fell asleep in turn() is not picked before something is due for it: a wake-up that
//    is forgotten shows as a stall, as it would in a real program.
// 5. Descriptors that Io hands out or takes are tokens: real descriptors without a socket behind
//    them. Who refuses a connection closes its token, and the peer sees the end.
class FakeNetwork {
 public:
    explicit FakeNetwork(const FakeNetworkOptions& options);
    ~FakeNetwork();
    FakeNetwork(const FakeNetwork&) = delete;
    FakeNetwork& operator=(const FakeNetwork&) = delete;

    // ---- what a test does ----
    /// A listening socket for Io::listen(); the port must be free.
    [[nodiscard]] UniqueFd make_listener(std::uint16_t port);
    [[nodiscard]] static SocketAddress address(std::uint16_t port);
    /// A connected pair of tokens for Io::adopt().
    [[nodiscard]] std::pair<UniqueFd, UniqueFd> make_pair();
    /// One of the loops that are not asleep, drawn by chance; null where all are.
    [[nodiscard]] FakeIo* pick();
    /// Moves the clock to the next thing that is due; false where nothing ever will be.
    bool advance();
    void advance_to(std::uint64_t now_ns);
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }
    [[nodiscard]] Random& random() noexcept { return random_; }
    /// From now on nobody loses a connection or a descriptor by chance.
    void calm_down() noexcept;

    /// A sum over all that was reported so far: loop, time, event and bytes.
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return trace_hash_; }
    [[nodiscard]] std::uint64_t trace_events() const noexcept { return trace_events_; }
    /// The last events, a line each.
    void print_trace(std::ostream& out) const;

    // ---- what FakeIo does ----
    struct Listener {
        std::uint16_t port = 0;
        struct Waiting {
            FakeEndpoint endpoint;
            std::uint64_t due_ns = 0;
        };
        std::deque<Waiting> backlog;
    };
    [[nodiscard]] std::uint32_t enlist(FakeIo& io);
    void dismiss(FakeIo& io) noexcept;
    [[nodiscard]] const FakeNetworkOptions& options() const noexcept { return options_; }
    /// A time from now on: `now` or somewhat later.
    [[nodiscard]] std::uint64_t some_time() noexcept;
    /// The listener behind a token.
    [[nodiscard]] std::shared_ptr<Listener> listener(int token);
    /// The endpoint behind a token, which is nobody else's from now on.
    [[nodiscard]] FakeEndpoint claim(int token);
    [[nodiscard]] UniqueFd make_token(FakeEndpoint endpoint);
    /// Nothing where nobody listens there. The other side waits in the listener's backlog.
    [[nodiscard]] std::shared_ptr<FakeConnection> connect(const sockaddr* address);
    /// What send(2) would return: bytes taken or -errno.
    [[nodiscard]] std::int32_t write(const FakeEndpoint& endpoint, std::string_view bytes);
    /// What close(2) does to the peer.
    void hang_up(const FakeEndpoint& endpoint) noexcept;
    void record(std::uint32_t io, const IoEvent& event);

 private:
    struct Token {
        UniqueFd own_end;                    // hangs up when the token is closed
        FakeEndpoint endpoint;               // of a connection, else
        std::shared_ptr<Listener> listener;  // of a listener
    };
    struct TraceEntry {
        std::uint64_t now_ns = 0;
        std::uint32_t io = 0;
        IoEvent::Kind kind = IoEvent::Kind::accepted;
        SlotId id{};
        std::int32_t result = 0;
    };

    [[nodiscard]] UniqueFd add_token(Token token);
    [[nodiscard]] std::shared_ptr<FakeConnection> make_connection();
    void notice_closed_tokens();
    [[nodiscard]] std::uint64_t next_ns();

    FakeNetworkOptions options_;
    Random random_;
    std::uint64_t now_ns_ = 1'000'000'000;
    std::vector<FakeIo*> ios_;
    std::uint32_t ios_ever_ = 0;
    std::map<int, Token> tokens_;  // by descriptor
    std::uint64_t trace_hash_ = 0xCBF29CE484222325U;
    std::uint64_t trace_events_ = 0;
    std::deque<TraceEntry> trace_;  // the last ones
};

}  // namespace ringside::uring
