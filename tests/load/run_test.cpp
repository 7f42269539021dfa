#include "loadgen/run.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/clock.hpp"
#include "load/fake_chat_server.hpp"
#include "loadgen/interruption.hpp"
#include "support/temp_folder.hpp"
#include "unit/uring_async/io/io_fixture.hpp"

using namespace ringside;
using namespace ringside::loadgen;
using ringside::test::FakeChatServer;
using ringside::test::Fault;

namespace {

struct Outcome {
    Violations violations;
    std::string failure;
    int exit_code = 0;
    Counts counts;
    Counts window;
    std::string metrics;           // as written last
    std::uint64_t own_copies = 0;  // measured
    std::uint64_t last_members = 0;
    std::optional<std::int64_t> window_started_ns;
    std::uint64_t hiccups = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t own_copy_max_ns = 0;
};

Options short_fanout() {
    Options options;
    options.workload = WorkloadKind::fanout;
    options.rooms = 2;
    options.members = 3;
    options.users = 6;
    options.publishers = 1;
    options.outstanding = 4;
    options.payload_bytes = 64;
    options.warm_up_ns = 20'000'000;
    options.duration_ns = 100'000'000;
    return options;
}

Options short_thesis() {
    Options options;
    options.users = 8;
    options.warm_up_ns = 20'000'000;
    options.duration_ns = 200'000'000;
    return options;
}

// IO_KIND=uring|epoll in the environment says which I/O the load generator has.
Outcome run_against(const FakeChatServer& server, Options options, bool interrupted = false) {
    options.connect = server.address();
    auto interruption = Interruption::make();
    REQUIRE(interruption);
    if (interrupted) ::raise(SIGINT);  // blocked by now, so that it waits to be asked for
    const uring::IoKind kind = uring::io_kinds().front();
    Run run(
        options,
        uring::make_io(kind, {.connections_max = 2 * static_cast<std::uint32_t>(options.users)}),
        kind == uring::IoKind::uring ? "uring" : "epoll", *interruption);
    const Results results = run.execute();
    std::ifstream metrics(options.metrics_textfile);
    return {results.violations,
            results.failure,
            results.exit_code(),
            results.recorder.counts,
            results.recorder.window_counts(),
            {std::istreambuf_iterator<char>(metrics), {}},
            results.recorder.latency(Latency::own_copy).count(),
            results.recorder.latency(Latency::last_member).count(),
            results.window_started_ns,
            results.recorder.latency(Latency::hiccup).count(),
            results.recorder.messages_unanswered,
            results.recorder.latency(Latency::own_copy).max_ns()};
}

std::string told(const Violations& violations) {
    std::string all;
    for (const std::string& detail : violations.details())
        all += detail + "\n";
    return all;
}

}  // namespace

TEST_CASE("a right server passes, and everything it delivered was counted") {
    const bool thesis = GENERATE(false, true);
    CAPTURE(thesis);
    const FakeChatServer server;
    const Outcome outcome = run_against(server, thesis ? short_thesis() : short_fanout());
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.violations.total() == 0);
    CHECK(outcome.window.messages_sent > 0);
    CHECK(outcome.counts.messages_answered == outcome.counts.messages_sent);
    // One for each millisecond of the window, however late, and the window may be cut late.
    CHECK(outcome.hiccups >= (thesis ? 200 : 100) - 1);
    if (thesis) return;
    CHECK(outcome.counts.deliveries == 3 * outcome.counts.messages_sent);
    // Also of those that were on their way when the window closed.
    CHECK(outcome.own_copies == outcome.window.messages_sent);
    CHECK(outcome.last_members == outcome.window.messages_sent);
}

