#include "common/json_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <iterator>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace ringside {

namespace {

/// Lines that may wait for the log's thread. spdlog reserves about 400 bytes for each at once.
constexpr std::size_t queued_lines_max = 1024;
/// Bytes of text that came from a peer.
constexpr std::size_t peer_bytes_max = 64;
/// While the log ends, a terminal or pipe that takes nothing for that long loses the rest.
constexpr int closing_wait_ms = 500;

/// Bytes of the UTF-8 sequence at the front of `text`, 0 where it is malformed (overlong forms,
/// surrogates and values above U+10FFFF included; the table of RFC 3629 section 4).
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto in = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

void append_ascii(std::string& out, char byte) {
    switch (byte) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\r':
            out += "\\r";
            return;
        default:
            break;
    }
    // Control characters, DEL included: nothing of a line may steer a terminal.
    if (byte < 0x20 || byte == 0x7F) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
    } else {
        out += byte;
    }
}

/// Appends a JSON string; malformed bytes become U+FFFD one by one.
void append_text(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t bytes = utf8_sequence(text);
        if (bytes == 0) {
            out += "\\ufffd";
        } else if (bytes == 1) {
            append_ascii(out, text.front());
        } else {
            out += text.substr(0, bytes);
        }
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    out += '"';
}

/// Cuts at the last whole character within the bound.
std::string cut(std::string_view bytes) {
    if (bytes.size() <= peer_bytes_max) return std::string(bytes);
    std::size_t end = peer_bytes_max;
    const auto continues = [&bytes](std::size_t at) {
        return (static_cast<unsigned char>(bytes[at]) & 0xC0U) == 0x80;
    };
    while (end > peer_bytes_max - 3 && continues(end))
        --end;
    return std::string(bytes.substr(0, end)) + "...";
}

struct AppendValue {
    std::string& out;
    void operator()(std::string_view text) const { append_text(out, text); }
    void operator()(PeerText text) const { append_text(out, cut(text.bytes)); }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(double value) const {
        // JSON has no infinity and no NaN.
        if (std::isfinite(value)) {
            fmt::format_to(std::back_inserter(out), "{}", value);
        } else {
            out += "null";
        }
    }
    void operator()(std::int64_t value) const { out += fmt::to_string(value); }
    void operator()(std::uint64_t value) const { out += fmt::to_string(value); }
};

void append_time(std::string& out, std::int64_t wall_ns) {
    const std::time_t second = wall_ns / 1'000'000'000;
    const std::int64_t millisecond = wall_ns / 1'000'000 % 1000;
    std::tm utc{};
    ::gmtime_r(&second, &utc);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                   utc.tm_sec, millisecond);
}

}  // namespace

// Writes each line by one write(), so that lines of programs that share a file do not mix. A line
// that is torn (a full disk) is ended by the next. Called by the log's thread alone, hence the null
// mutex. Not in the anonymous namespace: JsonLog::Sink, which holds one, has external linkage.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
    explicit LineSink(UniqueFd owned) : owned_(std::move(owned)) {
        set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    }

    /// Any thread: from now on do not wait long for a reader.
    void close_soon() noexcept { closing_.store(true); }
    /// Any thread: lines that were not written whole.
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(); }

 protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        if (torn_) line.push_back('\n');
        const std::size_t begin = line.size();
        formatter_->format(message, line);
        const std::size_t written = write_some({line.data(), line.size()});
        if (written == line.size()) {
            torn_ = false;
        } else {
            lost_.fetch_add(1);
            // What the line before left is ended once the newline is out.
            if (written >= begin) torn_ = written > begin;
        }
    }
    void flush_() override {}

 private:
    /// Returns how many bytes it took before it failed: all, or there is nowhere to complain to.
    std::size_t write_some(std::string_view bytes) {
        const int fd = owned_ ? owned_.get() : STDERR_FILENO;
        std::size_t done = 0;
        while (done < bytes.size() && wait_until_writable(fd)) {
            const ssize_t written = ::write(fd, bytes.data() + done, bytes.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) break;
            done += static_cast<std::size_t>(written);
        }
        return done;
    }

    // A terminal that is stopped or a pipe that nobody reads may hold up this thread, but not the
    // end of the program. One that polls writable takes a line without blocking.
    bool wait_until_writable(int fd) {
        pollfd ready{fd, POLLOUT, 0};
        while (!gave_up_ && ::poll(&ready, 1, closing_wait_ms) == 0)
            gave_up_ = closing_.load();
        return !gave_up_;
    }

    UniqueFd owned_;                      // empty: standard error
    std::atomic<bool> closing_{false};    // false, then true for good
    std::atomic<std::uint64_t> lost_{0};  // 0, 1, 2, …
    // The log's thread only.
    bool gave_up_ = false;  // true drops what is left
    bool torn_ = false;     // the last byte written is not the end of a line
};

struct JsonLog::Sink {
    std::shared_ptr<LineSink> lines;
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
    // Lines that could not be made for want of memory.
    std::atomic<std::uint64_t> failed{0};
};

JsonLog::JsonLog(LogLevel level, const std::string& file)
    : sink_(std::make_unique<Sink>()), level_(level) {
    UniqueFd owned;
    if (!file.empty()) {
        owned.reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
        if (!owned) {
            throw StartError("--log-file: cannot open '" + file + "' (" +
                             last_error("open").text() +
                             "); choose a file in a folder that exists and is writable");
        }
    }
    sink_->lines = std::make_shared<LineSink>(std::move(owned));
    sink_->pool = std::make_shared<spdlog::details::thread_pool>(queued_lines_max, 1);
    // When the queue is full the oldest line goes: whoever logs never waits.
    sink_->logger = std::make_shared<spdlog::async_logger>(
        "ringside", sink_->lines, sink_->pool, spdlog::async_overflow_policy::overrun_oldest);
    sink_->logger->set_level(spdlog::level::trace);  // enabled() has decided already
}

JsonLog::~JsonLog() {
    sink_->lines->close_soon();
    sink_->pool.reset();  // works off the queue, then joins its thread
}

bool JsonLog::enabled(LogLevel level) const noexcept {
    return level >= level_ && level != LogLevel::off;
}

void JsonLog::write(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) noexcept {
    if (!enabled(level)) return;
    try {
        const std::string line =
            format_log_line(SystemWallClock().now_ns(), level, message, fields);
        sink_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    } catch (const std::exception&) {
        sink_->failed.fetch_add(1);
    }
}

std::uint64_t JsonLog::dropped() const noexcept {
    return sink_->pool->overrun_counter() + sink_->failed.load() + sink_->lines->lost();
}

const char* log_level_name(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
        case LogLevel::off:
            break;
    }
    RINGSIDE_ASSERT(!"no line has the level off");
}

bool parse_log_level(std::string_view text, LogLevel& level) noexcept {
    for (const LogLevel candidate :
         {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
        if (text == log_level_name(candidate)) {
            level = candidate;
            return true;
        }
    }
    if (text != "off") return false;
    level = LogLevel::off;
    return true;
}

std::string format_log_line(std::int64_t wall_ns, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
    std::string line;
    line.reserve(128 + message.size());
    line += R"({"ts":")";
    append_time(line, wall_ns);
    line += R"(","level":")";
    line += log_level_name(level);
    line += R"(","msg":)";
    append_text(line, message);
    for (const LogField& field : fields) {
        line += ',';
        append_text(line, field.name);
        line += ':';
        std::visit(AppendValue{line}, field.value);
    }
    line += '}';
    return line;
}

}  // namespace ringside
