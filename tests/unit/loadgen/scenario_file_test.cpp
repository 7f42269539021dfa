#include "loadgen/scenario_file.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "loadgen/control_characters.hpp"
#include "loadgen/json_tree.hpp"
#include "support/temp_folder.hpp"

using namespace ringside::loadgen;

namespace {

constexpr const char* whole = R"({
  "name": "all", "description": "Everything that a \"café\" may say.",
  "phases": {"ramp": "1s", "warm_up": "500ms", "measure": "3s", "cool_down": "250ms"},
  "rooms": [{"name": "hall"}, {"name": "pairs", "count": 10, "history": 500}],
  "users": [
    {"name": "comers", "count": 3, "does": "visitor", "rooms": "pairs", "stay": "2s",
     "pause": "1s", "reconnects": true, "connects_per_second": 50,
     "send": {"outstanding": 2, "think": "10ms", "payload": {"uniform": {"min": 40, "max": 90}}}},
    {"name": "talkers", "count": 5, "does": "member", "rooms": "hall",
     "send": {"rate": 1000, "arrivals": "poisson", "burst": 4,
              "payload": {"exponential": {"mean": 100, "max": 500}}}},
    {"name": "slow", "does": "member", "rooms": "hall", "read_bytes_per_second": 5000}
  ]
})";

// Of a file that is right but for one group of users.
std::vector<std::string> mistakes_in_group(const std::string& group) {
    const auto scenario = parse_scenario(
        R"({"name": "n", "description": "d", "rooms": [{"name": "r"}],
"users": [{"name": "a", "does": "member", "rooms": "r"},
)" + group + "]}",
        "f.json");
    return scenario ? std::vector<std::string>{} : scenario.error();
}

}  // namespace

TEST_CASE("a scenario file is read whole, and who arrives in set-up comes first") {
    const auto scenario = parse_scenario(whole, "f.json");
    REQUIRE(scenario);
    CHECK(scenario->name == "all");
    CHECK(scenario->ramp_ns == 1'000'000'000);
    CHECK(scenario->warm_up_ns == 500'000'000);
    CHECK(scenario->measure_ns == 3'000'000'000);
    CHECK(scenario->cool_down_ns == 250'000'000);
    CHECK(scenario->users() == 9);
    CHECK(scenario->offered_per_second() == 1000);
    REQUIRE(scenario->rooms.size() == 2);
    CHECK(scenario->rooms[1].count == 10);
    CHECK(scenario->rooms[1].history == 500);
    REQUIRE(scenario->groups.size() == 3);
    const UserGroup& talkers = scenario->groups[0];
    CHECK(talkers.name == "talkers");
    CHECK(talkers.sending.outstanding == 1024);
    CHECK(talkers.sending.offered.arrivals == Arrivals::poisson);
    CHECK(talkers.sending.offered.burst == 4);
    CHECK(talkers.sending.payload.spread == PayloadBytes::Spread::exponential);
    CHECK(talkers.is_counted());
    CHECK(scenario->groups[1].read_bytes_per_second == 5000);
    CHECK_FALSE(scenario->groups[1].is_counted());
    const UserGroup& comers = scenario->groups[2];
    CHECK(comers.does == Behaviour::visitor);
    CHECK(comers.rooms == 1);
    CHECK(comers.reconnects);
    CHECK(comers.stay_ns == 2'000'000'000);
    CHECK(comers.connects_per_second == 50);
    CHECK(comers.sending.think_ns == 10'000'000);
    CHECK(comers.sending.payload.min == 40);
    CHECK(comers.sending.payload.max == 90);
}

TEST_CASE("what a scenario writes of itself is read as the same") {
    const auto scenario = parse_scenario(whole, "f.json");
    REQUIRE(scenario);
    const auto again = parse_scenario(scenario_json(*scenario), "written");
    REQUIRE(again);
    CHECK(*again == *scenario);
}

TEST_CASE("every mistake is told with its line, its path and what was expected") {
    const auto scenario = parse_scenario(R"({
  "name": "", "descriptoin": "misspelt",
  "rooms": [{"name": "r", "count": 0}],
  "users": [
    {"name": "a", "does": "dances", "rooms": "r"},
    {"name": "b", "does": "member", "rooms": "nowhere",
     "send": {"rate": "fast"}}
  ]
})",
                                         "f.json");
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error() ==
          std::vector<std::string>{
              "f.json:2: name must be a text (what the scenario is called), not \"\"",
              "f.json:1: description is missing: what it shows",
              "f.json:3: rooms[0].count must be a whole number from 1 to 1000000, not 0",
              "f.json:5: users[0].does must be one of member, visitor, wanderer, lobby, "
              "half_frame, long_length, flood, cut_replay, not \"dances\"",
              "f.json:6: users[1].rooms must be one of r, not \"nowhere\"",
              "f.json:7: users[1].send.rate must be a whole number from 1 to 10000000, not "
              "\"fast\"",
              "f.json:2: descriptoin is not known here; known: name, description, phases, rooms, "
              "users",
          });
}

