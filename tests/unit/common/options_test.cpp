#include "common/options.hpp"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "common/build_info.hpp"
#include "support/captured_stream.hpp"

namespace ringside {

namespace {

struct Outcome {
    std::optional<int> exit_code;
    ServerOptions options;
    std::string output;  // standard output
    std::string error;   // standard error
};

Outcome parse(std::vector<const char*> arguments, std::string (*version_extra)() = nullptr) {
    Outcome outcome;
    CLI::App app("A chat server.", "some-server");
    add_server_options(app, outcome.options);
    arguments.insert(arguments.begin(), "some-server");
    test::CapturedStream output(stdout);
    test::CapturedStream error(stderr);
    outcome.exit_code =
        parse_options(app, static_cast<int>(arguments.size()), arguments.data(), version_extra);
    outcome.output = output.take();
    outcome.error = error.take();
    return outcome;
}

/// Checks that the arguments are refused in one line, which it returns.
std::string refusal(const std::vector<const char*>& arguments) {
    const Outcome outcome = parse(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.empty());
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
    CHECK(outcome.error.starts_with("some-server: "));
    return outcome.error;
}

}  // namespace

TEST_CASE("without arguments every option has its default") {
    const Outcome outcome = parse({});
    CHECK_FALSE(outcome.exit_code);
    CHECK(outcome.options.listen == "127.0.0.1:5000");
    CHECK(outcome.options.data == "./ringside-data");
    CHECK(outcome.options.fsync.mode == FsyncPolicy::Mode::interval);
    CHECK(outcome.options.chat.message_bytes_max == 4096);
    CHECK(outcome.options.time.idle_ns == 0);
}

TEST_CASE("every option takes a value") {
    const Outcome outcome = parse({"--listen=[::]:0",
                                   "--port-file",
                                   "p",
                                   "--data",
                                   "d",
                                   "--metrics-textfile",
                                   "m.prom",
                                   "--metrics-interval=250ms",
                                   "--log-level=warn",
                                   "--log-file=l",
                                   "--max-connections=7",
                                   "--max-user-name=8",
                                   "--max-room-name=80",
                                   "--max-message=10",
                                   "--max-frame-length",
                                   "100",
                                   "--handshake-timeout=1s",
                                   "--frame-timeout=2s",
                                   "--idle-timeout=3m",
                                   "--write-timeout=4h",
                                   "--max-lag=2MiB",
                                   "--drain-timeout",
                                   "0"});
    CAPTURE(outcome.error);
    REQUIRE_FALSE(outcome.exit_code);
    const ServerOptions& options = outcome.options;
    CHECK(options.listen == "[::]:0");
    CHECK(options.port_file == "p");
    CHECK(options.data == "d");
    CHECK(options.metrics_textfile == "m.prom");
    CHECK(options.metrics_interval_ns == 250'000'000);
    CHECK(options.log_level == "warn");
    CHECK(options.log_file == "l");
    CHECK(options.connections_max == 7);
    CHECK(options.chat.user_name_bytes_max == 8);
    CHECK(options.chat.room_name_bytes_max == 80);
    CHECK(options.chat.message_bytes_max == 10);
    CHECK(options.chat.frame_length_max == 100);
    CHECK(options.time.handshake_ns == 1'000'000'000);
    CHECK(options.time.frame_ns == 2'000'000'000);
    CHECK(options.time.idle_ns == 180'000'000'000);
    CHECK(options.time.write_ns == 14'400'000'000'000);
    CHECK(options.time.lag_bytes_max == 2'097'152);
    CHECK(options.drain_ns == 0);
}

TEST_CASE("fsync is never, always or an interval in milliseconds") {
    CHECK(parse({"--fsync=never"}).options.fsync.mode == FsyncPolicy::Mode::never);
    CHECK(parse({"--fsync=always"}).options.fsync.mode == FsyncPolicy::Mode::always);
    const FsyncPolicy interval = parse({"--fsync=interval:250"}).options.fsync;
    CHECK(interval.mode == FsyncPolicy::Mode::interval);
    CHECK(interval.interval_ns == 250'000'000);
    for (const char* wrong :
         {"--fsync=sometimes", "--fsync=interval", "--fsync=interval:", "--fsync=interval:0",
          "--fsync=interval:60001", "--fsync=interval:5s", "--fsync="}) {
        CAPTURE(wrong);
        refusal({wrong});
    }
}

TEST_CASE("time limits can be switched off, and the drain cannot") {
    CHECK(parse({"--write-timeout=off"}).options.time.write_ns == 0);
    CHECK(parse({"--write-timeout=0"}).options.time.write_ns == 0);
    refusal({"--drain-timeout=off"});
    refusal({"--inject-stall=901ms"});
    refusal({"--metrics-interval=0"});
}

TEST_CASE("an option given twice takes the last value") {
    CHECK(parse({"--max-connections=1", "--max-connections=2"}).options.connections_max == 2);
}

TEST_CASE("a value out of range is refused in one line that names the range") {
    CHECK(refusal({"--max-connections", "0"}) ==
          "some-server: --max-connections: must be a whole number from 1 to 1000000, not '0' "
          "(--help lists the options)\n");
    CHECK_THAT(refusal({"--max-room-name=81"}), Catch::Contains("from 1 to 80"));
    CHECK_THAT(refusal({"--handshake-timeout=10"}), Catch::Contains("with its unit"));
    for (const char* wrong : {"--max-connections=-1",
                              "--max-connections=1e3",
                              "--max-connections=5x",
                              "--max-connections=18446744073709551617",
                              "--max-message=65537",
                              "--max-frame-length=0",
                              "--max-lag=1",
                              "--max-lag=64kb",
                              "--max-lag=99999999999GiB",
                              "--metrics-interval=10ms",
                              "--idle-timeout=9999999999999999h",
                              "--log-level=trace",
                              "--metrics-textfile=metrics",
                              "--listen=5000",
                              "--listen=:5000",
                              "--listen=host:70000",
                              "--listen=host:",
                              "--data=",
                              "--listen",
                              "--unknown",
                              "word"}) {
        CAPTURE(wrong);
        refusal({wrong});
    }
}

TEST_CASE("a text limit above the frame limit is refused, wherever the options stand") {
    CHECK(refusal({"--max-frame-length=1000"}) ==
          "some-server: --max-message: 4096 is above --max-frame-length (1000): lower it, or "
          "raise --max-frame-length (--help lists the options)\n");
    CHECK_THAT(refusal({"--max-message=9", "--max-frame-length=10"}),
               Catch::Contains("--max-room-name: 64 is above"));
    CHECK_FALSE(parse({"--max-message=1000", "--max-frame-length=1000"}).exit_code);
}

TEST_CASE("help goes to standard output, lists every option with its default, fits 80 columns") {
    const Outcome outcome = parse({"--help"});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.error.empty());
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
    for (const char* expected : {"--listen HOST:PORT ",
                                 "Default: 127.0.0.1:5000.",
                                 "--port-file PATH ",
                                 "--data PATH ",
                                 "Default: ./ringside-data.",
                                 "--fsync WHEN ",
                                 "Default: interval:1000.",
                                 "--metrics-textfile PATH.prom",
                                 "--metrics-interval TIME ",
                                 "Default: 1s.",
                                 "--log-level LEVEL ",
                                 "Default: info.",
                                 "--log-file PATH ",
                                 "--max-connections N ",
                                 "Default: 10000.",
                                 "--max-user-name N ",
                                 "Default: 32.",
                                 "--max-room-name N ",
                                 "Default: 64.",
                                 "--max-message N ",
                                 "Default: 4096.",
                                 "--max-frame-length N ",
                                 "Default: 65536.",
                                 "--handshake-timeout TIME ",
                                 "--frame-timeout TIME ",
                                 "--idle-timeout TIME ",
                                 "--write-timeout TIME ",
                                 "Default: 10s.",
                                 "--max-lag BYTES ",
                                 "Default: off.",
                                 "--drain-timeout TIME ",
                                 "--inject-stall TIME ",
                                 "--version ",
                                 "Examples:\n  some-server\n"}) {
        CAPTURE(expected);
        CHECK_THAT(outcome.output, Catch::Contains(expected));
    }
    CHECK_THAT(outcome.output, !Catch::Contains("\n\n\n"));
}

TEST_CASE("version says what the program was built from, and what the program adds") {
    const Outcome plain = parse({"--version"});
    CHECK(plain.exit_code == 0);
    CHECK(plain.output == version_text("some-server") + "\n");
    for (const char* part :
         {"some-server 0.", build_info::commit, build_info::compiler, build_info::build_type}) {
        CHECK_THAT(plain.output, Catch::Contains(part));
    }
    const Outcome extended = parse({"--version"}, [] { return std::string("probe: fine"); });
    CHECK(extended.output == version_text("some-server") + "\nprobe: fine\n");
}

TEST_CASE("durations have a unit, and their text reads back") {
    CHECK(parse_duration_ns("0") == 0U);
    CHECK(parse_duration_ns("250ms") == 250'000'000U);
    CHECK(parse_duration_ns("10s") == 10'000'000'000U);
    CHECK(parse_duration_ns("2m") == 120'000'000'000U);
    CHECK(parse_duration_ns("1h") == 3'600'000'000'000U);
    for (const char* wrong : {"", "s", "10", "1.5s", "-1s", "10 s", "10sec", "99999999999999h"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_duration_ns(wrong));
    }
    for (const char* text : {"0", "1ms", "999ms", "1s", "90s", "2m", "720h"}) {
        CHECK(duration_text(*parse_duration_ns(text)) == text);
    }
}

}  // namespace ringside
