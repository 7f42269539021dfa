#include "loadgen/verifier.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace ringside::loadgen;

namespace {

constexpr std::uint32_t run = 0xabcd0123;
constexpr std::size_t senders = 4;

// A room, its members, and messages for them as a server would deliver them.
struct Room {
    Violations violations;
    BodyForm form;
    Verifier verifier;
    RoomLedger ledger{0, room_name(run, 0), true};
    std::map<int, Cursor> members;

    explicit Room(BodyForm body_form = BodyForm::chat)
        : form(body_form), verifier(run, senders, violations, body_form) {
        for (std::uint32_t sender = 0; sender < senders; ++sender)
            verifier.allow(sender, 1024);
        for (int member = 0; member < 3; ++member)
            members[member].room = &ledger;
    }

    std::string say(std::uint16_t sender, std::uint16_t room = 0) {
        const std::uint32_t counter = verifier.send(sender, {1, 1});
        std::string text(32, '\0');
        store_payload(text, {run, sender, room, counter});
        if (form == BodyForm::bare) return text;
        return user_name(run, sender) + "\t12:00:00 11/21/26\n" + text;
    }
    Delivery give(int member, const std::string& body) {
        return verifier.deliver(members[member], body);
    }
    void give_all(const std::string& body) {
        for (auto& [member, cursor] : members)
            static_cast<void>(give(member, body));
    }
    // The end of a run.
    void end() {
        for (auto& [member, cursor] : members) {
            verifier.leave(cursor, ledger.size(), static_cast<std::uint32_t>(member));
        }
        verifier.finish();
    }
    std::string told() const {
        std::string all;
        for (const std::string& detail : violations.details())
            all += detail + "\n";
        return all;
    }
    bool only(Violation kind, std::uint64_t times) const {
        return violations.count(kind) == times && violations.total() == times;
    }
};

}  // namespace

TEST_CASE("members that get everything in one order are right, whoever is ahead") {
    Room room;
    std::vector<std::string> said;
    for (int i = 0; i < 100; ++i)
        said.push_back(room.say(static_cast<std::uint16_t>(i % 3)));
    for (int i = 0; i < 100; ++i) {
        CHECK(room.give(i % 3, said[static_cast<std::size_t>(room.members[i % 3].index)]).valid());
    }
    for (int member = 0; member < 3; ++member) {
        while (room.members[member].index < said.size()) {
            const Delivery got = room.give(member, said[room.members[member].index]);
            REQUIRE(got.valid());
        }
    }
    room.end();
    CHECK(room.violations.total() == 0);
}

TEST_CASE("a delivery tells which message it is and at which place") {
    Room room;
    room.give_all(room.say(1));
    const std::string body = room.say(2);
    const Delivery first = room.give(0, body);
    CHECK(first.index == 1);
    CHECK(first.key == make_key(2, 0));
    const Delivery second = room.give(1, body);
    CHECK(second.index == 1);
    CHECK(second.key == make_key(2, 0));
}

TEST_CASE("a message that one member does not get is lost, once") {
    const int victim = GENERATE(0, 1, 2);  // the first to receive, or not
    const bool at_the_end = GENERATE(false, true);
    CAPTURE(victim, at_the_end);
    Room room;
    room.give_all(room.say(0));
    const std::string dropped = room.say(0);
    const std::string next = room.say(0);
    for (int member = 0; member < 3; ++member) {
        if (member != victim) CHECK(room.give(member, dropped).valid());
        if (!at_the_end) CHECK(room.give(member, next).valid());
    }
    if (at_the_end) room.verifier.write_off(0);  // its last message is none of this test's
    room.end();
    CAPTURE(room.told());
    CHECK(room.only(Violation::lost, 1));
}

