#include "loadgen/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "common/help_formatter.hpp"
#include "common/options.hpp"
#include "loadgen/calibrate.hpp"
#include "loadgen/compare.hpp"
#include "loadgen/control_characters.hpp"
#include "loadgen/ingest_log.hpp"
#include "loadgen/load_limits.hpp"
#include "loadgen/merge.hpp"
#include "loadgen/scenario_commands.hpp"
#include "loadgen/scenario_file.hpp"
#include "loadgen/search.hpp"
#include "loadgen/standard_streams.hpp"
#include "loadgen/start_time.hpp"
#include "loadgen/sweep.hpp"
#include "uring_async/io/io.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::size_t outstanding_by_default = 16;

constexpr std::size_t fanout_payload_bytes = 64;
constexpr std::uint64_t step_warm_up_ns = 500 * ms;
constexpr const char* slo_missed =
    "Exit with 3 where a percentile is above that (of own_copy where no room has members who stay, "
    "unless one is named)";

constexpr const char* exit_codes =
    "Exit codes: 0 every delivery was right, 1 the run could not go on, 2 wrong\n"
    "options or results that cannot be written, 3 --slo was missed, 4 a delivery was\n"
    "wrong or missing, or the load generator itself was late, busy or stopped,\n"
    "130 interrupted (Ctrl-C prints the partial result, a second one ends at once).";

void add_connection_options(CLI::App& app, Options& options) {
    add_address_option(app, "--connect", options.connect, "The server.")->group("Run");
    add_count_option(app, "--sources", options.sources, 1, sources_max,
                     "Connect from so many addresses, 127.0.0.1 and on, in turn: one gives some "
                     "28,000 connections. For a server on 127.0.0.0/8 only.")
        ->group("Run");
    uring::add_io_option(app, options.io)->group("Run");
}

void add_run_options(CLI::App& app, Options& options) {
    add_duration_option(app, "--duration", options.duration_ns, 100 * ms, 24 * hour, false,
                        "How long to measure.")
        ->group("Run");
    add_connection_options(app, options);
}

void add_load_options(CLI::App& app, Options& options) {
    add_count_option(app, "--outstanding", options.outstanding, 1, outstanding_max,
                     "Messages that a sender sends ahead of its own copies.")
        ->group("Load");
    add_duration_option(app, "--warm-up", options.warm_up_ns, ms, hour, true,
                        "Load before the measured time.")
        ->group("Load");
    add_count_option(app, "--seed", options.seed, 0, SIZE_MAX,
                     "The same seed makes the same decisions.")
        ->group("Load");
}

void add_shard_options(CLI::App& app, Options& options) {
    constexpr const char* group = "Several processes";
    const auto refuse = [](const char* name, const char* wanted, const std::string& got) {
        throw CLI::ValidationError(name, fmt::format("must be {}, not '{}'", wanted, got));
    };
    const auto read_shard = [&options, refuse](const std::string& text) {
        if (const auto shards = parse_shard(text))
            options.shards = *shards;
        else
            refuse("--shard", "I/N, as 2/3 for the second of three", text);
    };
    const auto read_start = [&options, refuse](const std::string& text) {
        if (const auto start_ns = parse_utc_ns(text))
            options.start_ns = *start_ns;
        else
            refuse("--start-at", "a time in UTC, as 2026-11-26T18:30:00Z", text);
    };
    app.add_option_function<std::string>(
           "--shard", read_shard,
           "This process takes part I of N of the load, which the other options say whole; "
           "loadgen merge adds the results.")
        ->type_name("I/N")
        ->take_last()
        ->group(group);
    app.add_option_function<std::string>(
           "--start-at", read_start,
           "When the load begins: UTC, as 2026-11-26T18:30:00Z. Whoever is not set up by then "
           "fails. Default: once set up.")
        ->type_name("TIME")
        ->take_last()
        ->group(group);
}

void add_arrival_options(CLI::App& app, Offered& offered, const std::string& condition) {
    const auto store = [&offered](std::size_t index) {
        offered.arrivals = static_cast<Arrivals>(index);
    };
    add_choice_option(app, "--arrivals", {"constant", "poisson"}, store,
                      "Messages are due evenly, or at random as of many people." + condition)
        ->group("Load");
    add_count_option(app, "--burst", offered.burst, 1, burst_max,
                     "So many messages of a publisher are due at once." + condition)
        ->group("Load");
}

