#include "common/result.hpp"

#include <cerrno>
#include <system_error>

namespace ringside {

std::string Error::text() const {
    return std::string(operation) + ": " + std::generic_category().message(code);
}

Error last_error(const char* operation) noexcept {
    return Error{errno, operation};
}

}  // namespace ringside