TEST_CASE("losing one of many interleaved senders' messages is no new order for the others") {
    const int victim = GENERATE(0, 1, 2);
    CAPTURE(victim);
    Room room;
    const std::vector<std::string> said = {room.say(0), room.say(1), room.say(2), room.say(1),
                                           room.say(0), room.say(2), room.say(0)};
    for (int member = 0; member < 3; ++member) {
        for (std::size_t i = 0; i < said.size(); ++i) {
            if (member == victim && i == 1) continue;
            CHECK(room.give(member, said[i]).valid());
        }
    }
    room.end();
    CAPTURE(room.told());
    CHECK(room.only(Violation::lost, 1));
}

TEST_CASE("a message that nobody gets is lost for everybody, or once where nothing shows it") {
    const bool shown = GENERATE(false, true);
    Room room;
    room.give_all(room.say(0));
    static_cast<void>(room.say(0));
    if (shown) room.give_all(room.say(0));
    room.end();
    CAPTURE(room.told());
    CHECK(room.only(Violation::lost, shown ? 3 : 1));
}

TEST_CASE("a message that comes again is repeated") {
    const std::size_t later = GENERATE(0U, 1U, 5U);
    CAPTURE(later);
    Room room;
    const std::string body = room.say(0);
    room.give_all(body);
    for (std::size_t i = 0; i < later; ++i)
        room.give_all(room.say(1));
    CHECK_FALSE(room.give(1, body).valid());
    room.give_all(room.say(0));
    room.end();
    CHECK(room.only(Violation::repeated, 1));
}

TEST_CASE("a message that comes after a later one of its sender is reordered") {
    const int victim = GENERATE(0, 1, 2);
    CAPTURE(victim);
    Room room;
    const std::string first = room.say(0);
    const std::string second = room.say(0);
    for (int member = 0; member < 3; ++member) {
        const bool swapped = member == victim;
        CHECK(room.give(member, swapped ? second : first).valid());
        CHECK(room.give(member, swapped ? first : second).valid());
    }
    room.end();
    CAPTURE(room.told());
    CHECK(room.only(Violation::reordered, 1));
}

TEST_CASE("members that get two senders' messages in different orders disagree") {
    Room room;
    const std::string one = room.say(0);
    const std::string two = room.say(1);
    CHECK(room.give(0, one).valid());
    CHECK(room.give(0, two).valid());
    CHECK(room.give(1, two).valid());
    CHECK(room.give(1, one).valid());
    room.members.erase(2);
    room.end();
    CAPTURE(room.told());
    CHECK(room.only(Violation::disagreed, 1));
}

TEST_CASE("a changed byte anywhere in a message is corrupt, for the first receiver and others") {
    const int victim = GENERATE(0, 2);
    Room shape;
    const std::size_t bytes = shape.say(0).size();
    for (std::size_t at = 0; at < bytes; ++at) {
        CAPTURE(victim, at);
        Room room;
        room.give_all(room.say(0));
        const std::string body = room.say(0);
        std::string changed = body;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        for (int member = 0; member < 3; ++member) {
            static_cast<void>(room.give(member, member == victim ? changed : body));
        }
        room.give_all(room.say(0));
        room.end();
        CAPTURE(room.told());
        // Another time for the first receiver makes the others' look wrong: both of them.
        const bool in_time = at > user_name_bytes && at <= user_name_bytes + 17;
        const bool still_a_time = in_time && changed[at] >= '0' && changed[at] <= '9';
        REQUIRE(room.only(Violation::corrupt, still_a_time && victim == 0 ? 2 : 1));
    }
}

TEST_CASE("a message that was never sent is corrupt, however right its sum is") {
    Room room;
    std::string text(32, '\0');
    store_payload(text, {run, 1, 0, 99});
    CHECK_FALSE(room.give(0, user_name(run, 1) + "\t12:00:00 11/21/26\n" + text).valid());
    CHECK(room.only(Violation::corrupt, 1));
}

TEST_CASE("a message of another room is misdirected") {
    Room room;
    room.give_all(room.say(0));
    CHECK_FALSE(room.give(1, room.say(1, 7)).valid());
    CHECK(room.only(Violation::misdirected, 1));
}

