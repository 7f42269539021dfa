#include "loadgen/hiccup_probe.hpp"

#include "common/clock.hpp"

namespace ringside::loadgen {

void HiccupProbe::start() {
    run_.driver.scheduler().spawn(
        [](void* probe) noexcept { static_cast<HiccupProbe*>(probe)->watch(); }, this);
}

void HiccupProbe::watch() noexcept {
    Ticks ticks(run_.load_begin_ns, interval_ns);
    do {
        run_.driver.timers().sleep_until(ticks.next_ns());
        // Not the turn's time: what ran before in this turn delayed the users behind it as well.
        const std::uint64_t now_ns = monotonic_ns();
        ticks.take(now_ns, [this, now_ns](std::uint64_t due_ns) {
            run_.recorder.record(Latency::hiccup, due_ns, now_ns);
        });
    } while (run_.phase == Phase::rounds);
}

}  // namespace ringside::loadgen