void add_schedule_options(CLI::App& app, Offered& offered) {
    constexpr const char* group = "Load";
    add_count_option(app, "--rate", offered.per_second, 0, per_second_max,
                     "Messages a second that all publishers together are to send, whatever the "
                     "server does: latencies count from when a message was due. --outstanding is "
                     "then a bound, 1024 by default. 0: send as soon as --outstanding allows.")
        ->group(group);
    add_arrival_options(app, offered, " Needs --rate.");
}

void add_protocol_option(CLI::App& app, Options& options) {
    const auto store = [&options](std::size_t index) {
        options.protocol = static_cast<Protocol>(index);
    };
    add_choice_option(
        app, "--protocol", {"chat", "redis", "nats"}, store,
        "What the server speaks: the chat protocol, or publish/subscribe of Redis 6 or "
        "later, or of NATS.")
        ->group("Run");
}

void add_server_results(CLI::App& app, Options& options) {
    constexpr const char* group = "Results";
    add_path_option(app, "--json", options.json,
                    "Write the results here as JSON; -: to standard output, and the table to "
                    "standard error.")
        ->group(group);
    add_server_label(app, options.server_label)->group(group);
    add_count_option(app, "--server-pid", options.server_pid, 0, 1U << 22U,
                     "Process of the server, on this machine: measure its CPU time and, idle, its "
                     "memory.")
        ->group(group);
    app.add_flag("--quiet", options.quiet, "Show no progress on standard error.")->group(group);
}

void add_result_options(CLI::App& app, Options& options) {
    constexpr const char* group = "Results";
    add_server_results(app, options);
    add_path_option(app, "--csv", options.csv,
                    "Write the latencies here as CSV, one a line; - as for --json.")
        ->group(group);
    add_path_option(
        app, "--hgrm", options.hgrm,
        "Write the distribution of each latency into this folder, as NAME.hgrm of "
        "HdrHistogram, in milliseconds; the folder is made where it is missing. Files of "
        "latencies that this run did not measure are removed from it.")
        ->group(group);
    add_path_option(
        app, "--metrics-textfile", options.metrics_textfile,
        "Write metrics here (a name that ends in .prom) for node-exporter's textfile "
        "collector while running; removed at exit, also by a second Ctrl-C. After kill -9 "
        "it stays: node_textfile_mtime_seconds tells that it is old.")
        ->group(group);
    add_duration_option(app, "--metrics-interval", options.metrics_interval_ns, 100 * ms, hour,
                        false, "How often the metrics are written.")
        ->group(group);
}

CLI::App& add_workload(CLI::App& app, const char* name, const std::string& what, Options& options,
                       WorkloadKind kind) {
    CLI::App& workload = *app.add_subcommand(name, what);
    workload.formatter(std::make_shared<HelpFormatter>());
    workload.footer(exit_codes);
    workload.parse_complete_callback([&options, kind] { options.workload = kind; });
    return workload;
}

void add_thesis(CLI::App& app, Options& options) {
    CLI::App& thesis = add_workload(app, "thesis", "Users that wander between rooms and chat.",
                                    options, WorkloadKind::thesis);
    constexpr const char* group = "Load";
    add_count_option(thesis, "--users", options.users, 1, users_max, "Virtual users.")
        ->group(group);
    add_load_options(thesis, options);
    add_shard_options(thesis, options);
    add_slo_option(thesis, options, slo_missed);
    add_run_options(thesis, options);
    add_result_options(thesis, options);
}

void add_room_options(CLI::App& fanout, Options& options) {
    constexpr const char* group = "Load";
    add_count_option(fanout, "--rooms", options.rooms, 1, users_max, "Rooms.")->group(group);
    add_count_option(fanout, "--members", options.members, 1, users_max,
                     "Members of each room, publishers included.")
        ->group(group);
    add_count_option(fanout, "--publishers", options.publishers, 1, users_max,
                     "Members of each room that send.")
        ->group(group);
    add_count_option(fanout, "--payload", options.payload_bytes, payload_bytes_min,
                     message_bytes_max, "Bytes of a message.")
        ->group(group);
}

