#include "common/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/build_info.hpp"
#include "common/help_formatter.hpp"
#include "common/json_log.hpp"

namespace ringside {

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t second = 1'000 * ms;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, number);
    if (text.empty() || problem != std::errc{} || stop != end) return std::nullopt;
    return number;
}

/// The number before and the unit after the last digit.
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    return {text.substr(0, digits), text.substr(digits)};
}

std::optional<std::uint64_t> multiply(std::optional<std::uint64_t> number, std::uint64_t unit) {
    if (!number || unit == 0 || *number > UINT64_MAX / unit) return std::nullopt;
    return *number * unit;
}

[[noreturn]] void refuse(const std::string& name, const std::string& wanted,
                         const std::string& got) {
    throw CLI::ValidationError(name, fmt::format("must be {}, not '{}'", wanted, got));
}

/// An option whose text `store` reads: it returns false where the text is not what `wanted` says.
template <typename Store>
CLI::Option* add_text_option(CLI::App& app, const std::string& name, const std::string& type,
                             const std::string& wanted, const std::string& initial,
                             const std::string& description, Store store) {
    const auto callback = [name, wanted, store](const std::string& text) {
        if (!store(text)) refuse(name, wanted, text);
    };
    return app.add_option_function<std::string>(name, callback, description)
        ->type_name(type)
        ->default_str(initial)
        // Scripts append to a command line: the last one counts.
        ->take_last();
}

