#include "uring_async/chat/inbox.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace ringside::uring {

namespace {

void put_post(LetterBatch& batch, std::uint32_t room, std::string_view text) {
    batch.bytes.append(text);
    batch.letters.push_back(Letter{.kind = Letter::Kind::post,
                                   .room = room,
                                   .text_bytes = static_cast<std::uint32_t>(text.size())});
}

}  // namespace

TEST_CASE("letters arrive in the order in which they were posted, over several batches") {
    Inbox inbox;
    CHECK_FALSE(inbox.filled());
    for (std::uint32_t turn = 0; turn < 3; ++turn) {
        LetterBatch batch;
        put_post(batch, 2 * turn, "a" + std::to_string(turn));
        put_post(batch, 2 * turn + 1, "b" + std::to_string(turn));
        REQUIRE(inbox.post(batch));
        CHECK(batch.letters.empty());
        CHECK(batch.bytes.empty());
    }
    CHECK(inbox.filled());
    LetterBatch taken;
    CHECK_FALSE(inbox.take(taken));
    CHECK_FALSE(inbox.filled());
    REQUIRE(taken.letters.size() == 6);
    for (std::uint32_t i = 0; i < 6; ++i)
        CHECK(taken.letters[i].room == i);
    CHECK(taken.bytes == "a0b0a1b1a2b2");
}

TEST_CASE("a full inbox leaves the batch with its sender and has it woken once") {
    Inbox inbox;
    LetterBatch batch;
    put_post(batch, 1, std::string(inbox_bytes_max, 'x'));
    REQUIRE(inbox.post(batch));
    put_post(batch, 2, "more");
    CHECK_FALSE(inbox.post(batch));
    CHECK_FALSE(inbox.post(batch));
    CHECK(batch.letters.size() == 1);
    LetterBatch taken;
    CHECK(inbox.take(taken));
    CHECK(taken.letters.size() == 1);
    REQUIRE(inbox.post(batch));
    CHECK_FALSE(inbox.take(taken));
    REQUIRE(taken.letters.size() == 1);
    CHECK(taken.letters[0].room == 2);
}

TEST_CASE("each ordered pair of workers has an inbox of its own") {
    Exchange exchange(3);
    LetterBatch batch;
    put_post(batch, 7, "x");
    REQUIRE(exchange.inbox(0, 2).post(batch));
    CHECK(exchange.inbox(0, 2).filled());
    CHECK_FALSE(exchange.inbox(2, 0).filled());
    CHECK_FALSE(exchange.inbox(1, 2).filled());
}

}  // namespace ringside::uring
