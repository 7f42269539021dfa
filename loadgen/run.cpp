#include "loadgen/run.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <span>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "loadgen/process_usage.hpp"
#include "loadgen/start_time.hpp"

namespace ringside::loadgen {

namespace {

// Unlike the seed it is new in every run: what an earlier run left in a room must look foreign.
std::uint32_t draw_run() {
    std::uint32_t run = 0;
    if (::getrandom(&run, sizeof run, 0) != sizeof run) {
        run = static_cast<std::uint32_t>(Random(monotonic_ns()).next());
    }
    return run;
}

SocketAddress address_of(const Options& options) {
    const auto address = parse_address(options.connect);
    if (!address) throw StartError("--connect: " + address.error());
    if (options.sources > 1 && !address->text().starts_with("127.")) {
        throw StartError(fmt::format(
            "--sources: {} is not reached from loopback addresses; take 127.0.0.1:PORT or leave "
            "--sources out",
            options.connect));
    }
    return *address;
}

double to_seconds(std::uint64_t ns) noexcept {
    return static_cast<double>(ns) * 1e-9;
}

}  // namespace

Run::Run(const Options& options, std::unique_ptr<uring::Io> io, const char* io_name,
         Interruption& interruption)
    : options_(options),
      interruption_(interruption),
      state_(options, scenario_of(options), address_of(options), draw_run(), std::move(io)),
      monitor_(options, state_, monotonic_ns()),
      workload_(state_),
      hiccups_(state_),
      set_up_queue_(state_.driver.scheduler()),
      steps_(state_.scenario.users(), Step::arriving),
      results_{options,
               state_.recorder,
               state_.violations,
               io_name,
               utc_text(SystemWallClock().now_ns()),
               {}} {
    results_.origin = this_origin();
    for (std::uint32_t number = 0; number < steps_.size(); ++number) {
        users_.push_back(std::make_unique<VirtualUser>(state_, number));
    }
    starts_.reserve(users_.size() + 1);
}

Results Run::execute() {
    results_.resident_bytes_before = server_resident_bytes();
    spawn(nullptr);
    state_.driver.run();
    monitor_.finish();
    results_.failure = state_.failure;
    results_.connections = state_.sign_ins;
    return results_;
}

void Run::spawn(VirtualUser* user) {
    starts_.push_back({this, user});
    state_.driver.scheduler().spawn(
        [](void* argument) noexcept {
            const Start& start = *static_cast<Start*>(argument);
            if (start.user == nullptr) return start.run->conduct();
            start.run->live(*start.user);
        },
        &starts_.back());
}

// ---- a user ----

bool Run::arrive(VirtualUser& user) {
    const auto wanted = [&] { return !user.over() && state_.phase == Phase::set_up; };
    while (setting_up_ == set_ups_max && wanted())
        set_up_queue_.wait();
    ++setting_up_;
    const bool named = wanted() && user.connect() && wanted() && user.sign_in();
    if (named && user.number() == 0) workload_.prepare(user);
    if (named && wanted()) workload_.set_up(user);
    --setting_up_;
    set_up_queue_.wake_one();
    return named && !user.over();
}

void Run::live(VirtualUser& user) {
    Step& step = steps_[user.number()];
    const auto leaving = [this] { return state_.phase >= Phase::leave; };
    if (!workload_.arrives_in_set_up(user) || arrive(user)) {
        step = Step::ready;
        if (user.wait_until([this] { return state_.phase >= Phase::rounds; })) {
            workload_.rounds(user);
        }
        static_cast<void>(user.wait_until([&] { return user.unanswered() == 0 || leaving(); }));
        step = Step::quiet;
        if (user.wait_until(leaving) && user.in_room()) static_cast<void>(user.leave_room());
        if (state_.failure.empty()) user.give_up_room();
        user.disconnect();
    }
    user.close();
    step = Step::gone;
}

// ---- the conductor ----

void Run::enter_phase(Phase phase) {
    RINGSIDE_ASSERT(phase > state_.phase);
    state_.phase = phase;
    for (const auto& user : users_)
        user->wake();
}

bool Run::stopped() {
    if (!state_.failure.empty()) return true;
    results_.interrupted = results_.interrupted || interruption_.requested();
    return results_.interrupted && state_.phase <= Phase::rounds;
}

bool Run::pause_until(std::uint64_t until_ns) {
    while (!stopped()) {
        const std::uint64_t now_ns = monotonic_ns();
        monitor_.tick(now_ns);
        if (now_ns >= until_ns) return true;
        state_.driver.timers().sleep_until(std::min(until_ns, now_ns + tick_ns));
    }
    return false;
}

bool Run::await_users(Step step, std::uint64_t patience_ns) {
    const std::span<const Step> steps = std::span<const Step>(steps_).first(starts_.size() - 1);
    std::uint64_t bytes = 0;
    std::uint64_t since_ns = monotonic_ns();
    while (std::ranges::any_of(steps, [step](Step reached) { return reached < step; })) {
        const std::uint64_t now_ns = monotonic_ns();
        if (!pause_until(now_ns + short_tick_ns)) return false;
        if (state_.recorder.counts.bytes_received != bytes) since_ns = now_ns;
        bytes = state_.recorder.counts.bytes_received;
        if (now_ns - since_ns > patience_ns) return false;
    }
    return true;
}

void Run::conduct() {
    if (set_up()) load();
    drain();
    // Whoever set up has come to its end, so what nobody has got now will never come.
    if (!state_.failure.empty()) return;
    state_.verifier.finish();
    state_.verifier.each_unseen([this, now_ns = monotonic_ns()](const SendTime& sent) {
        state_.recorder.record_unanswered(sent, now_ns);
    });
}

bool Run::set_up() {
    spawn(users_.front().get());
    if (!everybody_ready()) return false;
    const std::uint64_t begin_ns = monotonic_ns();
    for (std::size_t i = 1; i < users_.size(); ++i) {
        const std::uint64_t due_ns = begin_ns + state_.scenario.ramp_ns * i / users_.size();
        if (due_ns > begin_ns && !pause_until(due_ns)) return false;
        spawn(users_[i].get());
    }
    return everybody_ready();
}

bool Run::everybody_ready() {
    if (await_users(Step::ready, set_up_patience_ns)) {
        return state_.failure.empty() && state_.violations.total() == 0;
    }
    if (!stopped()) {
        state_.fail(
            fmt::format("the server let {} s go by without an answer while users set up "
                        "({} of {} have a name); does it speak the protocol {}?",
                        set_up_patience_ns / 1'000'000'000, state_.sign_ins, users_.size(),
                        protocol_name(options_.protocol)));
    }
    return false;
}

std::optional<std::uint64_t> Run::await_start() {
    const std::uint64_t now_ns = monotonic_ns();
    if (options_.start_ns == 0) return now_ns;
    const std::int64_t ahead_ns = options_.start_ns - SystemWallClock().now_ns();
    if (ahead_ns < 0) {
        state_.fail(fmt::format("set-up ended {:.3f} s after --start-at {}: agree on a later time",
                                static_cast<double>(-ahead_ns) * 1e-9,
                                utc_text(options_.start_ns)));
        return std::nullopt;
    }
    const std::uint64_t begin_ns = now_ns + static_cast<std::uint64_t>(ahead_ns);
    return pause_until(begin_ns) ? std::optional(begin_ns) : std::nullopt;
}

void Run::load() {
    const std::optional<std::uint64_t> begin_ns = await_start();
    if (!begin_ns) return;
    state_.load_begin_ns = *begin_ns;
    enter_phase(Phase::rounds);
    if (options_.workload != WorkloadKind::idle) hiccups_.start();
    if (!pause_until(*begin_ns + state_.scenario.warm_up_ns)) return;
    results_.warm_up_seconds = to_seconds(monotonic_ns() - *begin_ns);
    measure();
    pause_until(monotonic_ns() + state_.scenario.cool_down_ns);
}

void Run::measure() {
    const pid_t server = static_cast<pid_t>(options_.server_pid);
    const Result<double> server_before = cpu_seconds_of(server);
    state_.usage.open();
    const std::uint64_t begin_ns = monotonic_ns();
    results_.window_started_ns = SystemWallClock().now_ns();
    state_.recorder.open(begin_ns);
    pause_until(begin_ns + state_.scenario.measure_ns);
    const std::uint64_t end_ns = monotonic_ns();
    state_.recorder.close(end_ns);
    state_.usage.close();
    results_.loadgen_cpu_seconds = state_.usage.cpu_seconds();
    results_.involuntary_switches = state_.usage.involuntary_switches();
    results_.steal_share = state_.usage.steal_share();
    results_.resident_bytes_idle = server_resident_bytes();
    const Result<double> server_after = cpu_seconds_of(server);
    if (server_before && server_after) results_.server_cpu_seconds = *server_after - *server_before;
    results_.measured_seconds = to_seconds(end_ns - begin_ns);
}

std::optional<std::uint64_t> Run::server_resident_bytes() const {
    if (options_.workload != WorkloadKind::idle || options_.server_pid == 0) return std::nullopt;
    const auto bytes = resident_bytes_of(static_cast<pid_t>(options_.server_pid));
    return bytes ? std::optional(*bytes) : std::nullopt;
}

void Run::drain() {
    if (state_.phase == Phase::rounds && state_.failure.empty()) {
        enter_phase(Phase::quiet);
        await_users(Step::quiet, options_.drain_patience_ns);
    }
    if (state_.failure.empty()) {
        enter_phase(Phase::leave);
        await_users(Step::gone, options_.drain_patience_ns);
    }
    enter_phase(Phase::over);
    // Closing needs nobody else, so this ends.
    while (state_.driver.scheduler().alive() > 1) {
        state_.driver.timers().sleep_until(monotonic_ns() + short_tick_ns);
    }
}

}  // namespace ringside::loadgen