TEST_CASE("what does not look like a message is corrupt") {
    const auto* body = GENERATE("", "x", "\tx", "anna\t12.00.00 11/21/26\nx",
                                "anna\t12:00:00 11/21/2x\nx", "anna\t1234567890 1234567\nx",
                                "name\t12:00:00 11/21/26", "name 12:00:00 11/21/26\nx");
    const bool own = GENERATE(false, true);
    CAPTURE(body, own);
    Room room;
    room.ledger = RoomLedger(0, room_name(run, 0), own);  // a foreign room has foreign texts
    CHECK_FALSE(room.give(0, body).valid());
    CHECK(room.only(Violation::corrupt, 1));
}

TEST_CASE("in a room that is not of this run anything may stand, but the same for all") {
    Room room;
    room.ledger = RoomLedger(0, "lounge", false);
    const std::string hello = "anna\t12:00:00 11/21/26\nhello";
    const std::string again = "anna\t12:00:01 11/21/26\nhello again";
    room.give_all(hello);
    room.give_all(hello);  // twice in a second
    room.give_all(again);
    room.give_all(room.say(0));
    CHECK(room.violations.total() == 0);
    SECTION("a member that misses one lost it") {
        const std::string more = "anna\t12:00:02 11/21/26\nmore";
        const std::string last = "anna\t12:00:03 11/21/26\nlast";
        for (int member = 0; member < 3; ++member) {
            if (member != 1) CHECK(room.give(member, more).valid());
            CHECK(room.give(member, last).valid());
        }
        room.end();
        CHECK(room.only(Violation::lost, 1));
    }
    SECTION("a member that gets other bytes at the end disagrees or loses, and it is seen") {
        const std::string more = "anna\t12:00:02 11/21/26\nmore";
        CHECK(room.give(0, more).valid());
        static_cast<void>(room.give(1, "anna\t12:00:02 11/21/26\nmoge"));
        room.end();
        CHECK(room.violations.total() > 0);
    }
}

TEST_CASE("in a room of this run a message of nobody is corrupt, one of another run is not") {
    Room room;
    CHECK_FALSE(room.give(0, "anna\t12:00:00 11/21/26\nhello").valid());
    CHECK(room.violations.count(Violation::corrupt) == 1);
    std::string text(32, '\0');
    store_payload(text, {run + 1, 1, 9, 0});
    CHECK(room.give(1, user_name(run + 1, 1) + "\t12:00:00 11/21/26\n" + text).valid());
    CHECK(room.violations.total() == 1);
}

TEST_CASE("a sender that leaves must have got its own messages and all before them") {
    Room room;
    const std::string other = room.say(1);
    const std::string own = room.say(0);
    room.give_all(room.say(2));
    CHECK(room.give(1, other).valid());
    CHECK(room.give(1, own).valid());
    // Member 0 is sender 0; at the time of its leave_chat one message was known to be in the room.
    room.verifier.leave(room.members[0], 1, 0);
    CHECK(room.only(Violation::lost, 2));
    CHECK(room.verifier.unanswered(0) == 0);
}

TEST_CASE("what a member that leaves has not got of later messages is none of its business") {
    Room room;
    room.give_all(room.say(0));
    CHECK(room.give(1, room.say(1)).valid());
    room.verifier.leave(room.members[2], 1, 2);
    CHECK(room.violations.total() == 0);
}

TEST_CASE("thousands of deliveries after a loss are right again") {
    Room room;
    const std::string dropped = room.say(0);
    CHECK(room.give(0, dropped).valid());
    CHECK(room.give(2, dropped).valid());
    for (int i = 0; i < 10'000; ++i) {
        const std::string body = room.say(1);
        for (int member = 0; member < 3; ++member)
            REQUIRE(room.give(member, body).valid());
        static_cast<void>(room.verifier.answer(make_key(1, static_cast<std::uint32_t>(i))));
    }
    room.end();
    CHECK(room.only(Violation::lost, 1));
}