TEST_CASE("what would do nothing is a mistake") {
    const auto [group, told] = GENERATE(table<std::string, std::string>({
        {R"({"name": "b", "does": "member", "rooms": "r", "stay": "1s"})",
         "f.json:3: users[1] has stay, which a member has not: all but member and wanderer have"},
        {R"({"name": "b", "does": "lobby", "send": {}})",
         "f.json:3: users[1] has send, which a lobby has not: member, visitor and wanderer have"},
        {R"({"name": "b", "does": "flood", "rooms": "r"})",
         "f.json:3: users[1].rooms is not known here; known: name, count, does, send, stay, pause, "
         "reconnects, connects_per_second, read_bytes_per_second"},
        {R"({"name": "b", "does": "visitor", "rooms": "r", "send": {"rate": 5}})",
         "f.json:3: users[1] has send.rate, which a visitor has not: a member has, who is there "
         "all the time"},
        {R"({"name": "b", "does": "member", "rooms": "r", "send": {"burst": 1}})",
         "f.json:3: users[1].send has arrivals or burst, which need a rate"},
        {R"({"name": "b", "does": "member", "rooms": "r", "reconnects": false})",
         "f.json:3: users[1] has reconnects, which a member has not: a visitor has"},
        {R"({"name": "b", "does": "member", "rooms": "r",
"send": {"payload": {"exponential": {"mean": 90, "max": 40}}}})",
         "f.json:4: users[1].send.payload.exponential has a mean above its max"},
        {R"({"name": "a", "does": "lobby"})", "f.json:1: has two groups of users called \"a\""},
        {R"({"name": "b", "does": "lobby", "count": 1, "count": 2})",
         "f.json:3: users[1].count stands there twice"},
        {R"({"name": "b", "does": "member", "rooms": "r", "send": {"payload": {"uniform":
{"min": 90, "max": 40}}}})",
         "f.json:4: users[1].send.payload.uniform has a min above its max"},
    }));
    CAPTURE(group);
    CHECK(mistakes_in_group(group) == std::vector<std::string>{told});
}

TEST_CASE("what is too much, or contradicts itself, in all of a file is a mistake") {
    const auto [parts, told] = GENERATE(table<std::string, std::string>({
        {R"("rooms": [{"name": "r", "count": 3, "history": 50000000}],
"users": [{"name": "a", "does": "member", "rooms": "r"}])",
         "f:1: has 150000000 messages in the histories of its rooms, above 100000000"},
        {R"("rooms": [{"name": "r", "count": 600000}, {"name": "s", "count": 600000}],
"users": [{"name": "a", "does": "member", "rooms": "r"}])",
         "f:1: has 1200000 rooms, above 1000000"},
        {R"("users": [{"name": "a", "count": 600000, "does": "wanderer"},
{"name": "b", "count": 600000, "does": "lobby"}])",
         "f:1: has 1200000 users, above 1000000"},
        {R"("rooms": [{"name": "r"}],
"users": [{"name": "a", "count": 3601, "does": "member", "rooms": "r", "send": {"rate": 1}}])",
         "f:1: has a rate of less than one message an hour for each of \"a\""},
        {R"("rooms": [{"name": "r"}],
"users": [{"name": "a", "does": "member", "rooms": "r", "send": {"rate": 1, "think": "1s"}}])",
         "f:2: users[0].send has both a rate and think: take one"},
        {R"("rooms": [{"name": "r"}],
"users": [{"name": "a", "does": "member", "rooms": "r", "send": {}, "read_bytes_per_second": 5000}])",
         "f:2: users[0] has both read_bytes_per_second and send: make two groups"},
        {R"("rooms": [{"name": "r"}, {"name": "r"}],
"users": [{"name": "a", "does": "member", "rooms": "r"}])",
         "f:1: has two room sets called \"r\""},
        {R"("users": [])", "f:1: users must be a list of at least one object, not an empty list"},
        {R"("users": 5)", "f:1: users must be a list of at least one object, not 5"},
    }));
    CAPTURE(parts);
    const auto scenario =
        parse_scenario(R"({"name": "n", "description": "d", )" + parts + "}", "f");
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error() == std::vector<std::string>{told});
}

