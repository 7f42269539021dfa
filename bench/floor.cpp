// The floor: how many messages can one thread push into the kernel's TCP on loopback when it does
// nothing else? A chat server's deliveries per CPU-second stand as a share of it.
//
// What is measured, and why this and not something easier:
//
// 1. A message costs a server at least its share of a send, and a send on loopback carries the
//    receiver's half of TCP and the waking of whoever sleeps on the socket. So the receivers are as
//    a client is: one thread that sleeps in epoll_wait until data comes and really copies it out.
//    Receivers that spin or discard (MSG_TRUNC) would make the sends cheaper than anybody's.
// 2. A round sends the same piece to every connection; then the sender sleeps until all of it was
//    received (--ahead=1, lock-step: what a closed loop with one message on its way allows), or
//    goes on while fewer than N rounds are on their way (--ahead=N: the clients lag). A send into a
//    socket that is not empty is cheaper, since TCP merges it with what is there and nobody is to
//    be woken, until the bytes on their way no longer fit the caches. So the limit for a load with
//    many messages on their way is the better of the two.
// 3. One CPU for both threads (--cpus=one). Then a round wakes the receivers once, without an
//    interrupt to another CPU, and no socket moves between caches: the least that a send can cost.
//    --cpus=two shows what crossing costs; messages a second are higher there, messages a
//    CPU-second lower.
// 4. The CPU time is all of the sending thread's, its sleeping and waking once a round included: a
//    server that waits for its clients does that too.
//
// Exit codes: 0, 1 cannot write the JSON file, 2 wrong options or it cannot run here, 4 what was
// sent did not arrive.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/floor_run.hpp"
#include "common/build_info.hpp"
#include "common/options.hpp"
#include "common/output_file.hpp"
#include "common/result.hpp"