void add_fanout(CLI::App& app, Options& options) {
    CLI::App& fanout = add_workload(app, "fanout", "Rooms in which few publish to many.", options,
                                    WorkloadKind::fanout);
    add_room_options(fanout, options);
    add_load_options(fanout, options);
    add_slo_option(fanout, options, slo_missed);
    add_schedule_options(fanout, options.offered);
    add_shard_options(fanout, options);
    add_protocol_option(fanout, options);
    add_run_options(fanout, options);
    add_result_options(fanout, options);
}

void add_idle(CLI::App& app, Options& options) {
    CLI::App& idle = add_workload(app, "idle", "Users that join a room and say nothing.", options,
                                  WorkloadKind::idle);
    constexpr const char* group = "Load";
    add_count_option(idle, "--users", options.users, 1, users_max, "Virtual users.")->group(group);
    add_count_option(idle, "--rooms", options.rooms, 1, users_max,
                     "Rooms that they are spread over, in each process.")
        ->group(group);
    add_shard_options(idle, options);
    add_protocol_option(idle, options);
    add_run_options(idle, options);
    add_result_options(idle, options);
}

// What a file says, unless the command line says otherwise.
void add_run(CLI::App& app, Options& options, std::string& file) {
    CLI::App& run = add_workload(app, "run", "A load that a scenario file describes.", options,
                                 WorkloadKind::scenario);
    run.add_option("FILE", file, "The scenario file, such as bench/scenarios/churn.json.")
        ->required();
    add_duration_option(run, "--warm-up", options.warm_up_ns, ms, hour, true,
                        "Load before the measured time, instead of the file's.")
        ->default_str("the file's")
        ->group("Load");
    add_slo_option(run, options, slo_missed);
    add_count_option(run, "--seed", options.seed, 0, SIZE_MAX,
                     "The same seed makes the same decisions.")
        ->group("Load");
    add_run_options(run, options);
    run.get_option("--duration")->default_str("the file's");
    add_result_options(run, options);
}

// Reads the file; false where it has a mistake, each of which is told.
bool take_scenario(const CLI::App& run, const std::string& file, Options& options) {
    auto scenario = read_scenario(file);
    if (!scenario) {
        for (const std::string& mistake : scenario.error())
            tell(fmt::format("loadgen: {}\n", mistake));
        return false;
    }
    if (run.count("--warm-up") > 0) scenario->warm_up_ns = options.warm_up_ns;
    if (run.count("--duration") > 0) scenario->measure_ns = options.duration_ns;
    options.users = scenario->users();
    options.offered.per_second = static_cast<std::uint64_t>(scenario->offered_per_second());
    options.scenario = std::move(*scenario);
    return true;
}

// CLI11 asks for a command then, without a word of the one that was given. Null: it is known, or
// there is none.
const char* unknown_command(const CLI::App& app, int argc, const char* const* argv) {
    if (argc < 2 || argv[1][0] == '-') return nullptr;
    const auto named = [word = std::string_view(argv[1])](const CLI::App* command) {
        return command->get_name() == word;
    };
    return app.get_subcommands(named).empty() ? argv[1] : nullptr;
}

std::string probe_text() {
    return uring::probe_io_uring().text();
}

}  // namespace

CLI::Option* add_server_label(CLI::App& app, std::string& target) {
    const auto read = [&target](const std::string& text) {
        if (text != controls_escaped(text)) {
            throw CLI::ValidationError(
                "--server-label",
                "must be without control characters, not '" + controls_escaped(text) + "'");
        }
        target = text;
    };
    return app
        .add_option_function<std::string>("--server-label", read,
                                          "What the results call the server, such as uring.")
        ->type_name("TEXT")
        ->default_str(target)
        ->take_last();
}

