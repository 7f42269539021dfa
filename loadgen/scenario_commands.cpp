#include "loadgen/scenario_commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include "common/help_formatter.hpp"
#include "common/server_start.hpp"
#include "loadgen/scenario_file.hpp"
#include "loadgen/standard_streams.hpp"

namespace ringside::loadgen {

namespace {

void tell_all(const std::vector<std::string>& mistakes) {
    for (const std::string& mistake : mistakes)
        tell(mistake + '\n');
}

// "1 user", "2 users".
std::string counted(std::size_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

int check(const std::vector<std::string>& files) {
    int code = 0;
    for (const std::string& file : files) {
        const auto scenario = read_scenario(file);
        if (scenario) {
            print_to(stdout,
                     fmt::format("{}: good: {} in {}\n", file, counted(scenario->users(), "user"),
                                 counted(scenario->groups.size(), "group")));
        } else {
            tell_all(scenario.error());
            code = usage_error;
        }
    }
    return code;
}

int list(const std::string& folder) {
    std::error_code failed;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    if (failed || files.empty()) {
        throw StartError(fmt::format("there are no scenario files in {}{}; name their folder",
                                     folder, failed ? " (" + failed.message() + ")" : ""));
    }
    std::ranges::sort(files);
    int code = 0;
    for (const std::filesystem::path& file : files) {
        const auto scenario = read_scenario(file.native());
        if (scenario) {
            print_to(stdout,
                     fmt::format("{}  ({})\n    {}\n", file.native(),
                                 counted(scenario->users(), "user"), scenario->description));
        } else {
            tell_all(scenario.error());
            code = usage_error;
        }
    }
    return code;
}

}  // namespace

void add_scenario_commands(CLI::App& app, Command& command) {
    CLI::App& scenarios = *app.add_subcommand("scenarios", "Lists scenario files.");
    scenarios.formatter(std::make_shared<HelpFormatter>());
    const auto folder = std::make_shared<std::string>("bench/scenarios");
    scenarios.add_option("FOLDER", *folder, "Where they are.")->capture_default_str();
    scenarios.parse_complete_callback(
        [&command, folder] { command = [folder] { return list(*folder); }; });
    CLI::App& checks = *app.add_subcommand("check", "Looks for mistakes in scenario files.");
    checks.formatter(std::make_shared<HelpFormatter>());
    const auto files = std::make_shared<std::vector<std::string>>();
    checks.add_option("FILE", *files, "The scenario files.")->required();
    checks.parse_complete_callback(
        [&command, files] { command = [files] { return check(*files); }; });
}

}  // namespace ringside::loadgen
