#include "pipeline/shared.hpp"

#include "common/assert.hpp"

namespace ringside::pipeline {

CounterSet& CounterPool::take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return sets_.emplace_back();
    CounterSet& set = *idle_.back();
    idle_.pop_back();
    return set;
}

void CounterPool::give_back(CounterSet& set) {
    for (const Metric gauge : {Metric::connections, Metric::members, Metric::rooms})
        set.set(gauge, 0);
    const std::lock_guard lock(mutex_);
    RINGSIDE_ASSERT(idle_.size() < sets_.size());
    idle_.push_back(&set);
}

std::vector<const CounterSet*> CounterPool::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<const CounterSet*> sets;
    sets.reserve(sets_.size());
    for (const CounterSet& set : sets_)
        sets.push_back(&set);
    return sets;
}

Shared::Shared(const ServerOptions& server_options, JsonLog& json_log)
    : options(server_options),
      log(json_log),
      rules(server_options.chat),
      directory(server_options.data, server_options.fsync.mode != FsyncPolicy::Mode::never),
      sync(server_options.fsync, directory.file_system()),
      sessions(server_options.connections_max) {}

}  // namespace ringside::pipeline
