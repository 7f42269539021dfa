// The uring server as a whole: what is made once, the worker threads, the wait for a signal.
//
// main thread                      worker threads
//   make everything shared
//   start the threads  ----------> make the I/O (a ring belongs to the thread that made it) and the
//   wait until all are ready <---- worker, report ready or why not, wait for the word to go
//   give the word      ----------> turn until drained; worker 0 accepts
//   wait for SIGTERM
//   Shared::drain()    ----------> drain, end
//   join, sync what is due, exit     wait for the last of them, destroy worker and I/O

#include "uring_async/server.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/json_log.hpp"
#include "common/metrics_writer.hpp"
#include "common/notify.hpp"
#include "common/server_start.hpp"
#include "common/signals.hpp"
#include "common/socket_ops.hpp"
#include "uring_async/worker.hpp"

namespace ringside::uring {

namespace {

// A worker that has not ended so long after the drain's deadline waits for a disk that does not
// answer.
constexpr std::uint64_t overtime_ns = 1'000'000'000;
constexpr std::chrono::milliseconds end_poll{5};

/// One worker's thread and what it makes there; read by others only between the two latches.
struct WorkerThread {
    CounterSet counters;
    std::unique_ptr<Io> io;
    std::unique_ptr<Worker> worker;
    std::exception_ptr failure;
    std::thread thread;
};

class WorkerThreads {
 public:
    WorkerThreads(Shared& shared, const Probe& probe, bool use_uring)
        : shared_(shared),
          probe_(probe),
          use_uring_(use_uring),
          threads_(shared.exchange.workers()),
          ready_(shared.exchange.workers()),
          ended_(shared.exchange.workers() + 1) {}

    /// Ends the workers where what comes after start() threw.
    ~WorkerThreads() {
        if (!threads_.front().thread.joinable()) return;
        drain();
        join();
    }
    WorkerThreads(const WorkerThreads&) = delete;
    WorkerThreads& operator=(const WorkerThreads&) = delete;

    /// Returns when every worker is ready to turn. Throws what one of them threw.
    void start(int listener) {
        listener_ = listener;
        for (std::uint32_t number = 0; number < threads_.size(); ++number) {
            start_thread(number);
        }
        ready_.wait();
        for (WorkerThread& one : threads_) {
            if (one.failure != nullptr) failed_ = one.failure;
        }
        go_.count_down();
        if (failed_ == nullptr) return;
        for (WorkerThread& one : threads_) {
            if (one.thread.joinable()) one.thread.join();
        }
        std::rethrow_exception(failed_);
    }

    /// Once.
    void drain() {
        shared_.drain();
        ended_.count_down();  // it woke them all: they may go
    }

    /// False where they have not ended by then (monotonic).
    [[nodiscard]] bool ended_by(std::uint64_t until_ns) {
        while (!ended_.try_wait()) {
            if (monotonic_ns() >= until_ns) return false;
            std::this_thread::sleep_for(end_poll);
        }
        return true;
    }

    void join() {
        for (WorkerThread& one : threads_)
            one.thread.join();
    }

    [[nodiscard]] std::vector<const CounterSet*> counters() const {
        std::vector<const CounterSet*> all;
        for (const WorkerThread& one : threads_)
            all.push_back(&one.counters);
        return all;
    }

 private:
    void start_thread(std::uint32_t number) {
        try {
            threads_[number].thread = std::thread([this, number] { run(number); });
        } catch (const std::system_error& problem) {
            threads_[number].failure = std::make_exception_ptr(StartError(
                "cannot start worker " + std::to_string(number) + " (" + problem.what() +
                "): give fewer with --workers, or raise the limit of processes (ulimit -u)"));
            ready_.count_down();
        }
    }

    void run(std::uint32_t number) {
        WorkerThread& own = threads_[number];
        ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(number)).c_str());
        try {
            // Every worker can hold all connections: dealing keeps them even, but is free not to.
            // Twice: the slots of those that ended in a turn are free in the next.
            const IoOptions options{
                .connections_max = static_cast<std::uint32_t>(2 * shared_.options.connections_max)};
            own.io = use_uring_ ? make_uring_io(probe_, options) : make_epoll_io(options);
            own.worker = std::make_unique<Worker>(shared_, number, *own.io, own.counters);
        } catch (...) {
            own.failure = std::current_exception();
        }
        ready_.count_down();
        go_.wait();
        if (failed_ == nullptr) {
            if (number == 0) own.worker->listen(listener_);
            while (own.worker->turn(true)) {
            }
            ended_.arrive_and_wait();  // until then others may wake this one
        }
        // Here, since a ring obeys only the thread that made it.
        own.worker.reset();
        own.io.reset();
    }

