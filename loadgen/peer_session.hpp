#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/assert.hpp"
#include "common/wire.hpp"

namespace ringside::loadgen {

/// Hands a server's frame of the chat protocol to `handle`.
template <typename Handler>
void hand_on(Handler& handle, Request request, Status status, std::string_view text) {
    handle(ServerHeader{static_cast<std::uint32_t>(request), static_cast<std::uint32_t>(status),
                        text.size()},
           text);
}

// What the chat protocol has and a server of channels has not: names, a list of rooms, an answer to
// each request. A virtual user has one such request on its way at a time, so what confirms it needs
// no number.
class PeerSession {
 public:
    /// A request that has an answer was sent.
    void ask(Request request, std::string_view text) {
        RINGSIDE_ASSERT(!asked_);
        asked_ = request;
        if (request == Request::connect_chat) room_ = text;
        if (request == Request::create_chat) rooms_.append(text).push_back('\n');
    }
    /// The room of the last connect_chat.
    [[nodiscard]] const std::string& room() const noexcept { return room_; }
    [[nodiscard]] bool asked() const noexcept { return asked_.has_value(); }

    /// What was asked is done. The list of rooms holds those that this user made; nobody else's.
    template <typename Handler>
    void answer(Handler& handle) {
        const Request done = *asked_;
        asked_.reset();
        if (done == Request::connect_chat || done == Request::set_name) {
            hand_on(handle, done, Status::success,
                    done == Request::connect_chat ? std::string_view(room_) : "");
        }
        if (done != Request::connect_chat) {
            hand_on(handle, Request::get_chats, Status::success, rooms_);
        }
    }
    /// It is refused; where nothing was asked, that is no answer to anything.
    template <typename Handler>
    void refuse(Handler& handle, std::string_view why) {
        hand_on(handle, asked_.value_or(Request::wrong_request), Status::failure, why);
        asked_.reset();
    }

 private:
    std::optional<Request> asked_;  // and neither answered nor refused yet
    std::string room_;
    std::string rooms_;  // made by this user, each followed by LF
};

}  // namespace ringside::loadgen
