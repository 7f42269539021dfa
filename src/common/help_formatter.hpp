#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ringside {

/// How --help looks: two columns within 80, descriptions wrapped, the default at their end.
class HelpFormatter final : public CLI::Formatter {
 public:
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override;
};

}  // namespace ringside
