#include "sim_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "support/history_fixture.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint16_t port = 5000;
constexpr int steps_max = 3'000'000;

// Each seed has a roughness of its own; every other one loses connections by itself.
FakeNetworkOptions network_of(std::uint64_t seed) {
    Random random(seed);
    FakeNetworkOptions options;
    options.seed = seed;
    options.pipe_bytes_min = random.between(16, 2000);
    options.pipe_bytes_max = options.pipe_bytes_min + random.below(60'000);
    options.delays = static_cast<unsigned>(random.below(1000));
    options.held_back = static_cast<unsigned>(random.below(500));
    options.short_sends = static_cast<unsigned>(random.below(500));
    options.short_receives = static_cast<unsigned>(random.below(500));
    options.accept_errors = static_cast<unsigned>(random.below(300));
    options.resets = seed % 2 == 0 ? static_cast<unsigned>(random.between(1, 10)) : 0;
    return options;
}

ServerOptions options_of(const std::filesystem::path& folder) {
    ServerOptions options;
    options.data = folder.string();
    options.fsync.mode = FsyncPolicy::Mode::never;  // jobs run at once, in the caller's thread
    return options;
}

}  // namespace

SimWorld::SimWorld(std::uint64_t seed, const Size& size)
    : network_(network_of(seed)),
      options_(options_of(folder_.path())),
      rules_(options_.chat),
      wall_(network_),
      rooms_(std::make_unique<RoomDirectory>(options_.data, false)),
      sync_(options_.fsync),
      log_(LogLevel::off, {}),
      shared_(options_, rules_, wall_, names_, *rooms_, sync_, log_, size.workers),
      listener_(network_.make_listener(port)),
      workers_(size.workers),
      client_io_(network_) {
    if (seed % 2 == 0) shared_.members_per_turn = 2;  // every room is a huge one
    for (std::uint32_t number = 0; number < size.workers; ++number) {
        RunningWorker& one = workers_[number];
        one.io = std::make_unique<FakeIo>(network_);
        one.worker = std::make_unique<Worker>(shared_, number, *one.io, one.counters);
    }
    workers_[0].worker->listen(listener_.get());
    Random random(seed);
    const ClientSetup setup{.io = client_io_,
                            .random = network_.random(),
                            .server = FakeNetwork::address(port),
                            .data = folder_.path(),
                            .write_limit_ns = options_.time.write_ns,
                            .message_bytes_max = random.between(1, 3) * 500,
                            .actions = size.actions,
                            .resets = network_.options().resets > 0};
    for (std::uint32_t number = 0; number < size.clients; ++number)
        clients_.push_back(std::make_unique<SimClient>(setup, number));
}

SimWorld::~SimWorld() = default;

std::uint64_t SimWorld::drops(Drop reason) const noexcept {
    std::uint64_t sum = 0;
    for (const RunningWorker& one : workers_)
        sum += one.counters.get(reason);
    return sum;
}

std::vector<std::uint64_t> SimWorld::counted(Metric metric) const {
    std::vector<std::uint64_t> values;
    for (const RunningWorker& one : workers_)
        values.push_back(one.counters.get(metric));
    return values;
}

// ------------------------------------------------------------------------------------ who is next

void SimWorld::step() {
    FakeIo* const io = network_.pick();
    if (io == nullptr) {
        REQUIRE(network_.advance());  // else everybody waits for ever
        return;
    }
    if (io == &client_io_) return turn_clients();
    const auto one = std::ranges::find_if(
        workers_, [io](const RunningWorker& worker) { return worker.io.get() == io; });
    if (one->drained) {
        static_cast<void>(io->turn(wait_forever));  // its thread has ended
    } else {
        one->drained = !one->worker->turn(true);
    }
}

void SimWorld::turn_clients() {
    std::uint64_t until_ns = wait_forever;
    for (const auto& client : clients_)
        until_ns = std::min(until_ns, client->due_ns());
    for (const IoEvent& event : client_io_.turn(until_ns)) {
        const auto client = std::ranges::find_if(
            clients_, [&event](const auto& one) { return one->id() == event.id; });
        REQUIRE(client != clients_.end());
        (*client)->on_event(event);
    }
    for (const auto& client : clients_)
        client->act(client_io_.now_ns());
}

template <typename Done>
void SimWorld::run_until(const char* what, Done done) {
    for (int steps = 0; !done(); ++steps) {
        if (steps < steps_max) {
            step();
            continue;
        }
        std::ostringstream story;
        for (const auto& client : clients_)
            story << client->describe() << '\n';
        network_.print_trace(story);
        FAIL("never: " << what << '\n' << story.str());
    }
}

// ------------------------------------------------------------------------------------- the phases

void SimWorld::run() {
    come_to_rest();
    drain();
    judge();
}

void SimWorld::come_to_rest() {
    run_until("all clients at rest", [this] {
        const std::string list = rooms_->list()->frame.substr(server_header_bytes);
        return std::ranges::all_of(clients_,
                                   [&](const auto& client) { return client->at_rest(list); });
    });
    // Whoever is at rest owns no coroutine, in a room or not.
    CHECK(std::ranges::max(counted(Metric::coroutines)) == 0);
}

void SimWorld::go_on_for(std::uint64_t steps) {
    for (; steps > 0; --steps)
        step();
}

void SimWorld::drain() {
    for (const auto& client : clients_)
        client->expect_end();
    shared_.drain();
    run_until("the server ends", [this] {
        return std::ranges::all_of(workers_, [](const auto& one) { return one.drained; });
    });
    listener_.reset();  // with who was not accepted
    run_until("every client sees the end", [this] {
        return std::ranges::all_of(clients_, [](const auto& client) { return client->gone(); });
    });
    CHECK(names_.size() == 0);
    for (RunningWorker& one : workers_) {
        CHECK(one.counters.get(Metric::coroutines) == 0);
        CHECK(one.counters.get(Metric::members) == 0);
        one.worker.reset();
    }
}

void SimWorld::judge() {
    rooms_.reset();  // the lock of the folder
    for (const auto& client : clients_) {
        for (const Stay& stay : client->stays()) {
            HistoryFile::Recovery recovery;
            const auto file = HistoryFile::open(folder_.path(), stay.room, recovery);
            REQUIRE(file.has_value());
            CHECK(recovery.cut_bytes == 0);
            judge(stay, test::all_bytes(**file));
        }
    }
}

void SimWorld::judge(const Stay& stay, const std::string& history) const {
    CAPTURE(stay.room, stay.tag, stay.sent, stay.own, stay.left, stay.bytes.size());
    // Its replay begins with the first message: no gap, no repeat, nothing of another room.
    CHECK(history.starts_with(stay.bytes));
    // What it sent is in the history once and in its order, all of it where it left in order.
    std::uint64_t stored = 0;
    const std::string sender = stay.tag.substr(0, stay.tag.find('/'));
    for (std::size_t at = history.find('\n' + stay.tag); at != std::string::npos;
         at = history.find('\n' + stay.tag, at + 1)) {
        const std::string expected = '\n' + stay.tag + std::to_string(++stored) + '/';
        REQUIRE(history.compare(at, expected.size(), expected) == 0);
    }
    CHECK(stored <= stay.sent);
    CHECK(stored >= stay.own);
    if (stay.left) CHECK(stored == stay.sent);
    // A drain takes nothing of what was published before it.
    if (stay.drained) CHECK(stored == stay.own);
}

}  // namespace ringside::uring