void add_slo_option(CLI::App& app, Options& options, const std::string& meaning) {
    const auto read = [&options](const std::string& text) {
        options.slo = parse_slo(text);
        if (options.slo) return;
        throw CLI::ValidationError("--slo",
                                   fmt::format("must be [LATENCY:]pNN<=TIME, as 'p99<=1ms' or "
                                               "'own_copy:p99.9<=2.5ms' (ns, us, ms, s), not '{}'",
                                               text));
    };
    app.add_option_function<std::string>(
           "--slo", read,
           meaning + ": 'p99<=1ms' of the last member's latency, 'own_copy:p99.9<=2ms' of another.")
        ->type_name("SLO")
        ->take_last()
        ->group("Results");
}

void add_rate_run_options(CLI::App& app, Options& options) {
    options.workload = WorkloadKind::fanout;
    options.outstanding = outstanding_at_a_rate;
    options.payload_bytes = fanout_payload_bytes;
    options.warm_up_ns = step_warm_up_ns;
    app.formatter(std::make_shared<HelpFormatter>());
    add_room_options(app, options);
    add_load_options(app, options);
    add_arrival_options(app, options.offered, "");
    add_protocol_option(app, options);
    add_connection_options(app, options);
    add_server_results(app, options);
}

std::optional<int> read_options(int argc, const char* const* argv, Options& options,
                                Command& command) {
    CLI::App app("Load for a chat server, Redis or NATS, every delivery verified.", "loadgen");
    Options thesis = options;
    Options fanout = options;
    fanout.outstanding = outstanding_by_default;
    fanout.payload_bytes = fanout_payload_bytes;
    Options idle = options;
    idle.users = 1000;
    idle.publishers = 0;
    idle.warm_up_ns = 0;
    add_thesis(app, thesis);
    add_fanout(app, fanout);
    add_idle(app, idle);
    add_calibrate(app, command);
    Options run = options;
    std::string file;
    add_run(app, run, file);
    add_scenario_commands(app, command);
    add_merge(app, command);
    add_compare(app, command);
    add_ingest_log(app, command);
    add_sweep(app, command);
    add_search(app, command);
    app.require_subcommand(1);
    app.footer(std::string("Examples:\n"
                           "  loadgen thesis --users 100\n"
                           "  loadgen fanout --members 100 --outstanding 16 --duration 30s\n"
                           "  loadgen fanout --members 100 --rate 10000 --arrivals poisson\n"
                           "  loadgen fanout --rooms 1000 --members 2 --json result.json\n"
                           "  loadgen fanout --protocol redis --connect 127.0.0.1:6379\n"
                           "  loadgen search --members 100 --slo 'p99<=5ms'\n"
                           "  loadgen sweep --members 10 --rates 1000..100000\n"
                           "  loadgen idle --users 10000 --server-pid $(pidof uring-server)\n"
                           "  loadgen scenarios\n"
                           "  loadgen run bench/scenarios/churn.json --slo 'p99<=5ms'\n"
                           "  loadgen merge both.json 1.json 2.json\n"
                           "  loadgen compare pipeline.json uring.json\n"
                           "  loadgen calibrate\n"
                           "  loadgen fanout --help\n\n") +
               exit_codes);
    if (const char* const word = unknown_command(app, argc, argv)) {
        tell(fmt::format("loadgen: there is no command '{}' (--help lists them)\n",
                         controls_escaped(word)));
        return usage_error;
    }
    if (const auto code = parse_options(app, argc, argv, probe_text)) {
        command = {};  // of a line with a mistake behind it
        return code;
    }
    if (command) return std::nullopt;
    if (fanout.offered.per_second != 0 &&
        app.get_subcommand("fanout")->count("--outstanding") == 0) {
        fanout.outstanding = outstanding_at_a_rate;
    }
    if (app.got_subcommand("run")) {
        if (!take_scenario(*app.get_subcommand("run"), file, run)) return usage_error;
        options = std::move(run);
    } else {
        options = app.got_subcommand("thesis")   ? thesis
                  : app.got_subcommand("fanout") ? fanout
                                                 : idle;
    }
    const char* const problem = settle(options);
    if (problem == nullptr) return std::nullopt;
    tell(fmt::format("loadgen: {} ({} --help lists the options)\n", problem,
                     workload_name(options.workload)));
    return usage_error;
}

}  // namespace ringside::loadgen
