#include "common/outbox.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"

namespace ringside {

namespace {

// A piece is at most this long, so that its size fits 32 bits; what is longer comes in several.
constexpr std::size_t piece_bytes_max = std::size_t{1} << 30;

}  // namespace

void Outbox::answer(Request request, Status status, std::string_view text) {
    const std::size_t bytes = server_header_bytes + text.size();
    const bool piece_in_private = source_ == Source::private_bytes && pin_ == nullptr;
    if (piece_in_private && private_.capacity() - private_.size() < bytes) keep_private_piece();
    append_server_frame(private_, request, status, text);
    RINGSIDE_ASSERT(private_.size() <= UINT32_MAX);
}

// The piece that is out points into private_, which is about to grow and so to move: the old bytes
// are left to the pin.
void Outbox::keep_private_piece() {
    auto old = std::make_shared<std::string>(std::move(private_));
    RINGSIDE_ASSERT(piece_ == old->data() + private_sent_);
    private_ = *old;
    pin_ = std::move(old);
}

void Outbox::join(LogReader& reader, std::uint64_t position) {
    RINGSIDE_ASSERT(reader_ == nullptr && count_.at_boundary());
    RINGSIDE_ASSERT(source_ != Source::log);
    reader_ = &reader;
    position_ = position;
    end_ = no_end;
    RINGSIDE_ASSERT(position <= reader.log().published_end());
    caught_up_once_ = position == reader.log().published_end();
    list_due_.reset();
}

void Outbox::leave(std::uint64_t end) {
    RINGSIDE_ASSERT(reader_ != nullptr && end != no_end);
    end_ = end;
    forget_log_if_left();
}

// A piece of the log that is out may still end inside a message, so its sent() decides.
void Outbox::forget_log_if_left() noexcept {
    if (position_ >= end_ && count_.at_boundary() && source_ != Source::log) reader_ = nullptr;
}

void Outbox::drop_log() noexcept {
    reader_ = nullptr;
}

void Outbox::owe_list(std::shared_ptr<const RoomList> list) {
    RINGSIDE_ASSERT(list != nullptr && !list->frame.empty());
    if (list->version < list_version_) return;
    if (list_due_ != nullptr && list->version < list_due_->version) return;
    list_due_ = std::move(list);
}

std::uint64_t Outbox::log_limit() const noexcept {
    if (reader_ == nullptr) return position_;
    const std::uint64_t begun_end = position_ + count_.begun_bytes_left();
    // With an answer waiting, or after the leave, only the message that has begun is finished.
    if (begun_end > position_ && (private_bytes() != 0 || position_ >= end_)) return begun_end;
    return std::max(position_, std::min(end_, reader_->log().published_end()));
}

Result<std::string_view> Outbox::next_piece() {
    RINGSIDE_ASSERT(source_ == Source::none);
    if (torn()) return std::string_view{};
    if (list_out_ == nullptr && (private_bytes() == 0 || !count_.at_boundary())) {
        const std::uint64_t end = log_limit();
        if (end > position_) return hand_out_log(end);
    }
    if (list_out_ == nullptr && private_bytes() != 0) {
        return hand_out(Source::private_bytes, std::string_view(private_).substr(private_sent_));
    }
    if (list_out_ == nullptr && reader_ == nullptr && list_due_ != nullptr) {
        list_out_ = std::move(list_due_);
        list_version_ = list_out_->version;
    }
    if (list_out_ == nullptr) return std::string_view{};
    return hand_out(Source::list, std::string_view(list_out_->frame).substr(list_sent_));
}

Result<std::string_view> Outbox::hand_out_log(std::uint64_t end) {
    Result<LogPiece> piece = reader_->read(position_, end);
    if (!piece) return std::unexpected(piece.error());
    RINGSIDE_ASSERT(!piece->bytes.empty() && piece->bytes.size() <= end - position_);
    pin_ = std::move(piece->pin);
    return hand_out(Source::log, piece->bytes);
}

std::string_view Outbox::hand_out(Source source, std::string_view bytes) noexcept {
    const std::string_view piece = bytes.substr(0, piece_bytes_max);
    source_ = source;
    piece_ = piece.data();
    piece_bytes_ = static_cast<std::uint32_t>(piece.size());
    return piece;
}

std::uint64_t Outbox::sent(std::size_t bytes) noexcept {
    RINGSIDE_ASSERT(source_ != Source::none && bytes <= piece_bytes_);
    const Source source = std::exchange(source_, Source::none);
    std::uint64_t messages = 0;
    switch (source) {
        case Source::none:
            break;
        case Source::private_bytes:
            private_sent(bytes);
            break;
        case Source::log:
            messages = log_sent(bytes);
            forget_log_if_left();
            break;
        case Source::list:
            list_sent(bytes);
            break;
    }
    pin_.reset();
    return messages;
}

void Outbox::private_sent(std::size_t bytes) noexcept {
    private_sent_ += static_cast<std::uint32_t>(bytes);
    if (private_sent_ == private_.size()) {
        std::string().swap(private_);  // an idle connection owns no buffer
        private_sent_ = 0;
    } else if (private_sent_ > private_.size() / 2) {
        // A client that always has an answer unread must not make the sent ones pile up.
        private_.erase(0, private_sent_);
        private_sent_ = 0;
    }
}

std::uint64_t Outbox::log_sent(std::size_t bytes) noexcept {
    if (bytes == 0) return 0;
    const std::string_view taken(piece_, bytes);
    const std::uint64_t begin = std::exchange(position_, position_ + bytes);
    std::uint64_t messages = 0;
    if (reader_ == nullptr) return count_.add(taken);
    CountedRange& counted = reader_->counted();
    if (count_.at_boundary() && counted.begin == begin && counted.end == position_) {
        messages = counted.frames;
    } else {
        const bool from_boundary = count_.at_boundary();
        messages = count_.add(taken);
        if (from_boundary && count_.at_boundary()) counted = {begin, position_, messages};
    }
    if (!caught_up_once_) caught_up_once_ = position_ >= reader_->log().published_end();
    return messages;
}

void Outbox::list_sent(std::size_t bytes) noexcept {
    list_sent_ += static_cast<std::uint32_t>(bytes);
    if (list_sent_ < list_out_->frame.size()) return;
    list_out_.reset();
    list_sent_ = 0;
}

bool Outbox::owes() const noexcept {
    if (source_ != Source::none) return true;
    if (torn()) return false;
    if (private_bytes() != 0 || list_out_ != nullptr) return true;
    return log_limit() > position_ || (list_due_ != nullptr && reader_ == nullptr);
}

std::size_t Outbox::private_bytes() const noexcept {
    return private_.size() - private_sent_;
}

std::uint64_t Outbox::lag_bytes() const noexcept {
    if (reader_ == nullptr) return 0;
    const std::uint64_t due = std::min(end_, reader_->log().published_end());
    return due > position_ ? due - position_ : 0;
}

}  // namespace ringside
