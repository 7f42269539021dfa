// The subcommand ingest-log: reads the JSON log lines of a server from a pipe or a file until they
// end. One thread. It waits for the input, but never longer than wake_ms: a signal and the textfile
// are looked after in between.

#include "loadgen/ingest_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "common/clock.hpp"
#include "common/help_formatter.hpp"
#include "common/options.hpp"
#include "loadgen/interruption.hpp"
#include "loadgen/log_report.hpp"
#include "loadgen/options.hpp"
#include "loadgen/output.hpp"
#include "loadgen/process_usage.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

constexpr int wake_ms = 100;
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t interval_ns_min = 100'000'000;
constexpr std::uint64_t interval_ns_max = 3'600 * second;

constexpr int read_error = 1;
constexpr int interrupted = 130;

constexpr const char* ingest_exit_codes =
    "Exit codes: 0 read to its end, 1 a read failed, 2 wrong options, or a file that\n"
    "cannot be opened or written, 130 interrupted (Ctrl-C prints the partial result,\n"
    "a second one ends at once).\n\n"
    "Examples:\n"
    "  uring-server --log-level debug 2>&1 | loadgen ingest-log\n"
    "  loadgen ingest-log server.log --metrics-textfile log.prom";

struct IngestOptions {
    std::string file = "-";        // "-": standard input
    std::string json;              // empty: none
    std::string metrics_textfile;  // empty: none
    std::uint64_t metrics_interval_ns = second;
    std::string server_label = "unknown";
};

UniqueFd open_log(const std::string& file) {
    const bool standard_input = file == "-";
    UniqueFd log(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!log) {
        throw StartError(
            fmt::format("cannot open {} ({}); name a log file, or - for standard input",
                        standard_input ? "standard input" : file, last_error("open").text()));
    }
    struct stat status {};
    if (::fstat(log.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        throw StartError(fmt::format("{} is a folder; name a log file", file));
    }
    return log;
}

class Ingestion {
 public:
    /// Throws StartError where a file cannot be opened or written.
    explicit Ingestion(const IngestOptions& options)
        : options_(options),
          // Before signals are held back: opening a pipe waits for its writer.
          log_(open_log(options.file)),
          interruption_(or_start_error(Interruption::make())),
          results_{.tally = tally_, .file = options.file, .server_label = options.server_label} {
        if (options.metrics_textfile.empty()) return;
        textfile_ = std::make_unique<Textfile>(options.metrics_textfile);
        removed_at_signal_.emplace(textfile_->path().c_str());
    }

    /// The exit code.
    int run() {
        begin_ns_ = monotonic_ns();
        while (go_on()) {
        }
        results_.seconds = static_cast<double>(monotonic_ns() - begin_ns_) / 1e9;
        results_.cpu_seconds = own_usage().cpu_seconds;
        print_to(options_.json == "-" ? stderr : stdout, log_table(results_));
        if (!results_.failure.empty()) tell(fmt::format("loadgen: {}\n", results_.failure));
        bool written =
            options_.json.empty() || write_output_file(options_.json, log_json(results_));
        if (results_.interrupted) return interrupted;
        if (!results_.failure.empty()) return written ? read_error : usage_error;
        if (textfile_ != nullptr) written &= leave_textfile();
        return written ? 0 : usage_error;
    }

 private:
    // False at the end, whatever ended it.
    bool go_on() {
        if (textfile_ != nullptr && monotonic_ns() >= next_textfile_ns_) {
            write_textfile();
            next_textfile_ns_ = monotonic_ns() + options_.metrics_interval_ns;
        }
        results_.interrupted = interruption_.requested();
        if (results_.interrupted) return false;
        pollfd ready{log_.get(), POLLIN, 0};
        if (::poll(&ready, 1, wake_ms) <= 0) return true;
        return read_block();
    }

    bool read_block() {
        const std::span<char> room = cutter_.room();
        const ssize_t got = ::read(log_.get(), room.data(), room.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
        if (got < 0) {
            results_.failure =
                fmt::format("cannot read {} ({})", options_.file, last_error("read").text());
            return false;
        }
        if (got == 0) cutter_.ended();
        cutter_.filled(static_cast<std::size_t>(got));
        results_.bytes += static_cast<std::uint64_t>(got);
        tally_.take(cutter_);
        return got != 0;
    }

    void write_textfile() {
        const Result<void> written = textfile_->write(log_snapshot(results_).text());
        if (written || std::exchange(write_failed_, true)) return;
        tell(fmt::format("loadgen: cannot write {} ({}); reading goes on without it\n",
                         options_.metrics_textfile, written.error().text()));
    }

    // A log that has ended is counted for good: its file is there for a scrape that comes later.
    bool leave_textfile() {
        const Result<void> written = textfile_->write(log_snapshot(results_).text());
        if (written) {
            textfile_->keep();
            removed_at_signal_.reset();
            return true;
        }
        tell(fmt::format("loadgen: cannot write {} ({})\n", options_.metrics_textfile,
                         written.error().text()));
        return false;
    }

    const IngestOptions& options_;
    UniqueFd log_;
    Interruption interruption_;
    LineCutter cutter_;
    LogTally tally_;
    LogResults results_;
    std::unique_ptr<Textfile> textfile_;  // null without --metrics-textfile
    std::optional<RemovedAtSignal> removed_at_signal_;
    bool write_failed_ = false;  // told once
    std::uint64_t begin_ns_ = 0;
    std::uint64_t next_textfile_ns_ = 0;
};

int ingest_log(const IngestOptions& options) {
    check_distinct({{"the log", options.file},
                    {"--json", options.json},
                    {"--metrics-textfile", options.metrics_textfile}});
    check_output_file("--json", options.json);
    return Ingestion(options).run();
}

}  // namespace

void add_ingest_log(CLI::App& app, Command& command) {
    CLI::App& ingest =
        *app.add_subcommand("ingest-log", "Response times from a server's debug log.");
    const auto options = std::make_shared<IngestOptions>();
    ingest.formatter(std::make_shared<HelpFormatter>());
    ingest.footer(ingest_exit_codes);
    ingest.add_option("FILE", options->file, "The log: a file or a pipe; - is standard input.")
        ->type_name("")
        ->capture_default_str();
    add_path_option(ingest, "--json", options->json, "Write the results here as JSON.");
    add_path_option(ingest, "--metrics-textfile", options->metrics_textfile,
                    "Write metrics here (a name that ends in .prom) for node-exporter's textfile "
                    "collector, while reading and at the end of the log. Stays after that; removed "
                    "where reading was interrupted, but for kill -9.");
    add_duration_option(ingest, "--metrics-interval", options->metrics_interval_ns, interval_ns_min,
                        interval_ns_max, false, "How often the metrics are written.");
    add_server_label(ingest, options->server_label);
    ingest.parse_complete_callback(
        [&command, options] { command = [options] { return ingest_log(*options); }; });
}

}  // namespace ringside::loadgen
