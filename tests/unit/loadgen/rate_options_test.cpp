// The command lines of sweep and of search.

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "loadgen/options.hpp"
#include "support/captured_stream.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

struct RateOutcome {
    std::optional<int> exit_code;
    Command command;
    std::string error;
};

RateOutcome read_rate_options(std::vector<const char*> arguments) {
    RateOutcome outcome;
    Options options;
    arguments.insert(arguments.begin(), "loadgen");
    test::CapturedStream error(stderr);
    outcome.exit_code = read_options(static_cast<int>(arguments.size()), arguments.data(), options,
                                     outcome.command);
    outcome.error = error.take();
    return outcome;
}

// A search at p99, which needs 1,000 messages, with a second for each rate.
RateOutcome read_search(const char* from, const char* arrivals) {
    return read_rate_options({"search", "--slo=p99<=5ms", "--step-duration=1s", from, arrivals});
}

}  // namespace

TEST_CASE("sweep and search are commands of their own, with the load of fanout") {
    const auto arguments =
        GENERATE(std::vector<const char*>{"sweep", "--rates", "1000..4000", "--steps", "3",
                                          "--rooms=2", "--payload=100", "--io=epoll"},
                 std::vector<const char*>{"sweep", "--rates=5,6", "--slo=create_chat:p99<=1ms"},
                 std::vector<const char*>{"search", "--slo", "p99<=5ms", "--protocol=redis",
                                          "--burst=10", "--outstanding=5"});
    const RateOutcome outcome = read_rate_options(arguments);
    CAPTURE(outcome.error);
    CHECK_FALSE(outcome.exit_code);
    CHECK(outcome.command);
}

TEST_CASE("a search whose lowest rate cannot be judged is refused, and told what is needed") {
    CHECK(read_search("--from=1001", "--arrivals=constant").command);
    CHECK_THAT(read_search("--from=1000", "--arrivals=constant").error,
               Catch::Contains("needs 1001 messages"));
    // Of Poisson arrivals fewer may be due.
    CHECK(read_search("--from=1127", "--arrivals=poisson").command);
    CHECK_THAT(read_search("--from=1126", "--arrivals=poisson").error,
               Catch::Contains("needs 1127 messages") && Catch::Contains("1s gives 1126"));
}

TEST_CASE("rates that make no sense are refused in one line") {
    const auto arguments = GENERATE(
        std::vector<const char*>{"sweep"}, std::vector<const char*>{"sweep", "--rates", "1k"},
        std::vector<const char*>{"sweep", "--rates", "5,6", "--steps", "4"},
        std::vector<const char*>{"sweep", "--rates", "5..90", "--steps", "1"},
        std::vector<const char*>{"sweep", "--rates", "5", "--rate", "5"},
        std::vector<const char*>{"sweep", "--rates", "5", "--duration", "5s"},
        std::vector<const char*>{"sweep", "--rates=5", "--members=2", "--publishers=3"},
        std::vector<const char*>{"sweep", "--rates=5", "--slo=leave_chat:p99<=1ms"},
        std::vector<const char*>{"search"}, std::vector<const char*>{"search", "--slo", "5ms"},
        std::vector<const char*>{"search", "--slo=p99<=5ms", "--from=9", "--to=8"},
        std::vector<const char*>{"search", "--slo=p99.9<=5ms"},
        std::vector<const char*>{"search", "--slo=p99<=5ms", "--confirm-duration=1s"},
        std::vector<const char*>{"search", "--slo=set_name:p50<=5ms"},
        std::vector<const char*>{"search", "--slo=p99<=5ms", "--resolution=0"},
        std::vector<const char*>{"search", "--slo=p99<=5ms", "--publishers=2", "--protocol=nats"});
    const RateOutcome outcome = read_rate_options(arguments);
    CAPTURE(outcome.error, arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.error.starts_with("loadgen: "));
    CHECK(std::ranges::count(outcome.error, '\n') == 1);
}
