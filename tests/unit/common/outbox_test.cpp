#include "common/outbox.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/log_reader.hpp"
#include "support/history_fixture.hpp"

namespace ringside {

static_assert(sizeof(Outbox) <= 160, "an idle connection must be cheap");

namespace {

std::string frame(Request request, std::string_view text, Status status = Status::success) {
    std::string out;
    append_server_frame(out, request, status, text);
    return out;
}

std::shared_ptr<const RoomList> room_list(std::uint64_t version, std::string_view names) {
    return std::make_shared<const RoomList>(
        RoomList{.version = version, .frame = frame(Request::get_chats, names)});
}

std::string message(std::string_view text) {
    std::string out(message_frame_bytes("ann", "22:13:20 11/14/23", text), '\0');
    store_message_frame(out.data(), "ann", "22:13:20 11/14/23", text);
    return out;
}

// What the peer got: frames in their order, as "request:text"; a torn or mixed one would not parse.
std::vector<std::string> frames_of(std::string_view stream) {
    std::vector<std::string> frames;
    while (!stream.empty()) {
        REQUIRE(stream.size() >= server_header_bytes);
        const ServerHeader header = load_server_header(stream.data());
        REQUIRE(header.length <= stream.size() - server_header_bytes);
        const std::string_view text = stream.substr(server_header_bytes, header.length);
        frames.push_back(std::to_string(header.request) + ":" +
                         std::string(text.substr(text.rfind('\n') + 1)));
        stream.remove_prefix(server_header_bytes + header.length);
    }
    return frames;
}

// A peer whose socket takes at most `bytes_max` at a time; sends until nothing is owed.
struct Peer {
    std::string stream;
    std::uint64_t delivered = 0;

    void drain(Outbox& outbox, std::size_t bytes_max = SIZE_MAX) {
        while (send_once(outbox, bytes_max)) {
        }
        CHECK_FALSE(outbox.owes());
    }
    bool send_once(Outbox& outbox, std::size_t bytes_max) {
        const Result<std::string_view> piece = outbox.next_piece();
        REQUIRE(piece.has_value());
        if (piece->empty()) return false;
        take(outbox, piece->substr(0, bytes_max));
        return true;
    }
    void take(Outbox& outbox, std::string_view bytes) {
        stream += bytes;
        delivered += outbox.sent(bytes.size());
    }
};

struct OneRoom : test::RoomFiles {
    std::shared_ptr<HistoryFile> file = open().value();
    std::unique_ptr<RoomLog> log = std::make_unique<RoomLog>(file);
    CatchUpPool pool;
    std::unique_ptr<LogReader> reader = std::make_unique<LogReader>(*log, pool);

