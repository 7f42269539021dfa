#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "loadgen/room_ledger.hpp"

namespace ringside::loadgen {

// The rooms of the server in the order of their creation, learnt from the lists that users receive.
// Every list must be the start of the longest one seen, or continue it, so comparing the bytes
// tells what a list says and whether it is right. One thread.
class RoomList {
 public:
    explicit RoomList(std::uint32_t run) : run_(run) {}

    /// The text of a get_chats frame; the number of rooms in it, or nothing where it contradicts
    /// an earlier list.
    [[nodiscard]] std::optional<std::uint32_t> update(std::string_view list);
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(rooms_.size());
    }
    [[nodiscard]] RoomLedger& at(std::uint32_t index) noexcept { return *rooms_[index]; }
    /// Nothing where no list held that name yet.
    [[nodiscard]] std::optional<std::uint32_t> find(const std::string& name) const;

 private:
    void add(std::string_view name);

    std::uint32_t run_;
    std::string text_;               // the longest list
    std::vector<std::size_t> ends_;  // of each name in text_, its LF included
    std::vector<std::unique_ptr<RoomLedger>> rooms_;
    std::unordered_map<std::string, std::uint32_t> index_by_name_;
};

}  // namespace ringside::loadgen
