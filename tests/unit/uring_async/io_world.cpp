#include "io_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>

#include "common/clock.hpp"
#include "io/io_fixture.hpp"

namespace ringside::uring {

namespace {

constexpr std::uint64_t fake_seeds = 60;
constexpr std::uint16_t fake_port = 5000;
constexpr int steps_max = 2'000'000;
/// Turns after which nothing is under way on the loopback, where everything happens in the calls.
constexpr int settling_turns = 20;

FakeNetworkOptions rough(std::uint64_t seed) {
    Random random(seed);
    FakeNetworkOptions options;
    options.seed = seed;
    options.pipe_bytes_min = random.between(1, 100);
    options.pipe_bytes_max = options.pipe_bytes_min + random.below(50'000);
    options.delays = static_cast<unsigned>(random.below(1000));
    options.held_back = static_cast<unsigned>(random.below(500));
    options.short_sends = static_cast<unsigned>(random.below(500));
    options.short_receives = static_cast<unsigned>(random.below(500));
    return options;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const WorldKind& kind) {
    switch (kind.io) {
        case WorldKind::Io::fake:
            return out << "fake, seed " << kind.seed;
        case WorldKind::Io::uring:
            return out << "uring";
        case WorldKind::Io::epoll:
            return out << "epoll";
    }
    return out;
}

std::vector<WorldKind> world_kinds() {
    const char* const set = std::getenv("IO_KIND");
    const std::string chosen = set == nullptr ? "" : set;
    std::vector<WorldKind> kinds;
    if (chosen != "fake" && chosen != "epoll") kinds.push_back({WorldKind::Io::uring, 0});
    if (chosen != "fake" && chosen != "uring") kinds.push_back({WorldKind::Io::epoll, 0});
    if (chosen == "uring" || chosen == "epoll") return kinds;
    for (std::uint64_t seed = 1; seed <= fake_seeds; ++seed) {
        kinds.push_back({WorldKind::Io::fake, seed});
    }
    return kinds;
}

IoWorld::IoWorld(const WorldKind& kind, std::uint32_t connections_max) : kind_(kind) {
    if (kind.io == WorldKind::Io::fake) {
        network_ = std::make_unique<FakeNetwork>(rough(kind.seed));
        listener_ = network_->make_listener(fake_port);
        address_ = FakeNetwork::address(fake_port);
    } else {
        listener_ = make_listener(parse_address("127.0.0.1:0").value()).value();
        const std::uint16_t port = local_port(listener_.get()).value();
        address_ = parse_address("127.0.0.1:" + std::to_string(port)).value();
    }
    for (std::unique_ptr<Io>& io : ios_)
        io = make_io(connections_max);
}

IoWorld::~IoWorld() = default;

std::unique_ptr<Io> IoWorld::make_io(std::uint32_t connections_max) {
    const IoOptions options{.connections_max = connections_max};
    if (network_ != nullptr) return std::make_unique<FakeIo>(*network_, options);
    if (kind_.io == WorldKind::Io::epoll) return make_epoll_io(options);
    static const Probe probe = probe_io_uring();
    return make_uring_io(probe, options);
}

std::size_t IoWorld::more_than_fits() const noexcept {
    return network_ != nullptr ? std::size_t{200} << 10U : std::size_t{24} << 20U;
}

IoWorld::Record& IoWorld::at(Side side, SlotId id) {
    return records_[static_cast<std::size_t>(side)][{id.slot, id.generation}];
}

// ----------------------------------------------------------------------------- running the loops

void IoWorld::turn(Side side) {
    record(side, io(side).turn(0));
}

// A turn of each loop; in the fake network of one that is not asleep, or time goes on.
void IoWorld::step() {
    if (network_ == nullptr) {
        for (const Side side : {Side::server, Side::client}) {
            if (ios_[static_cast<std::size_t>(side)] != nullptr) turn(side);
        }
        return;
    }
    FakeIo* const picked = network_->pick();
    if (picked == nullptr) {
        REQUIRE(network_->advance());  // else everybody waits for ever
        return;
    }
    const Side side = picked == ios_[0].get() ? Side::server : Side::client;
    record(side, picked->turn(wait_forever));
}

void IoWorld::run_until(const std::function<bool()>& done) {
    const std::uint64_t start_ns = monotonic_ns();
    for (int steps = 0; !done(); ++steps) {
        REQUIRE((network_ == nullptr || steps < steps_max));
        REQUIRE((network_ != nullptr || monotonic_ns() - start_ns < give_up_ns));
        step();
    }
}

void IoWorld::settle() {
    if (network_ == nullptr) {
        for (int i = 0; i < settling_turns; ++i)
            step();
        return;
    }
    do {
        while (FakeIo* const picked = network_->pick()) {
            const Side side = picked == ios_[0].get() ? Side::server : Side::client;
            record(side, picked->turn(wait_forever));
        }
    } while (network_->advance());
}

void IoWorld::drop(Side side) {
    ios_[static_cast<std::size_t>(side)].reset();
}

// ------------------------------------------------------------------------------------ the record

void IoWorld::record(Side side, std::span<const IoEvent> events) {
    for (const IoEvent& event : events) {
        if (event.kind == IoEvent::Kind::accepted) {
            accepted.emplace_back(event.result);
            continue;
        }
        Record& record = at(side, event.id);
        check(record, event);
        if (record.close_called) continue;
        if (event.kind == IoEvent::Kind::sent || event.kind == IoEvent::Kind::writable) {
            push(side, event.id, record);
        }
    }
}

// The rules of io.hpp; a turn's events come here before the test acts on any of them.
void IoWorld::check(Record& record, const IoEvent& event) {
    REQUIRE(record.closed == 0);
    switch (event.kind) {
        case IoEvent::Kind::accepted:
            break;
        case IoEvent::Kind::connected:
            REQUIRE((record.connected.empty() && !record.close_called));
            record.connected.push_back(event.result);
            break;
        case IoEvent::Kind::received:
            REQUIRE((record.ends == 0 && !record.close_called));
            if (event.result > 0) {
                record.received.append(event.data, static_cast<std::size_t>(event.result));
            }
            if (event.result == 0) ++record.ends;
            if (event.result < 0) record.lost = event.result;
            break;
        case IoEvent::Kind::sent:
            on_sent(record, event.result);
            break;
        case IoEvent::Kind::writable:
            REQUIRE((record.full && !record.close_called));
            record.full = false;
            ++record.writable;
            break;
        case IoEvent::Kind::closed:
            REQUIRE((record.close_called && record.offered == nullptr));
            ++record.closed;
            break;
    }
}

void IoWorld::on_sent(Record& record, std::int32_t result) {
    REQUIRE(record.offered != nullptr);
    const std::size_t offered = record.offered->size();
    std::ranges::fill(*record.offered, '\xEE');  // our own memory again
    record.offered.reset();
    record.sent.push_back(result);
    if (result < 0) {
        record.lost = result;
        record.outbox.clear();
        return;
    }
    const auto taken = static_cast<std::size_t>(result);
    REQUIRE(taken <= offered);
    record.outbox.erase(0, taken);
    record.full = taken < offered;
}

// --------------------------------------------------------------------------------------- actions

void IoWorld::push(Side side, SlotId id, Record& record) {
    if (record.outbox.empty() || record.offered != nullptr || record.full) return;
    record.offered = std::make_unique<std::string>(record.outbox);
    io(side).send(id, *record.offered);
}

void IoWorld::send(Side side, SlotId id, std::string_view bytes) {
    Record& record = at(side, id);
    record.outbox += bytes;
    push(side, id, record);
}

void IoWorld::close(Side side, SlotId id) {
    at(side, id).close_called = true;
    io(side).close(id);
}

SlotId IoWorld::connect(Side side) {
    return io(side)
        .connect(make_stream_socket(AF_INET).value(), address_.get(), address_.bytes)
        .value();
}

UniqueFd IoWorld::next_accepted() {
    run_until([this] { return !accepted.empty(); });
    UniqueFd fd = std::move(accepted.front());
    accepted.pop_front();
    return fd;
}

IoWorld::Pair IoWorld::make_pair() {
    io(Side::server).listen(listener());
    Pair pair;
    pair.client = connect(Side::client);
    pair.server = io(Side::server).adopt(next_accepted()).value();
    run_until([&] { return !at(Side::client, pair.client).connected.empty(); });
    REQUIRE(at(Side::client, pair.client).connected.front() == 0);
    io(Side::server).stop_listening();
    return pair;
}

}  // namespace ringside::uring
