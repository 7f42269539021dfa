#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/recorder.hpp"

namespace ringside::loadgen {

// What a virtual user hears through a dialect, one line a frame: "connect_chat success room".
struct Heard {
    std::vector<std::string> frames;
    std::string sent_back;
    bool sound = true;

    /// Feeds a copy of exactly these bytes, so that a sanitizer sees a read beyond them.
    template <typename Dialect>
    void feed(Dialect& dialect, std::string_view chunk) {
        const std::vector<char> own(chunk.begin(), chunk.end());
        const auto handle = [this](const ServerHeader& header, std::string_view text) {
            std::string line(request_name(static_cast<Request>(header.request)));
            line += header.status == 0 ? " success" : " failure";
            if (header.length != text.size()) line += " of a wrong length";
            if (!text.empty()) line.append(" ").append(text);
            frames.push_back(line);
        };
        const auto respond = [this](std::string_view bytes) { sent_back += bytes; };
        sound = sound && dialect.feed({own.data(), own.size()}, handle, respond);
    }
};

}  // namespace ringside::loadgen
