#include "loadgen/result_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/result.hpp"
#include "loadgen/json_node.hpp"
#include "loadgen/report.hpp"
#include "loadgen/scenario_file.hpp"

namespace ringside::loadgen {

namespace {

// Above what any run has, and low enough that a thousand shards can be added.
constexpr std::uint64_t users_read_max = 4'000'000;
constexpr std::uint64_t count_read_max = std::uint64_t{1} << 53U;

// The value whose name, by `name_of`, stands in the node.
template <typename Enum, std::size_t n>
Enum named(const JsonNode& node, const std::array<Enum, n>& values, const char* (*name_of)(Enum)) {
    const std::string text = node.text();
    std::string names;
    for (const Enum value : values) {
        if (text == name_of(value)) return value;
        names += fmt::format("{}{}", names.empty() ? "" : " or ", name_of(value));
    }
    node.refuse(names);
}

void check_kind(const JsonNode& root, std::string_view file) {
    const std::string program = root.at("program").text();
    if (program != "loadgen") {
        throw StartError(fmt::format("{}: these are results of {}, not of loadgen", file, program));
    }
    const std::uint64_t version = root.at("schema_version").whole();
    if (version == schema_version) return;
    throw StartError(
        fmt::format("{}: its schema_version is {}, and this loadgen reads {} only: "
                    "use the loadgen that wrote it, or measure again",
                    file, version, schema_version));
}

void read_origin(const JsonNode& root, Origin& origin) {
    origin.version = root.at("version").text();
    origin.commit = root.at("commit").text();
    origin.compiler = root.at("compiler").text();
    origin.build_type = root.at("build_type").text();
    const auto machine = root.find("machine");
    if (!machine) return;
    origin.machine = {machine->at("kernel").text(), machine->at("cpu").text(),
                      machine->at("cores").whole()};
}

void read_open_loop(const JsonNode& open_loop, Offered& offered) {
    constexpr std::array arrivals{Arrivals::constant, Arrivals::poisson};
    offered.per_second = open_loop.at("messages_per_second").whole();
    if (offered.per_second == 0) open_loop.at("messages_per_second").refuse("at least 1");
    offered.arrivals = named(open_loop.at("arrivals"), arrivals, arrivals_name);
    offered.burst = open_loop.at("burst").whole();
}

void read_shards(const JsonNode& node, Shards& shards) {
    shards.of = static_cast<std::uint32_t>(node.at("of").whole(Shards::of_max));
    shards.parts.clear();
    for (const JsonNode& part : node.at("parts").items()) {
        shards.parts.push_back(static_cast<std::uint32_t>(part.whole(shards.of)));
        const std::size_t n = shards.parts.size();
        if (shards.parts[n - 1] > (n == 1 ? 0 : shards.parts[n - 2])) continue;
        part.refuse("a number above 0 and above the one before");
    }
    if (shards.parts.empty()) node.at("parts").refuse("at least one number");
}

void read_scenario_of(const JsonNode& node, Options& options) {
    static_cast<void>(node.at("name").text());  // refuses control characters
    auto scenario = parse_scenario(node.json(), "scenario");
    if (!scenario) node.refuse("a scenario (" + scenario.error().front() + ")");
    options.users = scenario->users();
    options.offered.per_second = static_cast<std::uint64_t>(scenario->offered_per_second());
    options.scenario = std::move(*scenario);
}

void read_parameters(const JsonNode& parameters, Options& options) {
    if (options.workload == WorkloadKind::scenario) {
        return read_scenario_of(parameters.at("scenario"), options);
    }
    options.users = parameters.at("users").whole(users_read_max);
    if (options.users == 0) parameters.at("users").refuse("at least 1");
    if (const auto shards = parameters.find("shards")) read_shards(*shards, options.shards);
    if (options.workload != WorkloadKind::idle) {
        options.outstanding = parameters.at("outstanding").whole();
        options.payload_bytes = parameters.at("payload_bytes").whole();
    }
    if (options.workload != WorkloadKind::thesis) {
        options.rooms = parameters.at("rooms").whole(users_read_max);
    }
    if (options.workload != WorkloadKind::fanout) return;
    options.members = parameters.at("members").whole(users_read_max);
    options.publishers = parameters.at("publishers").whole();
    if (const auto open_loop = parameters.find("open_loop")) {
        read_open_loop(*open_loop, options.offered);
    }
}

Latency latency_at(const JsonNode& node, std::string_view name) {
    if (const auto kind = latency_named(name)) return *kind;
    node.refuse(fmt::format("a latency that this loadgen knows, not {},", name));
}

void read_load(const JsonNode& root, Options& options) {
    constexpr std::array workloads{WorkloadKind::thesis, WorkloadKind::fanout, WorkloadKind::idle,
                                   WorkloadKind::scenario};
    constexpr std::array protocols{Protocol::chat, Protocol::redis, Protocol::nats};
    options.workload = named(root.at("workload"), workloads, workload_name);
    options.protocol = named(root.at("protocol"), protocols, protocol_name);
    read_parameters(root.at("parameters"), options);
    options.seed = root.at("seed").whole();
    options.server_label = root.at("server_label").text();
    options.connect = root.at("connect").text();
    if (const auto slo = root.find("slo")) {
        options.slo = {latency_at(slo->at("latency"), slo->at("latency").text()),
                       slo->at("percentile").number(), slo->at("limit_ns").whole()};
        if (!(options.slo->percentile > 0 && options.slo->percentile < 100)) {
            slo->at("percentile").refuse("a number above 0 and below 100");
        }
    }
}

void read_counts(const JsonNode& counts, StoredResults& out) {
    Counts run;
    Counts window;
    out.results.connections = counts.at("connections").whole(count_read_max);
    if (out.options.offered.per_second != 0) {
        out.recorder.messages_due = counts.at("messages_due").whole(count_read_max);
        out.recorder.messages_unsent = counts.at("messages_unsent").whole(count_read_max);
        window.messages_scheduled = counts.at("messages_scheduled").whole(count_read_max);
    }
    window.messages_sent = counts.at("messages_sent").whole(count_read_max);
    window.messages_answered = counts.at("messages_answered").whole(count_read_max);
    if (const auto unanswered = counts.find("messages_unanswered")) {
        out.recorder.messages_unanswered = unanswered->whole(count_read_max);
    }
    window.deliveries = counts.at("deliveries").whole(count_read_max);
    window.replayed = counts.at("replayed").whole(count_read_max);
    window.bytes_received = counts.at("bytes_received").whole(count_read_max);
    if (const auto hostile = counts.find("hostile_sessions")) {
        window.hostile_sessions = hostile->whole(count_read_max);
    }
    run.deliveries = counts.at("deliveries_verified").whole(count_read_max);
    const JsonNode requests = counts.at("requests");
    for (std::size_t i = 0; i < request_kinds; ++i) {
        run.requests[i] = requests.at(request_name(static_cast<Request>(i))).whole(count_read_max);
    }
    out.recorder.add(run, window);
}

void read_violations(const JsonNode& violations, Violations& out) {
    for (std::size_t i = 0; i < violation_kinds; ++i) {
        const auto kind = static_cast<Violation>(i);
        out.add(kind, violations.at(violation_name(kind)).whole(count_read_max));
    }
}

double seconds_at(const JsonNode& node) {
    const double seconds = node.number();
    if (seconds < 0) node.refuse("a number from 0");
    return seconds;
}

void read_processes(const JsonNode& root, StoredResults& out) {
    const JsonNode loadgen = root.at("loadgen");
    out.results.loadgen_cpu_seconds = seconds_at(loadgen.at("cpu_seconds"));
    if (const auto switches = loadgen.find("involuntary_context_switches")) {
        out.results.involuntary_switches = switches->whole(count_read_max);
    }
    if (const auto steal = root.find("steal_percent")) {
        out.results.steal_share = seconds_at(*steal) / 100;
    }
    const auto limit = root.find("generator_limit");
    out.results.generator = {loadgen.at("busy").boolean(), limit ? limit->text() : ""};
    const auto server = root.find("server");
    if (!server) return;
    out.options.server_pid = server->at("pid").whole();
    out.results.server_cpu_seconds = seconds_at(server->at("cpu_seconds"));
    if (const auto before = server->find("resident_bytes_before")) {
        out.results.resident_bytes_before = before->whole();
        out.results.resident_bytes_idle = server->at("resident_bytes_idle").whole();
    }
}

Histogram read_latency(const JsonNode& latency) {
    std::vector<Histogram::Bucket> buckets;
    for (const JsonNode& entry : latency.at("buckets").items()) {
        const std::vector<JsonNode> pair = entry.items();
        if (pair.size() != 2) entry.refuse("[index, count]");
        buckets.push_back({pair[0].whole(), pair[1].whole(count_read_max)});
    }
    const auto built = Histogram::rebuild(buckets, {.sum_ns = latency.at("sum_ns").whole(),
                                                    .min_ns = latency.at("min_ns").whole(),
                                                    .max_ns = latency.at("max_ns").whole(),
                                                    .overflow = latency.at("overflow").whole()});
    if (!built || built->count() == 0 || built->count() != latency.at("count").whole()) {
        latency.refuse("a histogram whose buckets, count, sum, minimum and maximum fit together");
    }
    return *built;
}

void read_latencies(const JsonNode& latencies, Recorder& out) {
    for (const auto& [name, latency] : latencies.members())
        out.add(latency_at(latency, name), read_latency(latency));
}

void read_run(const JsonNode& root, Results& out) {
    out.io = root.at("io").text();
    out.started = root.at("started").text();
    if (const auto window = root.find("window_started_unix_seconds")) {
        const double seconds = seconds_at(*window);
        if (seconds >= 9e9) window->refuse("a time before the year 2255");
        out.window_started_ns = std::llround(seconds * 1e6) * 1000;
    }
    out.warm_up_seconds = seconds_at(root.at("warm_up_seconds"));
    out.measured_seconds = seconds_at(root.at("measured_seconds"));
    out.interrupted = root.at("interrupted").boolean();
    if (const auto failure = root.find("failure")) out.failure = failure->text();
}

}  // namespace

std::unique_ptr<StoredResults> parse_results(std::string_view file, const std::string& json) {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    if (const auto wrong = parser.parse(json).get(element)) {
        throw StartError(fmt::format("{}: this is no JSON ({})", file, error_message(wrong)));
    }
    const JsonNode root(file, element);
    check_kind(root, file);
    auto out = std::make_unique<StoredResults>();
    out->file = file;
    read_origin(root, out->results.origin);
    read_load(root, out->options);
    read_run(root, out->results);
    read_counts(root.at("counts"), *out);
    read_violations(root.at("violations"), out->violations);
    read_processes(root, *out);
    read_latencies(root.at("latencies"), out->recorder);
    if (root.at("valid").boolean() != out->results.valid()) {
        root.at("valid").refuse("what violations, failure and generator_limit say");
    }
    return out;
}

std::unique_ptr<StoredResults> read_results(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        throw StartError(fmt::format("{} is a folder; name a file that --json wrote", path));
    }
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw StartError(fmt::format("cannot read {} ({})", path, last_error("open").text()));
    std::string json;
    std::array<char, 65'536> chunk;
    while (file.read(chunk.data(), chunk.size()), file.gcount() > 0) {
        json.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
        if (json.size() <= result_bytes_max) continue;
        throw StartError(fmt::format("{}: longer than the {} MiB that a result may have", path,
                                     result_bytes_max >> 20U));
    }
    return parse_results(path, json);
}

}  // namespace ringside::loadgen
