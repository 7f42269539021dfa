#include "common/name_registry.hpp"

#include "common/assert.hpp"

namespace ringside {

bool NameRegistry::take(std::string_view name) {
    const std::lock_guard lock(mutex_);
    return names_.emplace(name).second;
}

void NameRegistry::release(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const std::size_t erased = names_.erase(std::string(name));
    RINGSIDE_ASSERT(erased == 1);
}

std::size_t NameRegistry::size() const {
    const std::lock_guard lock(mutex_);
    return names_.size();
}

}  // namespace ringside
