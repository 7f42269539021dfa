#include "loadgen/room_list.hpp"

#include <algorithm>

#include "loadgen/payload.hpp"

namespace ringside::loadgen {

std::optional<std::uint32_t> RoomList::update(std::string_view list) {
    const std::size_t shared = std::min(list.size(), text_.size());
    if (list.substr(0, shared) != std::string_view(text_).substr(0, shared)) return std::nullopt;
    if (!list.empty() && list.back() != '\n') return std::nullopt;
    for (std::size_t begin = text_.size(); begin < list.size();) {
        const std::size_t end = list.find('\n', begin);
        add(list.substr(begin, end - begin));
        begin = end + 1;
    }
    if (list.empty()) return 0;
    const auto last = std::ranges::lower_bound(ends_, list.size());
    return static_cast<std::uint32_t>(last - ends_.begin()) + 1;
}

void RoomList::add(std::string_view name) {
    text_.append(name).push_back('\n');
    ends_.push_back(text_.size());
    rooms_.push_back(
        std::make_unique<RoomLedger>(size(), std::string(name), is_room_of(name, run_)));
    index_by_name_.emplace(name, size() - 1);
}

std::optional<std::uint32_t> RoomList::find(const std::string& name) const {
    const auto found = index_by_name_.find(name);
    if (found == index_by_name_.end()) return std::nullopt;
    return found->second;
}

}  // namespace ringside::loadgen
