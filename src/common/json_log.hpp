#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace ringside {

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };

/// Bytes that came from a peer: cut at 64 in the log.
struct PeerText {
    std::string_view bytes;
};

/// One `"name": value` of a log line. Text is escaped, whatever bytes it holds.
struct LogField {
    using Value =
        std::variant<std::string_view, PeerText, std::int64_t, std::uint64_t, double, bool>;

    LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
    LogField(std::string_view field, const char* text) : LogField(field, std::string_view(text)) {}
    LogField(std::string_view field, const std::string& text)
        : LogField(field, std::string_view(text)) {}
    LogField(std::string_view field, PeerText text) : name(field), value(text) {}
    LogField(std::string_view field, bool truth) : name(field), value(truth) {}
    LogField(std::string_view field, double number) : name(field), value(number) {}
    LogField(std::string_view field, std::signed_integral auto number)
        : name(field), value(std::int64_t{number}) {}
    LogField(std::string_view field, std::unsigned_integral auto number)
        : name(field), value(std::uint64_t{number}) {}

    std::string_view name;
    Value value;
};

// JSON lines: {"ts":"2026-11-21T01:02:03.456Z","level":"info","msg":"…",…fields}. Written by a
// thread of its own (spdlog's async queue), so that no worker ever waits for a terminal or a disk;
// what the queue cannot hold or the disk does not take is dropped and counted. Any thread may log.
class JsonLog {
 public:
    /// `file` empty: standard error. Throws StartError where the file cannot be opened.
    JsonLog(LogLevel level, const std::string& file);
    /// Writes out what is queued, unless nobody reads it. No thread logs any more.
    ~JsonLog();
    JsonLog(const JsonLog&) = delete;
    JsonLog& operator=(const JsonLog&) = delete;

    [[nodiscard]] bool enabled(LogLevel level) const noexcept;
    void write(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields = {}) noexcept;
    /// Lines that are missing in the log, or torn.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
    LogLevel level_;
};

[[nodiscard]] const char* log_level_name(LogLevel level) noexcept;  // "warn"; not of `off`
/// Nothing where the text is no level.
[[nodiscard]] bool parse_log_level(std::string_view text, LogLevel& level) noexcept;

/// The line without its newline; the pure part, for tests.
[[nodiscard]] std::string format_log_line(std::int64_t wall_ns, LogLevel level,
                                          std::string_view message,
                                          std::initializer_list<LogField> fields);

}  // namespace ringside
