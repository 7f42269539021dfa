#include "pipeline/pipeline.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>

#include "common/socket_ops.hpp"
#include "support/temp_folder.hpp"

namespace {

/// Threads that pthread_create() still gives; below 0: as many as are asked for.
std::atomic<int> threads_left{-1};

}  // namespace

// Stands before the C library's in the whole program, std::thread included.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*entry)(void*), void* argument) {
    static const auto real =
        reinterpret_cast<decltype(&::pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
    if (threads_left.load() == 0) return EAGAIN;
    if (threads_left.load() > 0) threads_left.fetch_sub(1);
    return real(thread, attributes, entry, argument);
}

namespace ringside::pipeline {

// Symptom: the server hung. The stages that had started were told to drain until the time 0, which
// stands for no drain at all.
TEST_CASE("a pipeline that gets too few threads says so and ends those that have started") {
    const int threads = GENERATE(0, 1, 2, 3);
    CAPTURE(threads);
    const test::TempFolder folder;
    ServerOptions options;
    options.data = folder.path();
    options.fsync.mode = FsyncPolicy::Mode::never;
    JsonLog log(LogLevel::off, {});
    Shared shared(options, log);
    Pipeline pipeline(shared, make_listener(parse_address("127.0.0.1:0").value()).value());
    threads_left.store(threads);
    CHECK_THROWS_WITH(pipeline.start(), Catch::Contains("ulimit -u"));
    threads_left.store(-1);
}

}  // namespace ringside::pipeline
