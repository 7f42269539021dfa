#include "pipeline/session.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

namespace ringside::pipeline {

namespace {

UniqueFd some_descriptor() {
    return UniqueFd(::eventfd(0, EFD_CLOEXEC));
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

Session* take(SessionTable& table) {
    return table.take(some_descriptor(), 65'536, 1);
}

// Whether `act` ends its process by an abort, as a failed assertion does.
template <typename Act>
bool aborts(Act act) {
    const pid_t child = ::fork();
    if (child == 0) {
        // Its words and its core are of no interest to anybody.
        ::close(STDERR_FILENO);
        ::signal(SIGABRT, SIG_DFL);
        act();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("a session that finds no free slot is refused and its descriptor closed") {
    SessionTable table(2);
    REQUIRE(take(table) != nullptr);
    REQUIRE(take(table) != nullptr);
    CHECK(table.taken() == 2);
    UniqueFd socket = some_descriptor();
    const int fd = socket.get();
    CHECK(table.take(std::move(socket), 65'536, 1) == nullptr);
    CHECK_FALSE(is_open(fd));
}

TEST_CASE("a slot that is used again has another generation, so an old identity names nobody") {
    SessionTable table(1);
    Session* const first = take(table);
    REQUIRE(first != nullptr);
    const SlotId old = first->id;
    CHECK(old.generation != 0);
    CHECK(&table.at(old) == first);
    first->socket.reset();
    table.free(old);
    CHECK(table.taken() == 0);
    CHECK(aborts([&] { static_cast<void>(table.at(old)); }));

    Session* const second = take(table);
    REQUIRE(second != nullptr);
    CHECK(second->id.slot == old.slot);
    CHECK(second->id.generation != old.generation);
    CHECK(aborts([&] { static_cast<void>(table.at(old)); }));
    CHECK_FALSE(aborts([&] { static_cast<void>(table.at(second->id)); }));
}

TEST_CASE("a slot is not freed before its descriptor is closed") {
    SessionTable table(1);
    Session* const session = take(table);
    REQUIRE(session != nullptr);
    CHECK(aborts([&] { table.free(session->id); }));
}

TEST_CASE("letting go of a session forgets what only its stage knew, and keeps the rest") {
    SessionTable table(1);
    Session* const session = take(table);
    REQUIRE(session != nullptr);
    session->user = "ann";
    session->lingers = true;
    session->blocked_since_ns = 5;
    session->full = true;
    session->leaves_room = true;
    session->left_log = true;
    session->departure = Departure::onward;
    session->interest = 1;
    session->reset_ownership();
    CHECK(session->user == "ann");
    CHECK(session->lingers);
    CHECK(session->blocked_since_ns == 5);
    CHECK_FALSE(session->full);
    CHECK_FALSE(session->leaves_room);
    CHECK_FALSE(session->left_log);
    CHECK(session->departure == Departure::none);
    CHECK(session->interest == 0);

    session->unpublished = 1;
    CHECK(aborts([&] { session->reset_ownership(); }));
}

}  // namespace ringside::pipeline