TEST_CASE("each fault of a server makes the run invalid, by its own name") {
    struct Expected {
        Fault fault;
        Violation kind;
        std::uint64_t times;
    };
    const auto expected = GENERATE(Expected{Fault::drop, Violation::lost, 1},
                                   Expected{Fault::drop_for_all, Violation::lost, 3},
                                   Expected{Fault::repeat, Violation::repeated, 1},
                                   Expected{Fault::repeat_for_all, Violation::repeated, 3},
                                   Expected{Fault::swap, Violation::reordered, 1},
                                   Expected{Fault::swap_for_all, Violation::reordered, 3},
                                   Expected{Fault::corrupt, Violation::corrupt, 1},
                                   Expected{Fault::corrupt_name, Violation::corrupt, 1},
                                   Expected{Fault::misdirect, Violation::misdirected, 1},
                                   Expected{Fault::unasked_list, Violation::protocol, 1},
                                   Expected{Fault::unknown_frame, Violation::protocol, 1},
                                   Expected{Fault::refuse, Violation::protocol, 1},
                                   Expected{Fault::late_message, Violation::protocol, 6},
                                   Expected{Fault::forgetful_list, Violation::protocol, 6},
                                   Expected{Fault::unasked_answer, Violation::protocol, 6},
                                   Expected{Fault::torn_end, Violation::protocol, 6});
    CAPTURE(static_cast<int>(expected.fault));
    const FakeChatServer server(expected.fault);
    const Outcome outcome = run_against(server, short_fanout());
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.violations.count(expected.kind) == expected.times);
    CHECK(outcome.violations.total() == expected.times);
}

TEST_CASE("members that get different times of one message find it corrupt") {
    const FakeChatServer server(Fault::corrupt_time);
    const Outcome outcome = run_against(server, short_fanout());
    CAPTURE(told(outcome.violations));
    CHECK(outcome.exit_code == 4);
    // Nobody knows who is right: one of three got another time than the first, or two did.
    CHECK(outcome.violations.count(Violation::corrupt) >= 1);
    CHECK(outcome.violations.count(Violation::corrupt) == outcome.violations.total());
}

TEST_CASE("a server that leaves the end of a run unanswered is not waited for") {
    const Fault fault = GENERATE(Fault::no_leave, Fault::no_end);
    CAPTURE(static_cast<int>(fault));
    const FakeChatServer server(fault);
    Options options = short_fanout();
    options.drain_patience_ns = 500'000'000;
    const Outcome outcome = run_against(server, options);
    CAPTURE(told(outcome.violations));
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.violations.count(Violation::protocol) == 6);
    CHECK(outcome.violations.total() == 6);
}

TEST_CASE("what a server falls silent about counts with the time until the end of the run") {
    const FakeChatServer server(Fault::deaf);
    Options options = short_fanout();
    options.offered.per_second = 100;  // 50 in each room: the 21st message is due after 0.4 s
    options.duration_ns = 700'000'000;
    options.drain_patience_ns = 500'000'000;
    const Outcome outcome = run_against(server, options);
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.violations.count(Violation::lost) == options.outstanding);
    CHECK(outcome.unanswered == options.outstanding);
    // Of which the run waited for half a second after its load.
    CHECK(outcome.own_copy_max_ns >= options.drain_patience_ns);
}

TEST_CASE("an open loop sends what is due and no more, whatever the server could take") {
    const FakeChatServer server(Fault::none);
    Options options = short_fanout();
    options.offered = {.per_second = 2000, .arrivals = Arrivals::poisson};
    options.outstanding = GENERATE(std::size_t{1}, std::size_t{1024});
    const auto begin = std::chrono::steady_clock::now();
    const Outcome outcome = run_against(server, options);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.violations.total() == 0);
    CHECK(outcome.counts.messages_sent > 0);
    // Drawn at random: by six standard deviations. A closed loop sends a hundred times as many.
    const double due = 2000 * elapsed.count();
    CHECK(static_cast<double>(outcome.counts.messages_sent) < due + 6 * std::sqrt(due));
}

TEST_CASE("a load begins at the agreed time, set-up long before it") {
    const FakeChatServer server;
    Options options = short_fanout();
    const std::int64_t agreed_ns = SystemWallClock().now_ns() + 1'000'000'000;
    options.start_ns = agreed_ns;
    const Outcome outcome = run_against(server, options);
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.window.messages_sent > 0);
    REQUIRE(outcome.window_started_ns.has_value());
    CHECK(*outcome.window_started_ns >=
          agreed_ns + static_cast<std::int64_t>(options.warm_up_ns) - 1'000'000);
}

TEST_CASE("who is not set up at the agreed time fails and says so") {
    const FakeChatServer server;
    Options options = short_fanout();
    options.start_ns = 1'000'000'000;  // 1970
    const Outcome outcome = run_against(server, options);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.violations.total() == 0);
    CHECK(outcome.counts.messages_sent == 0);
    CHECK_THAT(outcome.failure, Catch::Contains("after --start-at 1970-01-01T00:00:01Z: agree"));
}

