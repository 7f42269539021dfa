#include "loadgen/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/output_file.hpp"
#include "common/result.hpp"
#include "loadgen/interruption.hpp"
#include "loadgen/report.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::string_view standard_output = "-";

std::string hgrm_file(const Options& options, Latency kind) {
    return fmt::format("{}/{}.hgrm", options.hgrm, latency_name(kind));
}

void check_hgrm(const Options& options) {
    if (options.hgrm.empty()) return;
    if (options.hgrm == standard_output) {
        throw StartError("--hgrm: it is a file for each latency, which - cannot be; name a folder");
    }
    std::error_code failed;
    std::filesystem::create_directories(options.hgrm, failed);
    if (failed || ::access(options.hgrm.c_str(), W_OK | X_OK) != 0) {
        throw StartError(fmt::format("--hgrm: cannot write into {} ({})", options.hgrm,
                                     failed ? failed.message() : last_error("access").text()));
    }
}

void check_in_place(const char* option, const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_socket(path, ignored)) {
        throw StartError(fmt::format("{}: {} is a socket; name a file", option, path));
    }
    if (::access(path.c_str(), W_OK) == 0) return;
    throw StartError(
        fmt::format("{}: cannot write {} ({})", option, path, last_error("access").text()));
}

// False where it could not be removed, which is told.
bool remove_stale(const std::string& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return true;
    tell(fmt::format("loadgen: cannot remove {}, which is of an earlier run ({})\n", path,
                     last_error("unlink").text()));
    return false;
}

// A latency that was not measured has no file; what an earlier run left would be taken for one.
bool write_distributions(const Options& options, const Recorder& recorder) {
    bool all = true;
    for (std::size_t i = 0; i < latency_kinds && !options.hgrm.empty(); ++i) {
        const auto kind = static_cast<Latency>(i);
        const std::string path = hgrm_file(options, kind);
        const Histogram& latency = recorder.latency(kind);
        all &= latency.count() == 0 ? remove_stale(path)
                                    : write_output_file(path, hgrm_report(latency));
    }
    return all;
}

Result<void> write_whole(const std::string& path, const std::string& text) {
    const Result<OutputFile> file = OutputFile::find(path);
    if (!file) return std::unexpected(file.error());
    if (file->in_place) {
        std::fflush(stdout);  // in case it is that: the table comes first
        // A FIFO may have no reader for ever: Ctrl-C must end that.
        Interruption::let_signals_through();
    }
    return file->write(text);
}

bool is_in_place(const std::string& path) {
    if (path == standard_output) return false;
    const Result<OutputFile> file = OutputFile::find(path);
    return file && file->in_place;
}

// Where it lies, by whatever way it is named; empty: in no file.
std::filesystem::path place_of(const std::string& path) {
    if (path.empty() || path == standard_output) return {};
    const Result<OutputFile> file = OutputFile::find(path);
    const std::filesystem::path found = file ? file->path : std::filesystem::path(path);
    std::error_code failed;
    // What is relative and not there would stay relative.
    const auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(found), failed);
    return failed ? found : place;
}

std::vector<NamedFile> outputs_of(const Options& options) {
    std::vector<NamedFile> files = {{"--json", options.json},
                                    {"--csv", options.csv},
                                    {"--metrics-textfile", options.metrics_textfile}};
    if (options.hgrm.empty()) return files;
    for (std::size_t i = 0; i < latency_kinds; ++i)
        files.push_back({"--hgrm", hgrm_file(options, static_cast<Latency>(i))});
    return files;
}

}  // namespace

void check_distinct(const std::vector<NamedFile>& files) {
    for (auto one = files.begin(); one != files.end(); ++one) {
        const std::filesystem::path place = place_of(one->path);
        if (place.empty()) continue;
        for (auto other = files.begin(); other != one; ++other) {
            if (place_of(other->path) != place) continue;
            throw StartError(fmt::format("{} and {} are one file, {}: name two", other->option,
                                         one->option, one->path));
        }
    }
}

void check_output_file(const char* option, const std::string& path) {
    if (path.empty() || path == standard_output) return;
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        throw StartError(fmt::format("{}: {} is a folder; name a file", option, path));
    }
    const Result<OutputFile> file = OutputFile::find(path);
    if (!file) {
        throw StartError(
            fmt::format("{}: cannot write {} ({})", option, path, file.error().text()));
    }
    if (file->in_place) return check_in_place(option, path);
    std::filesystem::path folder = file->path.parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw StartError(fmt::format("{}: cannot write into {} ({})", option, folder.native(),
                                 last_error("access").text()));
}

bool write_output_file(const std::string& path, const std::string& text) {
    if (path == standard_output) {
        print_to(stdout, text);
        return true;
    }
    const Result<void> written = write_whole(path, text);
    if (written) return true;
    tell(fmt::format("loadgen: cannot write {} ({})\n", path, written.error().text()));
    return false;
}

void check_outputs(const Options& options) {
    if (options.json == standard_output && options.csv == standard_output) {
        throw StartError("JSON and CSV cannot both go to standard output: name a file for one");
    }
    check_distinct(outputs_of(options));
    check_output_file("--json", options.json);
    check_output_file("--csv", options.csv);
    check_hgrm(options);
}

std::FILE* table_stream(const Options& options) noexcept {
    const bool taken = options.json == standard_output || options.csv == standard_output;
    return taken ? stderr : stdout;
}

bool write_outputs(const Options& options, const Results& results) {
    if (results.failure.empty() || results.measured_seconds > 0) {
        print_to(table_stream(options), table_report(results));
    }
    if (!results.failure.empty()) tell(fmt::format("loadgen: {}\n", results.failure));
    bool all = write_distributions(options, results.recorder);
    // What may wait for a reader comes last.
    for (const bool in_place : {false, true}) {
        if (!options.json.empty() && is_in_place(options.json) == in_place)
            all &= write_output_file(options.json, json_report(results));
        if (!options.csv.empty() && is_in_place(options.csv) == in_place)
            all &= write_output_file(options.csv, csv_report(results));
    }
    return all;
}

}  // namespace ringside::loadgen