// The numbers began again after 2^32 messages, and every delivery was wrong from there on.
TEST_CASE("a sender stops before its messages' numbers begin again") {
    Violations violations;
    Verifier verifier(run, senders, violations, BodyForm::chat, 3);
    verifier.allow(2, 4);
    for (std::uint32_t number = 0; number < 3; ++number) {
        REQUIRE(verifier.may_send(2));
        CHECK(verifier.send(2, {100, 100}) == number);
    }
    CHECK_FALSE(verifier.may_send(2));
    CHECK(verifier.may_send(1));
}

TEST_CASE("the window of unanswered messages follows a sender's own copies") {
    Violations violations;
    Verifier verifier(run, senders, violations);
    verifier.allow(2, 3);
    CHECK(verifier.send(2, {100, 100}) == 0);
    CHECK(verifier.send(2, {.due_ns = 150, .sent_ns = 200}) == 1);
    CHECK(verifier.send(2, {300, 300}) == 2);
    CHECK(verifier.unanswered(2) == 3);
    CHECK(verifier.sent_at(make_key(2, 1)).due_ns == 150);
    CHECK(verifier.sent_at(make_key(2, 1)).sent_ns == 200);
    CHECK(verifier.answer(make_key(2, 1)));
    CHECK(verifier.unanswered(2) == 1);
    CHECK_FALSE(verifier.answer(make_key(2, 0)));
    CHECK(verifier.unanswered(2) == 1);
}

TEST_CASE("what nobody has got is known with its times, of the last ones") {
    Room room;
    static_cast<void>(room.say(0));
    room.give_all(room.say(1));
    for (int i = 0; i < 2; ++i)
        static_cast<void>(room.say(1));
    std::size_t unseen = 0;
    room.verifier.each_unseen([&unseen](const SendTime& sent) { unseen += sent.due_ns; });
    CHECK(unseen == 3);  // say() is at 1
}

TEST_CASE("bare payloads in one order are right") {
    Room room(BodyForm::bare);
    for (int i = 0; i < 10; ++i)
        room.give_all(room.say(static_cast<std::uint16_t>(i % 3)));
    room.end();
    CAPTURE(room.told());
    CHECK(room.violations.total() == 0);
}

TEST_CASE("a bare payload that was altered, or that nobody of the run sent, is corrupt") {
    const int how = GENERATE(0, 1, 2, 3, 4, 5);
    CAPTURE(how);
    Room room(BodyForm::bare);
    room.give_all(room.say(0));
    std::string body = room.say(1);
    const auto make = [&body](const PayloadId& id) { store_payload(body, id); };
    if (how == 0) body[20] ^= 1;                           // the sum does not match
    if (how == 1) body.pop_back();                         // cut
    if (how == 2) body.clear();                            // empty
    if (how == 3) make({run, senders, 0, 0});              // no such sender
    if (how == 4) make({run, 1, 0, 1});                    // not sent yet
    if (how == 5) body = "u\t12:00:00 11/21/26\n" + body;  // the other form
    CHECK_FALSE(room.give(0, body).valid());
    CAPTURE(room.told());
    CHECK(room.only(Violation::corrupt, 1));
}

TEST_CASE("bare payloads of another room, again, swapped or lost are told by their kinds") {
    Room room(BodyForm::bare);
    const std::string first = room.say(0);
    const std::string second = room.say(0);
    const std::string elsewhere = room.say(1, 7);
    SECTION("another room") {
        CHECK_FALSE(room.give(0, elsewhere).valid());
        CHECK(room.only(Violation::misdirected, 1));
    }
    SECTION("again") {
        room.give_all(first);
        CHECK_FALSE(room.give(0, first).valid());
        CHECK(room.only(Violation::repeated, 1));
    }
    SECTION("swapped") {
        CHECK(room.give(0, first).valid());
        CHECK(room.give(0, second).valid());
        CHECK(room.give(1, second).valid());
        CHECK(room.give(1, first).valid());
        CHECK(room.only(Violation::reordered, 1));
    }
    SECTION("lost") {
        room.verifier.write_off(1);
        room.give_all(first);
        CHECK(room.give(0, second).valid());
        CHECK(room.give(1, second).valid());
        room.end();
        CAPTURE(room.told());
        CHECK(room.only(Violation::lost, 1));
    }
}
