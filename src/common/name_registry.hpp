#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace ringside {

/// The user names in use. Any thread; rarely touched (once at naming, once at the close).
class NameRegistry {
 public:
    /// False where the name is in use.
    [[nodiscard]] bool take(std::string_view name);
    /// The name was taken before and is free from now on.
    void release(std::string_view name);
    [[nodiscard]] std::size_t size() const;

 private:
    mutable std::mutex mutex_;
    std::unordered_set<std::string> names_;
};

}  // namespace ringside