    void stage(std::string_view text) { log->stage("ann", "22:13:20 11/14/23", 1, text); }
    void publish() {
        REQUIRE(log->commit(0).has_value());
        log->publish(log->committed_end());
    }
    void post(std::string_view text) {
        stage(text);
        publish();
    }
};

using SentFrames = std::vector<std::string>;

}  // namespace

TEST_CASE("answers go out in their order, in one piece") {
    Outbox outbox;
    CHECK_FALSE(outbox.owes());
    outbox.answer(Request::set_name, Status::failure, "no");
    outbox.answer(Request::hello, Status::failure, "never");
    CHECK(outbox.owes());
    CHECK(outbox.private_bytes() == 2 + 5 + 2 * server_header_bytes);
    const Result<std::string_view> piece = outbox.next_piece();
    CHECK(outbox.piece_out());
    CHECK(*piece == frame(Request::set_name, "no", Status::failure) +
                        frame(Request::hello, "never", Status::failure));
    outbox.sent(piece->size());
    CHECK_FALSE(outbox.piece_out());
    CHECK_FALSE(outbox.owes());
    CHECK(outbox.private_bytes() == 0);
}

TEST_CASE("an answer given while answers are being sent leaves their bytes where they are") {
    Outbox outbox;
    std::string expected;
    outbox.answer(Request::set_name, Status::failure, "first");
    expected += frame(Request::set_name, "first", Status::failure);
    const Result<std::string_view> piece = outbox.next_piece();
    const std::string before(*piece);
    for (int i = 0; i < 100; ++i) {
        outbox.answer(Request::hello, Status::failure, "more and more");
        expected += frame(Request::hello, "more and more", Status::failure);
    }
    CHECK(*piece == before);
    Peer peer;
    peer.take(outbox, piece->substr(0, 7));
    peer.drain(outbox);
    CHECK(peer.stream == expected);
}

TEST_CASE("answers to a client that always leaves some unread do not pile up") {
    Outbox outbox;
    Peer peer;
    std::string expected;
    for (int i = 0; i < 10'000; ++i) {
        const std::string text = std::to_string(i);
        outbox.answer(Request::wrong_request, Status::failure, text);
        expected += frame(Request::wrong_request, text, Status::failure);
        if (outbox.private_bytes() > 200) peer.send_once(outbox, outbox.private_bytes() - 1);
    }
    peer.drain(outbox);
    CHECK(peer.stream == expected);
}

TEST_CASE("the newest list that is due goes out and those before it are skipped") {
    Outbox outbox;
    outbox.owe_list(room_list(1, "a\n"));
    outbox.owe_list(room_list(3, "a\nb\nc"));
    outbox.owe_list(room_list(2, "a\nb"));
    CHECK(outbox.list_pending());
    Peer peer;
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"8:c"});
    CHECK_FALSE(outbox.list_pending());
    outbox.owe_list(room_list(2, "old"));
    CHECK_FALSE(outbox.list_pending());
    outbox.owe_list(room_list(3, "same"));  // an answer may have to repeat it
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"8:c", "8:same"});
}

TEST_CASE("a list that has begun goes out whole, before a newer one and before answers") {
    Outbox outbox;
    Peer peer;
    outbox.owe_list(room_list(1, "old"));
    CHECK(outbox.list_pending());
    REQUIRE(peer.send_once(outbox, 5));
    CHECK_FALSE(outbox.list_pending());
    outbox.owe_list(room_list(2, "new"));
    CHECK(outbox.list_pending());
    outbox.answer(Request::connect_chat, Status::failure, "answer");
    peer.drain(outbox, 3);
    CHECK(frames_of(peer.stream) == SentFrames{"8:old", "2:answer", "8:new"});
}

TEST_CASE("the list lives until its piece was sent") {
    Outbox outbox;
    auto list = room_list(1, "a\n");
    const std::weak_ptr<const RoomList> alive = list;
    outbox.owe_list(std::move(list));
    const Result<std::string_view> piece = outbox.next_piece();
    CHECK_FALSE(alive.expired());
    outbox.sent(piece->size());
    CHECK(alive.expired());
}

TEST_CASE("a member gets the history from its position on, then what is published") {
    OneRoom room;
    room.post("one");
    const std::uint64_t second = room.log->published_end();
    room.post("two");
    Outbox outbox;
    outbox.join(*room.reader, second);
    CHECK_FALSE(outbox.caught_up_once());
    CHECK(outbox.lag_bytes() == message("two").size());
    Peer peer;
    peer.drain(outbox);
    CHECK(outbox.caught_up_once());
    CHECK(outbox.lag_bytes() == 0);
    room.stage("three");
    CHECK_FALSE(outbox.owes());
    room.publish();
    CHECK(outbox.owes());
    peer.drain(outbox);
    CHECK(peer.stream == message("two") + message("three"));
    CHECK(peer.delivered == 2);
}

TEST_CASE("a member of an empty room has caught up from the start") {
    OneRoom room;
    Outbox outbox;
    outbox.join(*room.reader, 0);
    CHECK(outbox.caught_up_once());
    CHECK_FALSE(outbox.owes());
}