namespace ringside::bench {

namespace {

constexpr int usage_error = 2;
constexpr int not_received = 4;
constexpr std::size_t piece_bytes_max = 64U << 20U;

enum class Io : std::uint8_t { uring, send, both };

struct Options {
    FloorLoad load;
    Io io = Io::uring;
    std::string json;  // empty: none
};

struct FloorRun {
    SendWay way = SendWay::uring;
    FloorFigures figures;
};

std::optional<int> read_options(int argc, const char* const* argv, Options& options) {
    constexpr std::uint64_t ms = 1'000'000;
    CLI::App app("How much one thread that only sends can push into TCP on loopback.", "floor");
    FloorLoad& load = options.load;
    add_count_option(app, "--connections", load.connections, 1, 28'000, "Receivers.");
    add_count_option(app, "--batch", load.batch, 1, 1U << 16U, "Messages in one send.");
    add_count_option(app, "--bytes", load.bytes, 1, 1U << 17U,
                     "Bytes of a message. 112: frame head 16, name 13, time 17, two separators, "
                     "text 64.");
    add_count_option(app, "--ahead", load.ahead, 1, 1000,
                     "Rounds that may be on their way; 1: each is received before the next.");
    add_duration_option(app, "--duration", load.duration_ns, ms, 3'600'000 * ms, false,
                        "How long to measure, each way of sending.");
    add_duration_option(app, "--warm-up", load.warm_up_ns, ms, 3'600'000 * ms, true,
                        "Rounds before that.");
    add_choice_option(
        app, "--io", {"uring", "send", "both"},
        [&options](std::size_t choice) { options.io = static_cast<Io>(choice); },
        "How to send: through a ring, one system call a round; by send(2); one after the other.");
    add_choice_option(
        app, "--cpus", {"one", "two"},
        [&load](std::size_t choice) { load.cpus = static_cast<Cpus>(choice); },
        "Sender and receivers on one CPU (the least that a send can cost), or one each.");
    add_path_option(app, "--json", options.json, "Write the results here as JSON.");
    app.footer(
        "Examples:\n"
        "  floor --io both\n"
        "  floor --connections 9000 --batch 16 --json floor.json\n\n"
        "Exit codes: 0, 1 cannot write the JSON file, 2 wrong options or it cannot run\n"
        "here, 4 what was sent did not arrive.");
    if (const auto code = parse_options(app, argc, argv)) return code;
    if (load.batch * load.bytes <= piece_bytes_max) return std::nullopt;
    fmt::print(stderr, "floor: --batch times --bytes is above 64 MiB (--help lists the options)\n");
    return usage_error;
}

const char* way_name(SendWay way) noexcept {
    return way == SendWay::uring ? "uring" : "send";
}

double per(std::uint64_t amount, double of) noexcept {
    return of > 0 ? static_cast<double>(amount) / of : 0.0;
}

double us_per_send(const FloorFigures& figures) noexcept {
    return per(1'000'000, per(figures.sends, figures.sender_cpu_seconds));
}

std::string table_report(const Options& options, const std::vector<FloorRun>& runs) {
    const FloorLoad& load = options.load;
    std::string out = fmt::format(
        "connections: {}, messages a send: {}, bytes a message: {}, "
        "rounds ahead: {}, CPUs: {}\n\n",
        load.connections, load.batch, load.bytes, load.ahead, load.cpus == Cpus::one ? 1 : 2);
    const auto row = [&](const char* name, int digits, auto value) {
        out += fmt::format("{:<26}", name);
        for (const FloorRun& run : runs)
            out += fmt::format("{:>16.{}f}", value(run.figures), digits);
        out += '\n';
    };
    using F = const FloorFigures&;
    out += fmt::format("{:<26}", "");
    for (const FloorRun& run : runs)
        out += fmt::format("{:>16}", way_name(run.way));
    out += '\n';
    row("messages/s", 0, [](F f) { return per(f.messages, f.seconds); });
    row("messages/sender CPU-s", 0, [](F f) { return per(f.messages, f.sender_cpu_seconds); });
    row("sends/s", 0, [](F f) { return per(f.sends, f.seconds); });
    row("sender CPU, us/send", 2, us_per_send);
    row("sender CPU, s", 3, [](F f) { return f.sender_cpu_seconds; });
    row("receivers' CPU, s", 3, [](F f) { return f.receiver_cpu_seconds; });
    row("measured, s", 3, [](F f) { return f.seconds; });
    row("short sends", 0, [](F f) { return static_cast<double>(f.short_sends); });
    row("system calls of the sender", 0, [](F f) { return static_cast<double>(f.system_calls); });
    return out;
}

std::string json_of(const FloorRun& run) {
    const FloorFigures& f = run.figures;
    return fmt::format(
        R"({{"io": "{}", "measured_seconds": {:.6f}, "sender_cpu_seconds": {:.6f}, )"
        R"("receiver_cpu_seconds": {:.6f}, "rounds": {}, "messages": {}, "sends": {}, )"
        R"("short_sends": {}, "system_calls": {}, "bytes_sent": {}, "bytes_received": {}, )"
        R"("messages_per_second": {:.3f}, "messages_per_cpu_second": {:.3f}, )"
        R"("sends_per_second": {:.3f}, "cpu_us_per_send": {:.6f}}})",
        way_name(run.way), f.seconds, f.sender_cpu_seconds, f.receiver_cpu_seconds, f.rounds,
        f.messages, f.sends, f.short_sends, f.system_calls, f.bytes_sent, f.bytes_received,
        per(f.messages, f.seconds), per(f.messages, f.sender_cpu_seconds), per(f.sends, f.seconds),
        us_per_send(f));
}

std::string json_report(const Options& options, const std::vector<FloorRun>& runs) {
    const FloorLoad& load = options.load;
    std::vector<std::string> texts;
    for (const FloorRun& run : runs)
        texts.push_back(json_of(run));
    return fmt::format(
        R"({{"schema_version": 1, "program": "floor", "version": "{}", "commit": "{}", )"
        R"("parameters": {{"connections": {}, "batch": {}, "bytes": {}, "ahead": {}, )"
        R"("cpus": {}}}, )"
        R"("runs": [{}]}})"
        "\n",
        build_info::version, build_info::commit, load.connections, load.batch, load.bytes,
        load.ahead, load.cpus == Cpus::one ? 1 : 2, fmt::join(texts, ", "));
}

// Before the run, not after it.
void check_json_folder(const std::string& path) {
    if (path.empty()) return;
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw StartError(fmt::format("--json: cannot write into {} ({})", folder.native(),
                                 last_error("access").text()));
}

int run(const Options& options) {
    check_json_folder(options.json);
    std::vector<FloorRun> runs;
    for (const SendWay way : {SendWay::uring, SendWay::send}) {
        if (options.io != Io::both && options.io != static_cast<Io>(way)) continue;
        const Result<FloorFigures> figures = run_floor(options.load, way);
        if (!figures) {
            fmt::print(stderr, "floor: {}: {}\n", way_name(way), figures.error().text());
            return not_received;
        }
        runs.push_back({way, *figures});
    }
    fmt::print("{}", table_report(options, runs));
    if (options.json.empty()) return 0;
    const auto file = OutputFile::find(options.json);
    const auto written =
        file ? file->write(json_report(options, runs)) : std::unexpected(file.error());
    if (written) return 0;
    fmt::print(stderr, "floor: cannot write {} ({})\n", options.json, written.error().text());
    return 1;
}

}  // namespace

}  // namespace ringside::bench

int main(int argc, char** argv) {
    using namespace ringside;
    bench::Options options;
    try {
        if (const auto code = bench::read_options(argc, argv, options)) return *code;
        return bench::run(options);
    } catch (const StartError& problem) {
        fmt::print(stderr, "floor: {}\n", problem.what());
        return bench::usage_error;
    }
}
