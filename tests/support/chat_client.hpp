#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"
#include "common/wire.hpp"

// A blocking client of the chat protocol for tests, on a real TCP connection.
//
// 1. Every wait has a deadline; what does not come in time is a ClientError that says what was
//    awaited and what came last, so a test fails with words and never hangs.
// 2. It checks each frame as it reads it: a request value that no server sends, a status other than
//    0 and 1, or an absurd length is a ClientError too, as a torn or mixed stream would show.
// 3. One thread per client, except that one may send while another reads.

namespace ringside::test {

class ClientError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// The server closed a connection that had more to say.
class ClosedError : public ClientError {
 public:
    using ClientError::ClientError;
    [[nodiscard]] std::chrono::steady_clock::time_point when() const noexcept { return when_; }

 private:
    std::chrono::steady_clock::time_point when_ = std::chrono::steady_clock::now();
};

/// A server's frame.
struct Frame {
    Request request = Request::wrong_request;
    Status status = Status::success;
    std::string text;

    friend bool operator==(const Frame&, const Frame&) = default;
};
std::ostream& operator<<(std::ostream& out, const Frame& frame);

[[nodiscard]] Frame success(Request request, std::string_view text);

/// The three parts of a receive_message frame's text.
struct Message {
    std::string user;
    std::string time;
    std::string text;
};
/// ClientError where the frame is no successful receive_message of the protocol's form.
[[nodiscard]] Message message_of(const Frame& frame);

/// One client frame's bytes.
[[nodiscard]] std::string client_frame(Request request, std::string_view text = {});

inline constexpr std::chrono::milliseconds patience{10'000};

class ChatClient {
 public:
    /// Connects to 127.0.0.1. `receive_buffer_bytes` bounds what the kernel takes for a client that
    /// does not read (0: as the kernel likes).
    explicit ChatClient(std::uint16_t port, int receive_buffer_bytes = 0);

    void send_raw(std::string_view bytes);
    void send(Request request, std::string_view text = {});

    /// The next frame.
    [[nodiscard]] Frame read(std::chrono::milliseconds deadline = patience);
    /// The next frame, or nothing where the server closed instead (orderly or by a reset).
    [[nodiscard]] std::optional<Frame> read_or_closed(
        std::chrono::milliseconds deadline = patience);
    /// Reads until the server closes; ClientError where a frame comes or it does not close in time.
    void expect_closed(std::chrono::milliseconds deadline = patience);
    /// True where something can be read now: a frame's bytes or the server's close.
    [[nodiscard]] bool readable() const;

    /// Sends and reads one answer.
    Frame ask(Request request, std::string_view text = {});
    /// A request that no server knows, answered by wrong_request: proves that everything sent
    /// before was worked off and that nothing else was due. Any other frame is a ClientError.
    void fence();

    void finish_sending();  // FIN; reading goes on
    void close();
    void reset();  // closes with RST: what was not read or sent is thrown away

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
    using Clock = std::chrono::steady_clock;

    /// Receives at least one byte into input_; false at the server's end.
    bool receive(Clock::time_point until);
    std::optional<Frame> next_frame();

    UniqueFd socket_;
    std::string input_;
    std::size_t input_read_ = 0;
    std::string last_;  // what came last, for error texts
};

}  // namespace ringside::test
