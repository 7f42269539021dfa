#include "loadgen/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "common/unique_fd.hpp"
#include "support/captured_stream.hpp"

// A full disk below standard error once aborted a run, and one below standard output lost its table
// without a word.

using namespace ringside;
using namespace ringside::loadgen;

namespace {

/// While it lives, the stream is open for reading only, so that no text can be written.
class Refused {
 public:
    explicit Refused(std::FILE* stream) : stream_(stream) {
        std::fflush(stream);
        original_.reset(::dup(::fileno(stream)));
        const UniqueFd unwritable(::open("/", O_RDONLY | O_CLOEXEC));
        ::dup2(unwritable.get(), ::fileno(stream));
    }
    Refused(const Refused&) = delete;
    Refused& operator=(const Refused&) = delete;
    ~Refused() { ::dup2(original_.get(), ::fileno(stream_)); }

 private:
    std::FILE* stream_;
    UniqueFd original_;
};

}  // namespace

TEST_CASE("what standard error cannot take is lost, and nothing else happens") {
    {
        const Refused refused(stderr);
        tell("lost");
    }
    std::clearerr(stderr);
    CHECK(output_arrived());
}

TEST_CASE("what standard output could not take is told once, at the end, with the reason") {
    std::string told;
    {
        const Refused refused(stdout);
        test::CapturedStream error(stderr);
        print_to(stdout, "a table");
        CHECK_FALSE(output_arrived());
        told = error.take();
    }
    CHECK(told == "loadgen: cannot write to standard output (Bad file descriptor)\n");
    test::CapturedStream output(stdout);
    print_to(stdout, "another");
    CHECK(output_arrived());
    CHECK_THAT(output.take(), Catch::EndsWith("another"));
}