bool parse_fsync(const std::string& text, FsyncPolicy& policy) {
    constexpr std::string_view prefix = "interval:";
    if (text == "never" || text == "always") {
        policy.mode = text == "never" ? FsyncPolicy::Mode::never : FsyncPolicy::Mode::always;
        return true;
    }
    if (!text.starts_with(prefix)) return false;
    const auto interval = parse_number<std::uint64_t>(std::string_view(text).substr(prefix.size()));
    if (!interval || *interval < 1 || *interval > 60'000) return false;
    policy = {FsyncPolicy::Mode::interval, *interval * ms};
    return true;
}

/// Bytes: a whole number, KiB, MiB and GiB allowed.
std::optional<std::uint64_t> parse_bytes(const std::string& text) {
    const auto [digits, unit] = split_unit(text);
    const std::uint64_t factor = unit.empty()    ? 1
                                 : unit == "KiB" ? 1ULL << 10U
                                 : unit == "MiB" ? 1ULL << 20U
                                 : unit == "GiB" ? 1ULL << 30U
                                                 : 0;
    return multiply(parse_number<std::uint64_t>(digits), factor);
}

void add_network_options(CLI::App& app, ServerOptions& options) {
    constexpr const char* group = "Network";
    add_address_option(app, "--listen", options.listen,
                       "Where to accept clients; port 0 takes a free one. A socket inherited by "
                       "LISTEN_FDS takes the place of this.")
        ->group(group);
    add_path_option(app, "--port-file", options.port_file,
                    "Write the port here once clients are accepted; removed at exit.")
        ->group(group);
    add_count_option(app, "--max-connections", options.connections_max, 1, 1'000'000,
                     "Clients connected at the same time; one more is closed at once.")
        ->group(group);
    add_duration_option(app, "--drain-timeout", options.drain_ns, 0, hour, false,
                        "After SIGTERM: how long clients may take to fetch what they are due. A "
                        "second signal ends the server at once.")
        ->group(group);
}

void add_storage_options(CLI::App& app, ServerOptions& options) {
    constexpr const char* group = "Storage";
    add_path_option(app, "--data", options.data,
                    "Folder of the rooms' histories; created where it is missing, locked while "
                    "the server runs.")
        ->group(group);
    add_text_option(
        app, "--fsync", "WHEN", "never, interval:MS (1 to 60000) or always", "interval:1000",
        "When messages are forced to the disk: never, interval:MS (in the "
        "background, at least every MS milliseconds) or always (before anybody "
        "receives them). A crash of the server alone loses nothing in any of them; a "
        "power cut may.",
        [&policy = options.fsync](const std::string& text) { return parse_fsync(text, policy); })
        ->group(group);
}

void add_limit_options(CLI::App& app, ServerOptions& options) {
    constexpr const char* group = "Limits in bytes";
    ChatLimits& chat = options.chat;
    add_count_option(app, "--max-user-name", chat.user_name_bytes_max, 1, 256,
                     "Longest user name; a longer one is refused.")
        ->group(group);
    add_count_option(app, "--max-room-name", chat.room_name_bytes_max, 1, room_name_bytes_ceiling,
                     "Longest room name; a longer one is refused.")
        ->group(group);
    add_count_option(app, "--max-message", chat.message_bytes_max, 1, 65'536,
                     "Longest message; a longer one is refused.")
        ->group(group);
    add_count_option(app, "--max-frame-length", chat.frame_length_max, 1, 65'536,
                     "Largest length field of a frame; above it the connection is closed.")
        ->group(group);
    add_text_option(app, "--max-lag", "BYTES", "off or a size from 64KiB to 1024GiB", "off",
                    "Close a member that is further behind its room than this, its first "
                    "catching-up aside; KiB, MiB and GiB may follow the number.",
                    [&lag = options.time.lag_bytes_max](const std::string& text) {
                        const auto bytes = text == "off" ? 0 : parse_bytes(text);
                        const bool legal =
                            bytes &&
                            (*bytes == 0 || (*bytes >= 1ULL << 16U && *bytes <= 1ULL << 40U));
                        if (legal) lag = *bytes;
                        return legal;
                    })
        ->group(group);
}

void add_time_limit_options(CLI::App& app, ServerOptions& options) {
    constexpr const char* group = "Time limits (250ms, 10s, 2m, 1h; off)";
    constexpr std::uint64_t longest = 720 * hour;
    TimeLimits& time = options.time;
    add_duration_option(app, "--handshake-timeout", time.handshake_ns, ms, longest, true,
                        "Close a client that has no name by then.")
        ->group(group);
    add_duration_option(app, "--frame-timeout", time.frame_ns, ms, longest, true,
                        "Close a client that began a frame and did not end it by then.")
        ->group(group);
    add_duration_option(app, "--idle-timeout", time.idle_ns, ms, longest, true,
                        "Close a client that sends no frame for that long.")
        ->group(group);
    add_duration_option(app, "--write-timeout", time.write_ns, ms, longest, true,
                        "Close a client that is due bytes and takes none of them for that long.")
        ->group(group);
}

void add_watching_options(CLI::App& app, ServerOptions& options) {
    constexpr const char* group = "Logs and metrics";
    add_text_option(app, "--log-level", "LEVEL", "debug, info, warn, error or off",
                    options.log_level, "Least level that is logged: debug, info, warn, error, off.",
                    [&target = options.log_level](const std::string& text) {
                        LogLevel level{};
                        target = text;
                        return parse_log_level(text, level);
                    })
        ->group(group);
    add_path_option(app, "--log-file", options.log_file,
                    "Append the log, one JSON object a line, to this file; default: standard "
                    "error.")
        ->group(group);
    add_text_option(app, "--metrics-textfile", "PATH.prom", "a file name that ends in .prom", "",
                    "Write metrics here for node-exporter's textfile collector; removed at exit.",
                    [&target = options.metrics_textfile](const std::string& text) {
                        target = text;
                        return text.ends_with(".prom");
                    })
        ->group(group);
    add_duration_option(app, "--metrics-interval", options.metrics_interval_ns, 100 * ms, hour,
                        false, "How often the metrics are written.")
        ->group(group);
}

void add_debug_options(CLI::App& app, ServerOptions& options) {
    add_duration_option(app, "--inject-stall", options.inject_stall_ns, ms, 900 * ms, true,
                        "Stand still for so long in every second, to see what a measurement makes "
                        "of it.")
        ->group("Debugging");
}

/// A text that is legal by its own limit must also fit into a frame.
void check_limits(const ChatLimits& limits) {
    const std::pair<const char*, std::size_t> texts[] = {
        {"--max-message", limits.message_bytes_max},
        {"--max-room-name", limits.room_name_bytes_max},
        {"--max-user-name", limits.user_name_bytes_max},
    };
    for (const auto& [name, bytes] : texts) {
        if (bytes <= limits.frame_length_max) continue;
        throw CLI::ValidationError(
            name, fmt::format("{} is above --max-frame-length ({}): lower it, or raise "
                              "--max-frame-length",
                              bytes, limits.frame_length_max));
    }
}

/// One line for a wrong command line.
std::string usage_text(const CLI::ParseError& wrong) {
    std::string text = wrong.what();
    // CLI11 says "--listen: 1 required HOST:PORT missing".
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&wrong) != nullptr) {
        text = text.substr(0, text.find(':')) + ": needs one value";
    }
    return text;
}

std::string examples(const std::string& program) {
    return fmt::format(
        "Examples:\n"
        "  {0}\n"
        "  {0} --listen 0.0.0.0:5000 --data /srv/chat --fsync always\n"
        "  {0} --listen 127.0.0.1:0 --port-file port --data \"$(mktemp -d)\"\n"
        "  {0} --metrics-textfile metrics/chat.prom --log-level warn\n"
        "\n"
        "SIGTERM and SIGINT end the server after clients have got what they are due.\n"
        "Exit codes: 0 ended by a signal; 1 ended in the middle of that: a second signal,\n"
        "or a disk that did not answer in time; 2 wrong options or cannot start.",
        program);
}

}  // namespace

void add_server_options(CLI::App& app, ServerOptions& options) {
    add_network_options(app, options);
    add_storage_options(app, options);
    add_limit_options(app, options);
    add_time_limit_options(app, options);
    add_watching_options(app, options);
    add_debug_options(app, options);
    app.footer(examples(app.get_name()));
    app.final_callback([&options] { check_limits(options.chat); });
}

CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::size_t& target,
                              std::size_t min, std::size_t max, const std::string& description) {
    const auto store = [&target, min, max](const std::string& text) {
        const auto number = parse_number<std::size_t>(text);
        const bool legal = number && *number >= min && *number <= max;
        if (legal) target = *number;
        return legal;
    };
    return add_text_option(app, name, "N", fmt::format("a whole number from {} to {}", min, max),
                           std::to_string(target), description, store);
}

CLI::Option* add_duration_option(CLI::App& app, const std::string& name, std::uint64_t& target_ns,
                                 std::uint64_t min_ns, std::uint64_t max_ns, bool zero_is_off,
                                 const std::string& description) {
    const auto store = [&target_ns, min_ns, max_ns, zero_is_off](const std::string& text) {
        const auto duration = zero_is_off && text == "off" ? 0 : parse_duration_ns(text);
        const bool legal = duration && ((zero_is_off && *duration == 0) ||
                                        (*duration >= min_ns && *duration <= max_ns));
        if (legal) target_ns = *duration;
        return legal;
    };
    const std::string range = fmt::format("a time from {} to {}, with its unit (as 250ms or 10s)",
                                          duration_text(min_ns), duration_text(max_ns));
    const std::string initial = zero_is_off && target_ns == 0 ? "off" : duration_text(target_ns);
    return add_text_option(app, name, "TIME", zero_is_off ? range + ", or off" : range, initial,
                           description, store);
}

CLI::Option* add_choice_option(CLI::App& app, const std::string& name,
                               const std::vector<std::string>& words,
                               const std::function<void(std::size_t)>& store,
                               const std::string& description) {
    const auto read = [words, store](const std::string& text) {
        const auto word = std::ranges::find(words, text);
        if (word == words.end()) return false;
        store(static_cast<std::size_t>(word - words.begin()));
        return true;
    };
    return add_text_option(app, name, fmt::format("{}", fmt::join(words, "|")),
                           fmt::format("one of {}", fmt::join(words, ", ")), words.front(),
                           description, read);
}

CLI::Option* add_path_option(CLI::App& app, const std::string& name, std::string& target,
                             const std::string& description) {
    const auto store = [&target](const std::string& text) {
        target = text;
        return !text.empty();
    };
    return add_text_option(app, name, "PATH", "a path", target, description, store);
}

CLI::Option* add_address_option(CLI::App& app, const std::string& name, std::string& target,
                                const std::string& description) {
    const auto store = [&target](const std::string& text) {
        target = text;
        const std::size_t colon = text.rfind(':');
        if (colon == std::string::npos || colon == 0) return false;
        return parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1)).has_value();
    };
    return add_text_option(app, name, "HOST:PORT",
                           "HOST:PORT with a port up to 65535 (as 127.0.0.1:5000 or [::1]:5000)",
                           target, description, store);
}

std::string version_text(const std::string& program) {
    return fmt::format("{} {} (commit {}, {}, {})", program, build_info::version,
                       build_info::commit, build_info::compiler, build_info::build_type);
}

std::optional<int> parse_options(CLI::App& app, int argc, const char* const* argv,
                                 std::string (*version_extra)()) {
    constexpr int usage_error = 2;
    const std::string program = app.get_name();
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_help_flag("-h,--help", "Print this and exit.");
    app.set_version_flag(
        "--version",
        [&] {
            const std::string extra = version_extra == nullptr ? "" : version_extra();
            return version_text(program) + (extra.empty() ? "" : "\n" + extra);
        },
        "Print version, commit, compiler and build type and exit.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help and --version
        // Not by std::cout: it flushes, and where that fails nobody learns why.
        std::ostringstream text;
        const int code = app.exit(asked, text, text);
        std::fputs(text.str().c_str(), stdout);
        return code;
    } catch (const CLI::ParseError& wrong) {
        std::fputs(
            fmt::format("{}: {} (--help lists the options)\n", program, usage_text(wrong)).c_str(),
            stderr);
        return usage_error;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_duration_ns(const std::string& text) {
    if (text == "0") return 0;
    const auto [digits, unit] = split_unit(text);
    const std::uint64_t factor = unit == "ms"  ? ms
                                 : unit == "s" ? second
                                 : unit == "m" ? minute
                                 : unit == "h" ? hour
                                               : 0;
    return multiply(parse_number<std::uint64_t>(digits), factor);
}

std::string duration_text(std::uint64_t duration_ns) {
    const std::pair<std::uint64_t, const char*> units[] = {
        {hour, "h"}, {minute, "m"}, {second, "s"}, {ms, "ms"}};
    for (const auto& [unit, name] : units) {
        if (duration_ns != 0 && duration_ns % unit == 0) {
            return fmt::format("{}{}", duration_ns / unit, name);
        }
    }
    return duration_ns == 0 ? "0" : fmt::format("{}ms", duration_ns / ms);
}

}  // namespace ringside