    Shared& shared_;
    const Probe& probe_;
    bool use_uring_;
    int listener_ = -1;
    std::vector<WorkerThread> threads_;
    std::latch ready_;
    std::latch go_{1};
    std::latch ended_;           // of the workers and of who has them drain: nobody wakes any more
    std::exception_ptr failed_;  // written before go_ is counted down
};

bool choose_uring(IoChoice choice, const Probe& probe, JsonLog& log) {
    const bool uring = wants_uring(choice, probe);
    if (choice == IoChoice::automatic && !uring) {
        log.write(LogLevel::warn, "io_uring is refused here, running on epoll",
                  {{"why", probe.why_not}});
    }
    return uring;
}

std::uint32_t worker_count(const UringServerOptions& options) {
    const std::size_t cores = std::max(std::thread::hardware_concurrency(), 1U);
    return static_cast<std::uint32_t>(
        std::min(options.workers != 0 ? options.workers : cores, workers_max));
}

// The last resort: the history is in the file, what is lost is politeness.
[[noreturn]] void give_up() {
    std::fputs("uring-server: the drain did not end in time; ended without it\n", stderr);
    ::_exit(1);
}

// Serves until a signal has come and the drain that it asks for is done.
void serve(Shared& shared, StopSignals& signals, WorkerThreads& threads, int listener, bool uring) {
    CounterSet own;  // of no worker
    threads.start(listener);
    const std::uint16_t port = local_port(listener).value_or(0);
    const PortFile port_file(shared.options.port_file, port);
    std::vector<const CounterSet*> counters = threads.counters();
    counters.push_back(&own);
    const MetricsWriter metrics(
        shared.options.metrics_textfile, shared.options.metrics_interval_ns,
        {.labels = {{"server", uring ? "uring" : "uring-epoll"}},
         .threads = counters,
         .refresh = [&](MetricsSnapshot&) { own.set(Metric::rooms, shared.rooms.size()); }},
        shared.log);
    shared.log.write(LogLevel::info, "serving",
                     {{"port", port},
                      {"data", shared.options.data},
                      {"rooms", shared.rooms.size()},
                      {"workers", shared.exchange.workers()},
                      {"io", uring ? "uring" : "epoll"}});
    notify_manager("READY=1");
    const int signal = signals.wait();
    notify_manager("STOPPING=1");
    shared.log.write(LogLevel::info, "draining",
                     {{"signal", signal}, {"connections", shared.connections_all()}});
    const std::uint64_t give_up_at = monotonic_ns() + shared.options.drain_ns + overtime_ns;
    threads.drain();
    if (!threads.ended_by(give_up_at)) give_up();
    threads.join();
    shared.log.write(LogLevel::info, "stopped");
}

}  // namespace

int run_server(const UringServerOptions& options) {
    StopSignals signals;  // before any thread: the log has one
    JsonLog log(log_level_of(options.server), options.server.log_file);
    // A worker has a ring or an epoll set and an eventfd, a room its two files.
    const std::uint64_t needed =
        own_descriptors + std::uint64_t{2} * worker_count(options) + 2 * idle_open_rooms_max;
    const ServerOptions common = within_descriptor_limit(options.server, needed, log);
    const Probe probe = probe_io_uring();
    const bool uring = choose_uring(options.io, probe, log);
    const ChatRules rules(common.chat);
    const SystemWallClock wall;
    NameRegistry names;
    // Before the sync thread, after which the folder's lock goes: nothing is synced without it.
    RoomDirectory rooms(common.data, common.fsync.mode != FsyncPolicy::Mode::never);
    for (const std::string& warning : rooms.warnings())
        log.write(LogLevel::warn, warning);
    SyncThread sync(common.fsync, rooms.file_system());
    const UniqueFd listener = open_listener(common.listen);
    Shared shared(common, rules, wall, names, rooms, sync, log, worker_count(options));
    WorkerThreads threads(shared, probe, uring);
    serve(shared, signals, threads, listener.get(), uring);
    return 0;
}

}  // namespace ringside::uring
