#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/histogram.hpp"
#include "common/json_log.hpp"
#include "loadgen/line_cutter.hpp"

namespace simdjson::dom {
class parser;
}

namespace ringside::loadgen {

// What the lines of a server's log (common/json_log.hpp) add up to.
//
// 1. A good line is one JSON object with "level", one of the servers' four, and "msg", a text.
// 2. It has a response time where it has "request", a text, and "duration_ns", a whole number up to
//    duration_ns_max (common/request_times.hpp). Either of them as something else breaks the line.
// 3. Every other line but an empty one is broken: counted, and the next one is read. Lines that are
//    torn, or not of a server, change nothing else.
// 4. Memory is bounded: so many different texts are counted one by one, later ones together.
class LogTally {
 public:
    static constexpr std::size_t messages_max = 64;
    static constexpr std::size_t requests_max = 16;
    /// Of a text of a line that is kept; those that agree in so many bytes count as the same.
    static constexpr std::size_t text_bytes_max = 128;
    /// An hour. Above it nobody waited, and sums would overflow after fewer lines than a file has.
    static constexpr std::uint64_t duration_ns_max = 3'600'000'000'000;

    struct Lines {
        std::uint64_t good = 0;
        std::uint64_t broken = 0;
        std::uint64_t too_long = 0;      // of those broken: above LineCutter::line_bytes_max
        std::uint64_t empty = 0;         // neither good nor broken
        std::uint64_t timed = 0;         // of those good: with a response time
        std::uint64_t first_broken = 0;  // its number, from 1; 0: none

        [[nodiscard]] std::uint64_t all() const noexcept { return good + broken + empty; }
        [[nodiscard]] bool mostly_broken() const noexcept { return broken > good; }
    };
    struct Message {
        std::string text;
        std::uint64_t lines = 0;
    };
    struct ResponseTimes {
        std::string request;
        Histogram histogram;
    };

    LogTally();
    ~LogTally();

    /// Takes all lines that `cutter` has.
    void take(LineCutter& cutter);
    /// A line without its LF, up to LineCutter::line_bytes_max; LineCutter::padding_bytes behind it
    /// may be read.
    void add(std::string_view line);

    [[nodiscard]] const Lines& lines() const noexcept { return lines_; }
    [[nodiscard]] std::uint64_t of_level(LogLevel level) const noexcept;
    /// In no particular order. Beyond messages_max: other_messages().
    [[nodiscard]] const std::vector<Message>& messages() const noexcept { return messages_; }
    [[nodiscard]] std::uint64_t other_messages() const noexcept { return other_messages_; }
    /// In no particular order, at most requests_max. Those that find no place are under "other".
    [[nodiscard]] const std::vector<ResponseTimes>& response_times() const noexcept {
        return response_times_;
    }

 private:
    struct Fields;

    [[nodiscard]] bool read(std::string_view line, Fields& fields);
    void count_broken() noexcept;
    void count_message(std::string_view text);
    [[nodiscard]] Histogram& times_of(std::string_view request);

    std::unique_ptr<simdjson::dom::parser> parser_;
    Lines lines_;
    std::array<std::uint64_t, static_cast<std::size_t>(LogLevel::off)> levels_{};
    std::vector<Message> messages_;  // those seen often move to the front
    std::uint64_t other_messages_ = 0;
    std::vector<ResponseTimes> response_times_;
};

}  // namespace ringside::loadgen