TEST_CASE("somebody must be there to make the rooms") {
    const auto scenario = parse_scenario(
        R"({"name": "n", "description": "d", "users": [{"name": "b", "does": "lobby"}]})", "f");
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error() ==
          std::vector<std::string>{
              "f:1: needs a group of member or wanderer: its first user makes the rooms"});
}

TEST_CASE("who needs a room says so where there is none") {
    const auto scenario = parse_scenario(
        R"({"name": "n", "description": "d",
"users": [{"name": "b", "does": "member", "rooms": "r"}]})",
        "f");
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error() ==
          std::vector<std::string>{"f:2: users[0] needs a room, and the file has no \"rooms\""});
}

namespace {

std::vector<std::string> mistakes_of(std::string_view text) {
    const auto scenario = parse_scenario(text, "f");
    return scenario ? std::vector<std::string>{} : scenario.error();
}

}  // namespace

// A set of rooms in which nobody is was good, whatever the users did.
TEST_CASE("rooms in which nobody is, and which nobody's list of rooms holds, are a mistake") {
    const auto [does, used] = GENERATE(table<std::string, bool>({
        {"member\", \"rooms\": \"r", false},
        {"half_frame", false},
        {"long_length", false},
        {"flood", false},
        {"visitor\", \"rooms\": \"r", true},
        {"wanderer", true},
        {"lobby", true},
        {"cut_replay\", \"rooms\": \"r", true},
        {"member\", \"rooms\": \"s", true},
    }));
    CAPTURE(does);
    const std::vector<std::string> mistakes =
        mistakes_of(R"({"name": "n", "description": "d", "rooms": [{"name": "r"},
{"name": "s", "count": 9}],
"users": [{"name": "a", "does": "member", "rooms": "r"}, {"name": "b", "does": ")" +
                    does + "\"}]}");
    const std::vector<std::string> unused = {
        "f:2: rooms[1] does nothing: no group is in these rooms, and no visitor, wanderer, lobby "
        "or cut_replay gets the list of them under load"};
    CHECK(mistakes == (used ? std::vector<std::string>{} : unused));
}

TEST_CASE("a group with a mistake does not make its rooms one") {
    CHECK(mistakes_of(R"({"name": "n", "description": "d", "rooms": [{"name": "r"}, {"name": "s"}],
"users": [{"name": "a", "does": "member", "rooms": "r"},
{"name": "b", "does": "member", "rooms": "S"}]})") ==
          std::vector<std::string>{"f:3: users[1].rooms must be one of r, s, not \"S\""});
}

// A description with a line feed and "VALID" behind it was printed as such a line.
TEST_CASE("a text with control characters is a mistake, and told without them") {
    const auto [escape, character] = GENERATE(table<std::string, std::string>({
        {R"(\n)", R"(\u000a)"},
        {R"(\t)", R"(\u0009)"},
        {R"(\u001b[31m)", R"(\u001b[31m)"},
        {R"(\u007f)", R"(\u007f)"},
        {R"(\u0085)", R"(\u0085)"},
        {"\x7f", R"(\u007f)"},
        {"\xc2\x9b", R"(\u009b)"},
    }));
    CAPTURE(escape);
    const auto file = [text = "\"a" + escape + "b\""](const std::string& place) {
        const auto at = [&](const char* one) { return one == place ? text : "\"r\""; };
        return "{\"name\": " + at("name") + ", \"description\": " + at("description") +
               ",\n\"rooms\": [{\"name\": " + at("room") +
               "}],\n\"users\": [{\"name\": " + at("group") + R"(, "does": "member", "rooms": )" +
               at("rooms") + "}], " + at("r") + ": 1}";
    };
    const std::string text = "\"a" + character + "b\"";
    const std::string refused = " must be a text without control characters (";
    CHECK(mistakes_of(file("name"))[0] ==
          "f:1: name" + refused + "what the scenario is called), not " + text);
    CHECK(mistakes_of(file("description"))[0] ==
          "f:1: description" + refused + "what it shows), not " + text);
    CHECK(mistakes_of(file("room"))[0] ==
          "f:2: rooms[0].name" + refused + "what the groups call these rooms), not " + text);
    CHECK(mistakes_of(file("group"))[0] ==
          "f:3: users[0].name" + refused + "what the group is called), not " + text);
    CHECK(mistakes_of(file("rooms"))[0] == "f:3: users[0].rooms must be one of r, not " + text);
    CHECK(mistakes_of(file("r"))[0] ==
          "f:3: a" + character +
              "b is not known here; known: name, description, phases, rooms, users");
}

TEST_CASE("characters beyond ASCII that control nothing are text") {
    CHECK(controls_escaped("caf\u00e9 \u00a0 \u4f60\u597d \U0001f600") ==
          "caf\u00e9 \u00a0 \u4f60\u597d \U0001f600");
}

