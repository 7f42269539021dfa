#include "uring_async/io/probe.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>

#include "io_fixture.hpp"
#include "support/refuse_calls.hpp"

namespace ringside::uring {

namespace {

// Runs `check` in a child process where io_uring is forbidden; its result is the exit code.
template <typename Check>
int in_sandbox(unsigned code, Check check) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // What the default profile of containers does.
        test::refuse_calls(SYS_io_uring_setup, SYS_io_uring_register, code);
        ::_exit(check());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("the probe finds the same every time and leaves no descriptor behind") {
    const UniqueFd before(::dup(0));
    const Probe first = probe_io_uring();
    const Probe second = probe_io_uring();
    const UniqueFd after(::dup(0));
    CHECK(first.text() == second.text());
    CHECK(after.get() == before.get() + 1);
    CHECK(first.usable == first.why_not.empty());
}

TEST_CASE("where a sandbox forbids io_uring the probe says so and what to do") {
    const int wrong = in_sandbox(EPERM, [] {
        const Probe probe = probe_io_uring();
        const std::string expected =
            "io_uring: not usable: io_uring_setup: Operation not permitted (forbidden by a sandbox";
        if (probe.usable) return 1;
        // On a machine where the system forbids it too, that reason comes first.
        if (probe.text().find("forbidden by the system") != std::string::npos) return 0;
        return probe.text().starts_with(expected) ? 0 : 2;
    });
    CHECK(wrong == 0);
}

TEST_CASE("a kernel without io_uring is told apart from a forbidden one") {
    const int wrong = in_sandbox(ENOSYS, [] {
        const Probe probe = probe_io_uring();
        if (probe.usable) return 1;
        return probe.text().find("Linux 5.19 or later is needed") == std::string::npos ? 2 : 0;
    });
    CHECK(wrong == 0);
}

TEST_CASE("in a sandbox io_uring refuses to start and epoll works") {
    const int wrong = in_sandbox(EPERM, [] {
        try {
            (void)make_uring_io(Probe{}, IoOptions{});
            return 1;
        } catch (const StartError& error) {
            if (std::string(error.what()).find("not permitted") == std::string::npos) return 2;
        }
        const std::unique_ptr<Io> io = make_epoll_io(IoOptions{});
        io->wake();
        return io->turn(wait_forever).empty() ? 0 : 3;
    });
    CHECK(wrong == 0);
}

}  // namespace ringside::uring
