#include "loadgen/scenario_commands.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/captured_stream.hpp"
#include "support/temp_folder.hpp"

using namespace ringside;
using namespace ringside::loadgen;

namespace {

std::string output_of(const std::vector<const char*>& arguments) {
    Options options;
    Command command;
    test::CapturedStream output(stdout);
    const auto code =
        read_options(static_cast<int>(arguments.size()), arguments.data(), options, command);
    REQUIRE_FALSE(code);
    CHECK(command() == 0);
    return output.take();
}

}  // namespace

TEST_CASE("scenario files are told with so many users and groups as they have, one or more") {
    const test::TempFolder folder;
    const std::string one = folder / "one.json";
    const std::string more = folder / "two.json";
    test::write_file(one, R"({"name": "one", "description": "Alone.",
"users": [{"name": "a", "does": "wanderer"}]})");
    test::write_file(more, R"({"name": "two", "description": "With others.",
"users": [{"name": "a", "does": "wanderer"}, {"name": "b", "count": 9, "does": "lobby"}]})");
    CHECK(output_of({"loadgen", "check", one.c_str(), more.c_str()}) ==
          one + ": good: 1 user in 1 group\n" + more + ": good: 10 users in 2 groups\n");
    const std::string path = folder.path().native();
    CHECK(output_of({"loadgen", "scenarios", path.c_str()}) ==
          one + "  (1 user)\n    Alone.\n" + more + "  (10 users)\n    With others.\n");
}