TEST_CASE("what is no JSON is told with its line") {
    const auto [text, line] = GENERATE(table<std::string, std::string>({
        {"", "1"},
        {"{", "1"},
        {"[1, 2", "1"},
        {"{\n\"name\": nul\n}", "2"},
        {"{\"a\": 1}\n}", "2"},
        {"{\n\"a\": \"b\n}", "2"},               // no quote at the end
        {"{\n\"a\\\"\": 1, \"b\": \"\n}", "2"},  // likewise, behind one that is escaped
        {"\xff", "1"},
        {"{\"a\":\n\n\"\xc3\x28\"\n}", "3"},             // no UTF-8
        {"{\"a\": 1,\n\"b\": [\n{\"c\": 2},\n\n", "3"},  // cut off
        {"{\"a\": 1,\n\"b\": [\n{\"c\": 2}", "3"},
        {"{\"a\": 1,\n\"b\": [\n{\"c\": 2,\n\"d", "4"},
        {"{\"a\": 1,\n\"b\": 1e999,\n\"c\": 1}", "2"},
        {"{\"a\": 1,\n\"b\": 1.,\n\"c\": 1}", "2"},
    }));
    CAPTURE(text);
    const std::vector<std::string> mistakes = mistakes_of(text);
    REQUIRE(mistakes.size() == 1);
    CHECK_THAT(mistakes[0], Catch::StartsWith("f:" + line + ": is no JSON: "));
}

TEST_CASE("every beginning of a file is told with the line that it ends in") {
    const std::string_view file = whole;
    for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
        const std::string_view part = file.substr(0, bytes);
        CAPTURE(part);
        const std::vector<std::string> mistakes = mistakes_of(part);
        REQUIRE(mistakes.size() == 1);
        const std::size_t end = part.find_last_not_of(" \n") + 1;
        const auto line = 1 + std::ranges::count(part.substr(0, end), '\n');
        CHECK_THAT(mistakes[0], Catch::StartsWith("f:" + std::to_string(line) + ": is no JSON: "));
    }
}

TEST_CASE("a byte order mark is named") {
    CHECK(mistakes_of("\xef\xbb\xbf" + std::string(whole)) ==
          std::vector<std::string>{
              "f:1: is no JSON: it begins with a byte order mark (EF BB BF), and must not"});
}

// It is JSON, and was said to be none.
TEST_CASE("a number above all whole numbers is told as any other that is too large") {
    CHECK(mistakes_in_group("{\"name\": \"b\", \"does\": \"lobby\",\n\"count\": 1" +
                            std::string(30, '0') + "}") ==
          std::vector<std::string>{
              "f.json:4: users[1].count must be a whole number from 1 to 1000000, not 1e+30"});
}

TEST_CASE("a document of too many levels is refused") {
    const std::string deep(json_depth_max + 1, '[');
    const std::string end(json_depth_max + 1, ']');
    CHECK_FALSE(parse_json(deep + end));
    CHECK(parse_json(deep.substr(1) + end.substr(1)));
}

TEST_CASE("a file that cannot be read says so") {
    const ringside::test::TempFolder folder;
    const auto missing = read_scenario((folder.path() / "none.json").native());
    REQUIRE_FALSE(missing);
    CHECK(missing.error()[0].contains("cannot be read"));
    const std::string large = (folder.path() / "large.json").native();
    std::ofstream(large) << std::string(scenario_bytes_max + 1, ' ');
    const auto refused = read_scenario(large);
    REQUIRE_FALSE(refused);
    CHECK(refused.error()[0].contains("is larger than"));
}

TEST_CASE("payloads are drawn within their bounds, about their mean") {
    Random random(7);
    double uniform = 0;
    double exponential = 0;
    constexpr int times = 100'000;
    const PayloadBytes even{PayloadBytes::Spread::uniform, 40, 90, 0};
    const PayloadBytes skew{PayloadBytes::Spread::exponential, 32, 4096, 200};
    for (int i = 0; i < times; ++i) {
        const std::size_t one = even.draw(random);
        REQUIRE((one >= 40 && one <= 90));
        uniform += static_cast<double>(one);
        const std::size_t other = skew.draw(random);
        REQUIRE((other >= 32 && other <= 4096));
        exponential += static_cast<double>(other);
    }
    CHECK(uniform / times == Approx(65).margin(0.5));
    // What is below 32 counts as 32: 32 + 200 * exp(-32 / 200).
    CHECK(exponential / times == Approx(202).margin(3));
    CHECK(PayloadBytes::of(77).draw(random) == 77);
}