TEST_CASE("an answer given between messages goes before those that wait") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    outbox.answer(Request::connect_chat, Status::success, "r");
    outbox.join(*room.reader, 0);
    Peer peer;
    REQUIRE(peer.send_once(outbox, SIZE_MAX));
    REQUIRE(peer.send_once(outbox, SIZE_MAX));
    room.post("two");
    outbox.answer(Request::create_chat, Status::failure, "no");
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"2:r", "6:one", "1:no", "6:two"});
}

TEST_CASE("an answer waits for the message that a full socket cut, and for no other") {
    OneRoom room;
    room.post("one");
    room.post("two");
    room.post("three");
    const std::size_t first = message("one").size();
    const std::size_t cut = GENERATE_COPY(range(std::size_t{1}, first + 1));
    CAPTURE(cut);
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    REQUIRE(peer.send_once(outbox, cut));
    outbox.answer(Request::create_chat, Status::failure, "no");
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"6:one", "1:no", "6:two", "6:three"});
    CHECK(peer.delivered == 3);
}

TEST_CASE("whatever the socket takes at a time, the stream and the count are the same") {
    OneRoom room;
    std::string expected;
    for (int i = 0; i < 50; ++i) {
        const std::string text = "message " + std::to_string(i);
        room.post(text);
        expected += message(text);
    }
    const auto bytes_max =
        static_cast<std::size_t>(GENERATE(1, 2, 7, 15, 16, 17, 63, 1000, 100'000));
    CAPTURE(bytes_max);
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    peer.drain(outbox, bytes_max);
    CHECK(peer.stream == expected);
    CHECK(peer.delivered == 50);
}

TEST_CASE("members at the same place and at different ones are all counted right") {
    OneRoom room;
    Outbox early;
    Outbox also_early;
    Outbox late;
    Peer peers[3];
    early.join(*room.reader, 0);
    also_early.join(*room.reader, 0);
    room.post("one");
    late.join(*room.reader, room.log->published_end());
    room.post("two");
    room.post("three");
    peers[0].drain(early);
    peers[1].drain(also_early);
    peers[2].drain(late);
    CHECK(peers[0].delivered == 3);
    CHECK(peers[1].delivered == 3);
    CHECK(peers[2].delivered == 2);
}

TEST_CASE("leaving delivers what came before it, then the list, and nothing of the room after") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    outbox.join(*room.reader, 0);
    room.post("two");
    outbox.leave(room.log->published_end());
    outbox.owe_list(room_list(1, "list"));
    room.post("after the leave");
    CHECK(outbox.leaving());
    CHECK(outbox.list_pending());
    Peer peer;
    peer.drain(outbox, GENERATE(std::size_t{1}, std::size_t{20}, std::size_t{10'000}));
    CHECK(frames_of(peer.stream) == SentFrames{"6:one", "6:two", "8:list"});
    CHECK_FALSE(outbox.leaving());
    CHECK(outbox.lag_bytes() == 0);
}

TEST_CASE("a leave behind messages that are not published yet waits for them") {
    OneRoom room;
    Outbox outbox;
    outbox.join(*room.reader, 0);
    room.stage("own, on its way");
    outbox.leave(room.log->staged_end());
    outbox.owe_list(room_list(1, "list"));
    Peer peer;
    CHECK_FALSE(outbox.owes());
    CHECK(outbox.list_pending());
    peer.drain(outbox);
    CHECK(peer.stream.empty());
    room.publish();
    CHECK(outbox.owes());
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"6:own, on its way", "8:list"});
}

TEST_CASE("a leave from a room that owes nothing is over at once") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    peer.drain(outbox);
    outbox.leave(room.log->published_end());
    CHECK_FALSE(outbox.leaving());
    room.post("two");
    CHECK_FALSE(outbox.owes());
}

TEST_CASE("a leave at a place already passed finishes the message that has begun and no more") {
    OneRoom room;
    room.post("one");
    const std::uint64_t end = room.log->published_end();
    room.post("two");
    room.post("three");
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    SECTION("inside a message") {
        REQUIRE(peer.send_once(outbox, static_cast<std::size_t>(end) + 3));
        outbox.leave(end);
    }
    SECTION("while the piece is out, of which the socket takes a part") {
        const Result<std::string_view> piece = outbox.next_piece();
        outbox.leave(end);
        peer.take(outbox, piece->substr(0, static_cast<std::size_t>(end) + 3));
    }
    SECTION("at a boundary, while the next piece is out, of which the socket takes nothing") {
        REQUIRE(peer.send_once(outbox, static_cast<std::size_t>(end) + message("two").size()));
        REQUIRE(outbox.next_piece().has_value());
        outbox.leave(end);
        outbox.sent(0);
        CHECK_FALSE(outbox.leaving());
    }
    outbox.owe_list(room_list(1, "list"));
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"6:one", "6:two", "8:list"});
}