TEST_CASE("a shard sets up and loads the rooms and users of its share alone") {
    const FakeChatServer server;
    Options options = short_fanout();
    options.rooms = 5;
    options.users = 15;
    options.shards = {2, {2}};  // three rooms of three
    const Outcome outcome = run_against(server, options);
    CAPTURE(told(outcome.violations), outcome.failure);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.counts.requests[static_cast<std::size_t>(Request::create_chat)] == 3);
    CHECK(outcome.counts.requests[static_cast<std::size_t>(Request::connect_chat)] == 9);
    CHECK(outcome.counts.deliveries == 3 * outcome.counts.messages_sent);
}

namespace {

// The value of the only series of this name that holds these labels.
std::string value_of(const std::string& metrics, const std::string& name,
                     const std::string& labels) {
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(name + "{") || line.find(labels) == std::string::npos) continue;
        return line.substr(line.rfind(' ') + 1);
    }
    return "none";
}

}  // namespace

TEST_CASE("the metrics say in which phase the run is and what makes it invalid") {
    const Fault fault = GENERATE(Fault::none, Fault::repeat);
    CAPTURE(static_cast<int>(fault));
    const FakeChatServer server(fault);
    const test::TempFolder folder;
    Options options = short_fanout();
    options.metrics_textfile = folder.path() / "load.prom";
    options.metrics_interval_ns = 1;
    const std::string metrics = run_against(server, options).metrics;
    for (const char* phase : {"set_up", "warm_up", "measure", "cool_down", "drain"}) {
        CAPTURE(phase);
        CHECK(value_of(metrics, "ringside_load_phase", phase) ==
              (std::string_view(phase) == "drain" ? "1" : "0"));
    }
    CHECK(value_of(metrics, "ringside_load_invalid", "violation") ==
          (fault == Fault::none ? "0" : "1"));
    for (const char* reason : {"failure", "busy", "send_lag", "hiccup"}) {
        CAPTURE(reason);
        CHECK(value_of(metrics, "ringside_load_invalid", reason) == "0");
    }
}

TEST_CASE("the metrics count a user as connected until its connection is closed") {
    const FakeChatServer server(Fault::refuse);  // the user that is refused is closed by its side
    const test::TempFolder folder;
    Options options = short_fanout();
    options.metrics_textfile = folder.path() / "load.prom";
    options.metrics_interval_ns = 1;
    const Outcome outcome = run_against(server, options);
    CHECK(outcome.exit_code == 4);
    const std::string::size_type at = outcome.metrics.find("\nringside_load_connections{");
    REQUIRE(at != std::string::npos);
    const std::string line =
        outcome.metrics.substr(at + 1, outcome.metrics.find('\n', at + 1) - at);
    CHECK(std::stoi(line.substr(line.rfind(' '))) < 6);
}

TEST_CASE("a server that refuses a room in set-up is told of, and nobody else connects") {
    const bool thesis = GENERATE(false, true);
    CAPTURE(thesis);
    const FakeChatServer server(Fault::refuse_room);
    const Outcome outcome = run_against(server, thesis ? short_thesis() : short_fanout());
    CHECK(outcome.exit_code == 4);
    CHECK_THAT(told(outcome.violations), Catch::Contains("create_chat failure"));
    CHECK(outcome.violations.total() == 1);
    CHECK(outcome.counts.requests[static_cast<std::size_t>(Request::set_name)] == 1);
}

// The end was waited for in vain, 5 s long, since it counted users that had not been started.
TEST_CASE("an interruption during set-up is obeyed at once") {
    const bool thesis = GENERATE(false, true);
    CAPTURE(thesis);
    const FakeChatServer server;
    const std::uint64_t begin_ns = monotonic_ns();
    const Outcome outcome = run_against(server, thesis ? short_thesis() : short_fanout(), true);
    CHECK(outcome.exit_code == 130);
    CHECK(outcome.violations.total() == 0);
    CHECK(outcome.counts.requests[static_cast<std::size_t>(Request::set_name)] == 0);
    CHECK(monotonic_ns() - begin_ns < 4'000'000'000);
}

TEST_CASE("a server that closes a connection ends the run, which is told and no verdict") {
    const FakeChatServer server(Fault::hang_up);
    const Outcome outcome = run_against(server, short_fanout());
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.violations.total() == 0);
    CHECK_THAT(outcome.failure, Catch::Contains("lost the connection"));
}
