#include "loadgen/log_tally.hpp"

#include <simdjson.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace ringside::loadgen {

namespace {

static_assert(LineCutter::padding_bytes >= simdjson::SIMDJSON_PADDING);

constexpr std::string_view other_requests = "other";

bool blank(std::string_view line) noexcept {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Not inside a character: texts become labels, and those are UTF-8.
std::string_view cut(std::string_view text) noexcept {
    if (text.size() <= LogTally::text_bytes_max) return text;
    std::size_t end = LogTally::text_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80)
        --end;
    return text.substr(0, end);
}

bool read_text(const simdjson::dom::element& value, std::optional<std::string_view>& out) noexcept {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    out = cut(text);
    return true;
}

bool read_duration(const simdjson::dom::element& value,
                   std::optional<std::uint64_t>& out) noexcept {
    std::uint64_t duration_ns = 0;
    if (value.get_uint64().get(duration_ns) != simdjson::SUCCESS) return false;
    out = duration_ns;
    return duration_ns <= LogTally::duration_ns_max;
}

}  // namespace

// Texts are the parser's: valid until it is given the next line.
struct LogTally::Fields {
    LogLevel level = LogLevel::off;
    std::optional<std::string_view> message;
    std::optional<std::string_view> request;
    std::optional<std::uint64_t> duration_ns;
};

// The parser that checks a line whole (simdjson has a faster one that skips what is not asked for,
// and takes a torn line for a good one), a line at a time: of several documents at once, one that
// is broken may hide where the next begins.
LogTally::LogTally() : parser_(std::make_unique<simdjson::dom::parser>()) {
    if (parser_->allocate(LineCutter::line_bytes_max) != simdjson::SUCCESS) throw std::bad_alloc();
}

LogTally::~LogTally() = default;

std::uint64_t LogTally::of_level(LogLevel level) const noexcept {
    return levels_[static_cast<std::size_t>(level)];
}

void LogTally::take(LineCutter& cutter) {
    std::string_view line;
    for (;;) {
        switch (cutter.next(line)) {
            case LineCutter::Next::line:
                add(line);
                break;
            case LineCutter::Next::too_long:
                ++lines_.too_long;
                count_broken();
                break;
            case LineCutter::Next::need_more:
                return;
        }
    }
}

void LogTally::add(std::string_view line) {
    if (blank(line)) {
        ++lines_.empty;
        return;
    }
    Fields fields;
    if (!read(line, fields)) return count_broken();
    ++lines_.good;
    ++levels_[static_cast<std::size_t>(fields.level)];
    count_message(*fields.message);
    if (!fields.request || !fields.duration_ns) return;
    ++lines_.timed;
    times_of(*fields.request).record(*fields.duration_ns);
}

bool LogTally::read(std::string_view line, Fields& fields) {
    simdjson::dom::object object;
    if (parser_->parse(line.data(), line.size(), false).get_object().get(object) !=
        simdjson::SUCCESS) {
        return false;
    }
    std::optional<std::string_view> level;
    for (const simdjson::dom::key_value_pair field : object) {
        const std::string_view name = field.key;
        if (name == "level" && !read_text(field.value, level)) return false;
        if (name == "msg" && !read_text(field.value, fields.message)) return false;
        if (name == "request" && !read_text(field.value, fields.request)) return false;
        if (name == "duration_ns" && !read_duration(field.value, fields.duration_ns)) return false;
    }
    return fields.message && level && parse_log_level(*level, fields.level) &&
           fields.level != LogLevel::off;
}

void LogTally::count_broken() noexcept {
    ++lines_.broken;
    if (lines_.first_broken == 0) lines_.first_broken = lines_.all();
}

void LogTally::count_message(std::string_view text) {
    const auto found = std::ranges::find(messages_, text, &Message::text);
    if (found != messages_.end()) {
        ++found->lines;
        if (found != messages_.begin() && (found - 1)->lines < found->lines) {
            std::iter_swap(found, found - 1);
        }
    } else if (messages_.size() < messages_max) {
        messages_.push_back({std::string(text), 1});
    } else {
        ++other_messages_;
    }
}

Histogram& LogTally::times_of(std::string_view request) {
    const auto found = std::ranges::find(response_times_, request, &ResponseTimes::request);
    if (found != response_times_.end()) return found->histogram;
    // The last place is for all that find none, unless a request called so has one already.
    const bool full = response_times_.size() + 1 >= requests_max;
    if (full && request != other_requests) return times_of(other_requests);
    response_times_.push_back({std::string(request), {}});
    return response_times_.back().histogram;
}

}  // namespace ringside::loadgen