TEST_CASE("who comes back is served from where it joins again") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    Peer peer;
    for (int visit = 0; visit < 2; ++visit) {
        outbox.join(*room.reader, 0);
        peer.drain(outbox);
        outbox.leave(room.log->published_end());
        outbox.owe_list(room_list(1, "list"));
        peer.drain(outbox);
    }
    CHECK(frames_of(peer.stream) == SentFrames{"6:one", "8:list", "6:one", "8:list"});
}

TEST_CASE("a list that was due to the lobby is forgotten by a join") {
    OneRoom room;
    Outbox outbox;
    outbox.owe_list(room_list(1, "not begun"));
    outbox.answer(Request::connect_chat, Status::success, "r");
    outbox.join(*room.reader, 0);
    CHECK_FALSE(outbox.list_pending());  // or the member's requests would wait for it
    Peer peer;
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"2:r"});
}

TEST_CASE("after the log was dropped between messages only answers go out") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    outbox.join(*room.reader, 0);
    outbox.drop_log();
    outbox.answer(Request::wrong_request, Status::failure, "too long");
    Peer peer;
    peer.drain(outbox);
    CHECK(frames_of(peer.stream) == SentFrames{"7:too long"});
}

TEST_CASE("after the log was dropped inside a message nothing goes out at all") {
    OneRoom room;
    room.post("one");
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    REQUIRE(peer.send_once(outbox, 10));
    outbox.drop_log();
    outbox.answer(Request::wrong_request, Status::failure, "would be read as the message's rest");
    outbox.owe_list(room_list(1, "so would this"));
    CHECK_FALSE(outbox.owes());
    CHECK(outbox.next_piece()->empty());
}

TEST_CASE("a member that is far behind gets everything from the file") {
    OneRoom room;
    std::string expected;
    const std::string filling(3000, 'x');
    int messages = 0;
    while (expected.size() < 4 * segment_bytes_max) {
        const std::string text = std::to_string(messages++) + filling;
        room.post(text);
        expected += message(text);
    }
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    peer.drain(outbox, GENERATE(std::size_t{100'003}, std::size_t{10'000'000}));
    CHECK((peer.stream == expected));
    CHECK(peer.delivered == static_cast<std::uint64_t>(messages));
}

TEST_CASE("members with a full socket leave the catch-up buffers to others") {
    OneRoom room;
    const std::string filling(4000, 'x');
    constexpr std::size_t stalled_count = catch_up_chunks + 2;
    while (room.log->published_end() < (stalled_count + 4) * catch_up_chunk_bytes) {
        room.post(filling);
    }
    // Each stalls so far from the others that no two could share a buffer.
    const std::size_t messages_per_chunk = catch_up_chunk_bytes / message(filling).size() + 1;
    Outbox stalled[stalled_count];
    for (std::size_t i = 0; i < stalled_count; ++i) {
        stalled[i].join(*room.reader, i * messages_per_chunk * message(filling).size());
        Peer peer;
        REQUIRE(peer.send_once(stalled[i], 10));
        REQUIRE(stalled[i].next_piece().has_value());
        stalled[i].sent(0);
    }
    Outbox outbox;
    outbox.join(*room.reader, 0);
    Peer peer;
    peer.drain(outbox);
    CHECK(peer.stream.size() == room.log->published_end());
}

}  // namespace ringside
