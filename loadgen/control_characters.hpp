#pragma once

#include <string>
#include <string_view>

namespace ringside::loadgen {

/// For a terminal: control characters (ASCII's, and those of U+0080 to U+009F in UTF-8), on which
/// it would act, as "\u001b". All else as it is.
[[nodiscard]] std::string controls_escaped(std::string_view text);

}  // namespace ringside::loadgen
