#include "loadgen/calibrate.hpp"

#include <simdjson.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "loadgen/verification_cost.hpp"

using namespace ringside::loadgen;

namespace {

struct Fixture {
    Options options;
    Recorder recorder;
    Violations violations;

    Fixture() {
        options.workload = WorkloadKind::fanout;
        options.outstanding = 16;
        options.payload_bytes = 64;
        recorder.open(1);
        recorder.counts.deliveries = 20'000'000;
        for (std::uint64_t i = 1; i <= 2000; ++i)
            recorder.record_always(Latency::hiccup, i * 100);
        recorder.close(2'000'000'001);
    }
    Results results() const {
        Results out{options, recorder, violations, "null", "2026-11-21T02:03:04Z", {}};
        out.measured_seconds = 2.0;
        out.loadgen_cpu_seconds = 1.8;
        return out;
    }
};

}  // namespace

TEST_CASE("a calibration tells the cost of a delivery and the verifier's share of it") {
    const Fixture fixture;
    const Results results = fixture.results();
    const Calibration calibration{results, 18};
    CHECK(calibration.cpu_ns() == Approx(90));
    CHECK(calibration.verification_share() == Approx(0.2));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    REQUIRE(parser.parse(calibration_json(calibration)).get(root) == simdjson::SUCCESS);
    const auto number = [&root](const char* name) {
        CAPTURE(name);
        double value = 0;
        REQUIRE(root.at_pointer(name).get(value) == simdjson::SUCCESS);
        return value;
    };
    CHECK(number("/schema_version") == 1);
    CHECK(number("/deliveries") == 20'000'000);
    CHECK(number("/deliveries_per_second") == 10'000'000);
    CHECK(number("/cpu_percent") == 90);
    CHECK(number("/deliveries_per_cpu_second") == Approx(1e9 / 90));
    CHECK(number("/cpu_ns_per_delivery") == 90);
    CHECK(number("/verification_ns_per_delivery") == 18);
    CHECK(number("/verification_percent") == 20);
    CHECK(number("/violations") == 0);
    CHECK(number("/hiccup/p99_ns") == Approx(198'000).epsilon(0.001));
    CHECK(root.at_pointer("/hiccup/p999_ns").is_null());
    CHECK(bool(root.at_pointer("/valid")) == true);
}

TEST_CASE("a calibration's table keeps within 80 columns and gives a verdict") {
    Fixture fixture;
    const bool wrong = GENERATE(false, true);
    if (wrong) fixture.violations.add(Violation::lost, 3);
    const Results results = fixture.results();
    const std::string table = calibration_table({results, 18});
    CHECK_THAT(table, Catch::Contains("90.0 ns") && Catch::Contains("18.0 ns of it, 20 %"));
    CHECK_THAT(table,
               Catch::Contains(wrong ? "\nINVALID: 3 lost" : "\nVALID: all 20,000,000 messages"));
    CHECK_THAT(table, Catch::Contains(" 10,000,000 /s, with 90 %") &&
                          Catch::Contains(" 11,111,111 /s, with a CPU of its own"));
    CHECK(results.exit_code() == (wrong ? 4 : 0));
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
}

TEST_CASE("a calibration in which nothing was delivered divides by nothing") {
    Fixture fixture;
    fixture.recorder.counts.deliveries = 0;
    Recorder nothing;
    const Results results{fixture.options, nothing, fixture.violations, "null", "", {}};
    const Calibration calibration{results, 18};
    CHECK(calibration.cpu_ns() == 0);
    CHECK(calibration.deliveries_per_cpu_second() == 0);
    CHECK(calibration.verification_share() == 0);
}

// What is verified is whole and right, or it asserts: so a cost is of real verification.
TEST_CASE("the verifier's cost is measured whatever the room's size and load") {
    const auto load =
        GENERATE(VerifiedLoad{1, 1, 32}, VerifiedLoad{100, 16, 64}, VerifiedLoad{3000, 1, 4096});
    CAPTURE(load.members, load.outstanding, load.payload_bytes);
    const double cost_ns = verification_ns_per_delivery(load, 10'000);
    CHECK(cost_ns > 0);
    CHECK(cost_ns < 1e6);
}
