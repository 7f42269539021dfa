#include "common/chat_rules.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringside {

namespace {

using namespace std::string_view_literals;

Decision decide(Stage stage, Request request, std::string_view text) {
    static const ChatRules rules{ChatLimits{}};
    return rules.decide(stage, {static_cast<std::uint32_t>(request), text});
}

constexpr Stage all_stages[] = {Stage::unnamed, Stage::lobby, Stage::room};

// A short English sentence, as clients show it.
void check_reason(std::string_view reason) {
    CAPTURE(reason);
    CHECK(reason.size() >= 10);
    CHECK(reason.size() <= 80);
    CHECK(reason.front() >= 'A');
    CHECK(reason.front() <= 'Z');
    CHECK(reason.back() == '.');
}

std::string repeated(std::size_t count, std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

// The character U+0000 to U+00FF.
std::string utf8_of(int code) {
    if (code < 0x80) return {static_cast<char>(code)};
    return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace

TEST_CASE("each stage takes the requests that the protocol lists for it and refuses the others") {
    struct Row {
        Request request;
        Action unnamed, lobby, room;
    };
    constexpr Action refuse = Action::refuse;
    const Row row = GENERATE(values<Row>({
        {Request::set_name, Action::take_name, refuse, refuse},
        {Request::create_chat, refuse, Action::create_room, refuse},
        {Request::connect_chat, refuse, Action::join_room, refuse},
        {Request::send_message, refuse, refuse, Action::post_message},
        {Request::leave_chat, refuse, refuse, Action::leave_room},
        {Request::disconnect, Action::disconnect, Action::disconnect, Action::disconnect},
        {Request::hello, refuse, refuse, refuse},
    }));
    for (const Stage stage : all_stages) {
        const Action expected = stage == Stage::unnamed ? row.unnamed
                                : stage == Stage::lobby ? row.lobby
                                                        : row.room;
        CAPTURE(static_cast<int>(row.request), static_cast<int>(stage));
        const Decision decision = decide(stage, row.request, "text");
        CHECK(decision.action == expected);
        CHECK(decision.answer == row.request);
        if (expected == refuse) check_reason(decision.reason);
    }
}

TEST_CASE("values that are not the client's to send are answered by wrong_request in any stage") {
    const std::uint32_t request =
        GENERATE(6U, 7U, 8U, 10U, 11U, 12U, 255U, 256U, 0x03000000U, 0x80000000U, 0xFFFFFFFFU);
    for (const Stage stage : all_stages) {
        CAPTURE(request, static_cast<int>(stage));
        const Decision decision = decide(stage, static_cast<Request>(request), "text");
        CHECK(decision.action == Action::refuse);
        CHECK(decision.answer == Request::wrong_request);
        check_reason(decision.reason);
    }
}

TEST_CASE("hello is answered by a failure that says that there are no extensions") {
    const Decision decision = decide(Stage::unnamed, Request::hello, "crc32c\n");
    CHECK(decision.action == Action::refuse);
    CHECK(decision.answer == Request::hello);
    CHECK(decision.reason == "Extensions are not offered.");
}

TEST_CASE("a stage's refusal comes before any fault of the text") {
    CHECK(decide(Stage::lobby, Request::send_message, "").reason ==
          decide(Stage::lobby, Request::send_message, "fine").reason);
    CHECK(decide(Stage::room, Request::set_name, "\xFF").reason ==
          decide(Stage::room, Request::set_name, "ann").reason);
}

TEST_CASE("names of users and rooms are held against length, UTF-8, control characters and space") {
    struct Kind {
        Stage stage;
        Request request;
        Action action;
        std::size_t bytes_max;
    };
    const Kind kind = GENERATE(values<Kind>({
        {Stage::unnamed, Request::set_name, Action::take_name, 32},
        {Stage::lobby, Request::create_chat, Action::create_room, 64},
    }));
    const auto legal = [&](std::string_view text) {
        return decide(kind.stage, kind.request, text).action == kind.action;
    };
    const std::size_t max = kind.bytes_max;
    CAPTURE(max);
    CHECK_FALSE(legal(""));
    CHECK(legal("a"));
    CHECK(legal(std::string(max, 'a')));
    CHECK_FALSE(legal(std::string(max + 1, 'a')));
    CHECK_FALSE(legal(std::string(65536, 'a')));

    // The limit counts bytes, not characters.
    CHECK(legal(repeated(max / 4, "\xF0\x9F\x98\x80")));
    CHECK_FALSE(legal(repeated(max / 4, "\xF0\x9F\x98\x80") + "a"));

    CHECK(legal("\xC3\xA9t\xC3\xA9"));
    CHECK(legal("/etc/passwd"));
    CHECK(legal("..."));
    CHECK(legal(".hidden"));
    CHECK(legal("../../up"));
    CHECK(legal("a\\b:c*?\"<>|%2F"));
    CHECK(legal("\xC2\xA0"));  // U+00A0 stands right behind the C1 controls
    CHECK(legal("~"));

    CHECK_FALSE(legal(" "));
    CHECK_FALSE(legal("two words"));
    CHECK_FALSE(legal("end "));
    CHECK_FALSE(legal("\xFF"));
    CHECK_FALSE(legal("\xC3"));              // cut off
    CHECK_FALSE(legal("\xC0\xAF"));          // an over-long '/'
    CHECK_FALSE(legal("\xED\xA0\x80"));      // a surrogate
    CHECK_FALSE(legal("\xF4\x90\x80\x80"));  // above U+10FFFF
}

TEST_CASE("names contain no control character of any kind") {
    for (int code = 0; code < 0x100; ++code) {
        const std::string name = "a" + utf8_of(code);
        const bool control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
        const bool legal = !control && code != ' ';
        CAPTURE(code);
        CHECK((decide(Stage::unnamed, Request::set_name, name).action == Action::take_name) ==
              legal);
        CHECK((decide(Stage::lobby, Request::create_chat, name + "b").action ==
               Action::create_room) == legal);
    }
}

TEST_CASE("messages are held against length and UTF-8") {
    const auto legal = [](std::string_view text) {
        return decide(Stage::room, Request::send_message, text).action == Action::post_message;
    };
    CHECK_FALSE(legal(""));
    CHECK(legal("x"));
    CHECK(legal(std::string(4096, 'x')));
    CHECK_FALSE(legal(std::string(4097, 'x')));
    CHECK(legal(repeated(1024, "\xF0\x9F\x98\x80")));
    CHECK_FALSE(legal(repeated(1024, "\xF0\x9F\x98\x80") + "x"));
    CHECK(legal("two words and \xC3\xA9"));
    CHECK_FALSE(legal("cut \xF0\x9F\x98"));
    CHECK_FALSE(legal(std::string(4095, 'x') + "\xC3"));
}

TEST_CASE("of the control characters messages contain only line feed and tab") {
    // In a vector of 16 bytes, and behind the last whole one.
    const std::size_t place = GENERATE(5U, 70U);
    for (int code = 0; code < 0x100; ++code) {
        const std::string text =
            std::string(place, 'x') + utf8_of(code) + "\xC2\xA0y" + std::string(70 - place, 'x');
        const bool control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
        const bool legal = !control || code == '\n' || code == '\t';
        CAPTURE(code);
        CHECK((decide(Stage::room, Request::send_message, text).action == Action::post_message) ==
              legal);
    }
}

TEST_CASE("a control character is found at every place of a text of any length") {
    const auto [stage, request, legal, bytes_max] =
        GENERATE(table<Stage, Request, Action, std::size_t>({
            {Stage::unnamed, Request::set_name, Action::take_name, 32},
            {Stage::lobby, Request::create_chat, Action::create_room, 64},
            {Stage::room, Request::send_message, Action::post_message, 70},
        }));
    const Action with_line_feed = stage == Stage::room ? legal : Action::refuse;
    for (std::size_t length = 1; length <= bytes_max; ++length) {
        for (std::size_t place = 0; place < length; ++place) {
            const auto action_with = [&](char character) {
                std::string text(length, 'x');
                text[place] = character;
                return decide(stage, request, text).action;
            };
            CAPTURE(stage, length, place);
            CHECK(action_with('\x1F') == Action::refuse);
            CHECK(action_with('\x7F') == Action::refuse);
            CHECK(action_with('\t') == with_line_feed);
            CHECK(action_with('\n') == with_line_feed);
            CHECK(action_with('~') == legal);
        }
    }
}

TEST_CASE("a room is joined by whatever its name is, which the directory judges") {
    const std::string_view text = GENERATE(""sv, "room"sv, "two words"sv, "\xFF"sv);
    CHECK(decide(Stage::lobby, Request::connect_chat, text).action == Action::join_room);
}

TEST_CASE("reasons about limits name the limit that is set") {
    const ChatRules rules(ChatLimits{.user_name_bytes_max = 7,
                                     .room_name_bytes_max = 11,
                                     .message_bytes_max = 13,
                                     .frame_length_max = 1717});
    const auto reason = [&](Stage stage, Request request) {
        const std::string text(64, 'x');
        const Decision decision = rules.decide(stage, {static_cast<std::uint32_t>(request), text});
        CHECK(decision.action == Action::refuse);
        return std::string(decision.reason);
    };
    CHECK_THAT(reason(Stage::unnamed, Request::set_name), Catch::Contains(" 7 bytes"));
    CHECK_THAT(reason(Stage::lobby, Request::create_chat), Catch::Contains(" 11 bytes"));
    CHECK_THAT(reason(Stage::room, Request::send_message), Catch::Contains(" 13 bytes"));
    CHECK(rules.decide(Stage::unnamed, {0, "1234567"}).action == Action::take_name);
    CHECK(rules.decide(Stage::unnamed, {0, "12345678"}).action == Action::refuse);
    CHECK_THAT(std::string(rules.frame_too_long().reason), Catch::Contains(" 1717 bytes"));
}

TEST_CASE("a frame that is too long is refused by wrong_request and the connection closed") {
    const ChatRules rules{ChatLimits{}};
    const Decision decision = rules.frame_too_long();
    CHECK(decision.action == Action::refuse_and_close);
    CHECK(decision.answer == Request::wrong_request);
    CHECK_THAT(std::string(decision.reason), Catch::Contains(" 65536 bytes"));
    check_reason(decision.reason);
}

TEST_CASE("the reasons that servers give themselves are sentences too") {
    check_reason(reason::name_taken);
    check_reason(reason::room_exists);
    check_reason(reason::room_unknown);
    check_reason(reason::room_unreadable);
    check_reason(reason::room_unavailable);
    check_reason(reason::storage_failed);
}

TEST_CASE("what keeps a room from being made or joined is told apart") {
    CHECK(reason::of_failed_create(EEXIST) == reason::room_exists);
    CHECK(reason::of_failed_create(EBADMSG) == reason::room_unreadable);
    CHECK(reason::of_failed_create(ENOSPC) == reason::storage_failed);
    CHECK(reason::of_failed_join(EBADMSG) == reason::room_unreadable);
    CHECK(reason::of_failed_join(EIO) == reason::room_unavailable);
    CHECK(reason::of_failed_join(EMFILE) == reason::room_unavailable);
}

}  // namespace ringside
