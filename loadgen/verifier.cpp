#include "loadgen/verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>

namespace ringside::loadgen {

namespace {

// How far back a message that came again is looked for.
constexpr std::uint64_t search_back_max = 16384;
constexpr std::string_view time_form = "00:00:00 00/00/00";  // HH:MM:SS MM/DD/YY

bool is_time(std::string_view text) {
    const auto fits = [](char form, char c) {
        return form == '0' ? c >= '0' && c <= '9' : c == form;
    };
    return std::ranges::equal(time_form, text, fits);
}

std::string key_text(MessageKey key) {
    if ((key & foreign_key) != 0) return "a message of somebody else";
    return fmt::format("message {} of user {}", counter_of(key), sender_of(key));
}

// The nearest place from the cursor on, else the nearest before it, whose entry is wanted.
template <typename Wanted>
std::optional<std::uint64_t> find_near(const Cursor& cursor, Wanted wanted) {
    const RoomLedger& room = *cursor.room;
    for (std::uint64_t i = cursor.index; i < room.size(); ++i) {
        if (wanted(room.at(i))) return i;
    }
    const std::uint64_t far = cursor.index - std::min(cursor.index, search_back_max);
    for (std::uint64_t i = cursor.index; i-- > std::max(far, room.begin());) {
        if (wanted(room.at(i))) return i;
    }
    return std::nullopt;
}

bool contains(const std::vector<std::uint64_t>& ascending, std::uint64_t value) {
    return std::ranges::binary_search(ascending, value);
}

bool take_out(std::vector<std::uint64_t>& ascending, std::uint64_t value) {
    const auto place = std::ranges::lower_bound(ascending, value);
    if (place == ascending.end() || *place != value) return false;
    ascending.erase(place);
    return true;
}

// What lies between the cursor and `end` did not come, unless it came early. A corrupt delivery
// stands for one of them.
void pass_over(Cursor& cursor, std::uint64_t end) {
    for (; cursor.index < end; ++cursor.index) {
        if (take_out(cursor.ahead, cursor.index)) continue;
        if (cursor.spoilt > 0) {
            --cursor.spoilt;
        } else {
            cursor.missed.push_back(cursor.index);
        }
    }
}

void skip_what_came(Cursor& cursor) {
    while (take_out(cursor.ahead, cursor.index))
        ++cursor.index;
}

// A later message of the same sender has come to this member already.
bool overtaken(const Cursor& cursor, std::uint64_t index) {
    const RoomLedger& room = *cursor.room;
    const MessageKey key = room.at(index).key;
    if ((key & foreign_key) != 0) return false;
    const auto later = [&room, key](std::uint64_t i) {
        const MessageKey other = room.at(i).key;
        return sender_of(other) == sender_of(key) && counter_of(other) > counter_of(key);
    };
    for (std::uint64_t i = index + 1; i < cursor.index; ++i) {
        if (later(i) && !contains(cursor.missed, i)) return true;
    }
    return std::ranges::any_of(cursor.ahead, later);
}

// Behind the sender's last message in the room that has not come to it.
std::uint64_t end_of_own(const Cursor& cursor, std::uint32_t sender) {
    for (std::uint64_t i = cursor.room->size(); i-- > cursor.index;) {
        if (sender_of(cursor.room->at(i).key) == sender) return i + 1;
    }
    return cursor.index;
}

}  // namespace

Verifier::Verifier(std::uint32_t run, std::size_t senders, Violations& violations, BodyForm form,
                   std::uint32_t messages_max)
    : run_(run),
      messages_max_(messages_max),
      form_(form),
      senders_(senders),
      violations_(violations) {}

void Verifier::allow(std::uint32_t sender, std::size_t outstanding) {
    RINGSIDE_ASSERT(outstanding > 0);
    SenderRecord& record = senders_[sender];
    record.sent_at.resize(std::bit_ceil(outstanding));
    record.window_mask = static_cast<std::uint32_t>(std::bit_ceil(outstanding)) - 1;
}

std::uint32_t Verifier::send(std::uint32_t sender, const SendTime& time) noexcept {
    SenderRecord& record = senders_[sender];
    RINGSIDE_ASSERT(may_send(sender) && record.unanswered() <= record.window_mask);
    record.sent_at[record.sent & record.window_mask] = time;
    return record.sent++;
}

Verifier::Reading Verifier::read(const RoomLedger& room, std::string_view body) const noexcept {
    std::string_view user;
    std::string_view text = body;
    if (form_ == BodyForm::chat) {
        const std::size_t tab = body.find('\t');
        if (tab == 0 || tab == std::string_view::npos) return {};
        const std::size_t text_at = tab + 1 + time_form.size() + 1;
        if (body.size() <= text_at || body[text_at - 1] != '\n') return {};
        if (!is_time(body.substr(tab + 1, time_form.size()))) return {};
        user = body.substr(0, tab);
        text = body.substr(text_at);
    }
    const std::optional<PayloadId> id = parse_payload(text);
    if (!claims_run(user, text, run_)) {
        // Only another load generator may be at work in a room of this run: then the sum tells.
        return {id || !room.own() ? Origin::foreign : Origin::broken, {}};
    }
    if (!id || id->run != run_ || id->sender >= senders_.size()) return {};
    if (form_ == BodyForm::chat && user != user_name(run_, id->sender)) return {};
    if (id->counter >= senders_[id->sender].sent) return {};  // never sent
    return {Origin::ours, *id};
}

Delivery Verifier::examine(Cursor& cursor, std::string_view body, std::uint64_t digest) {
    skip_what_came(cursor);
    if (cursor.index < cursor.room->size() && cursor.room->at(cursor.index).digest == digest) {
        return {cursor.index, cursor.room->at(cursor.index++).key};
    }
    const Reading reading = read(*cursor.room, body);
    switch (reading.origin) {
        case Origin::ours:
            if (reading.id.room == cursor.room->tag()) return take_ours(cursor, reading.id, digest);
            return refuse(Violation::misdirected, cursor, body);
        case Origin::foreign:
            return take_foreign(cursor, digest);
        case Origin::broken:
            break;
    }
    ++cursor.spoilt;
    return refuse(Violation::corrupt, cursor, body);
}

Delivery Verifier::take_ours(Cursor& cursor, const PayloadId& id, std::uint64_t digest) {
    const MessageKey key = make_key(id.sender, id.counter);
    SenderRecord& sender = senders_[id.sender];
    if (id.counter < sender.published) {
        const auto known = find_near(cursor, [key](const LedgerEntry& e) { return e.key == key; });
        if (!known) return refuse(Violation::repeated, cursor, key_text(key));
        return take_known(cursor, *known, digest);
    }
    for (; sender.published < id.counter; ++sender.published) {
        cursor.room->append_guess(make_key(id.sender, sender.published));
    }
    ++sender.published;
    return take_new(cursor, key, digest);
}

Delivery Verifier::take_foreign(Cursor& cursor, std::uint64_t digest) {
    const MessageKey key = digest | foreign_key;
    // At the end of what is known it is new: somebody may well say the same twice in a second.
    if (cursor.index == cursor.room->size()) return take_new(cursor, key, digest);
    const auto known =
        find_near(cursor, [digest](const LedgerEntry& e) { return e.digest == digest; });
    if (!known) return take_new(cursor, key, digest);
    return take_known(cursor, *known, digest);
}

Delivery Verifier::take_new(Cursor& cursor, MessageKey key, std::uint64_t digest) {
    pass_over(cursor, cursor.room->size());
    cursor.room->append({digest, key});
    return {cursor.index++, key};
}

Delivery Verifier::take_known(Cursor& cursor, std::uint64_t index, std::uint64_t digest) {
    RoomLedger& room = *cursor.room;
    const MessageKey key = room.at(index).key;
    const bool guess = room.is_guess(index);
    if (room.at(index).digest == LedgerEntry::unseen) room.see(index, digest);
    if (room.at(index).digest != digest) {
        ++cursor.spoilt;
        return refuse(Violation::corrupt, cursor, key_text(key) + ": name or time differ");
    }
    const bool late = index < cursor.index;
    const bool came = late ? !take_out(cursor.missed, index) : contains(cursor.ahead, index);
    if (came) return refuse(Violation::repeated, cursor, key_text(key));
    if (overtaken(cursor, index)) {
        tell(Violation::reordered, cursor, key_text(key));
    } else if (late && !guess) {
        tell(Violation::disagreed, cursor, key_text(key));
    }
    if (late) return {index, key};
    if (guess && index > cursor.index) {
        cursor.ahead.insert(std::ranges::upper_bound(cursor.ahead, index), index);
        return {index, key};
    }
    pass_over(cursor, index);
    ++cursor.index;
    return {index, key};
}

void Verifier::leave(Cursor& cursor, std::uint64_t end, std::uint32_t sender) {
    RINGSIDE_ASSERT(cursor.room != nullptr);
    SenderRecord& record = senders_[sender];
    if (record.unanswered() > 0) {
        end = std::max(end, end_of_own(cursor, sender));
        record.answered = record.sent;
    }
    pass_over(cursor, end);
    for (const std::uint64_t index : cursor.missed)
        tell_lost(*cursor.room, index);
    cursor = Cursor{};
}

void Verifier::tell_lost(const RoomLedger& room, std::uint64_t index) {
    std::string what = "a message";
    if (index >= room.begin()) {
        const LedgerEntry& entry = room.at(index);
        if (entry.digest == LedgerEntry::unseen && senders_[sender_of(entry.key)].written_off)
            return;
        what = key_text(entry.key);
    }
    violations_.add(Violation::lost);
    if (!violations_.wants_details()) return;
    violations_.tell(Violation::lost,
                     fmt::format("{}, place {} of room '{}', did not come to a member", what, index,
                                 room.name()));
}

void Verifier::finish() {
    for (std::uint32_t number = 0; number < senders_.size(); ++number) {
        const SenderRecord& sender = senders_[number];
        const std::uint64_t never = sender.sent - sender.published;
        if (never == 0 || sender.written_off) continue;
        violations_.add(Violation::lost, never);
        violations_.tell(Violation::lost,
                         fmt::format("the last {} of {} messages of user {} came to nobody", never,
                                     sender.sent, number));
    }
}

Delivery Verifier::refuse(Violation kind, const Cursor& cursor, std::string_view what) {
    tell(kind, cursor, what);
    return {};
}

void Verifier::tell(Violation kind, const Cursor& cursor, std::string_view what) {
    violations_.add(kind);
    if (!violations_.wants_details()) return;
    violations_.tell(kind, fmt::format("at place {} of room '{}': {}", cursor.index,
                                       cursor.room->name(), what.substr(0, 160)));
}

}  // namespace ringside::loadgen
