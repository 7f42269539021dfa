#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "common/chat_rules.hpp"
#include "common/json_log.hpp"
#include "common/metrics.hpp"
#include "common/name_registry.hpp"
#include "common/options.hpp"
#include "common/room_directory.hpp"
#include "common/sync_thread.hpp"
#include "pipeline/session.hpp"

namespace ringside::pipeline {

// The counter sets of the server's threads. Rooms come and go, their counts must not: a set that
// is given back keeps what it counted and goes to the next room. Any thread.
class CounterPool {
 public:
    /// Every set ever leased; the pointers live as long as the pool.
    [[nodiscard]] std::vector<const CounterSet*> all() const;

 private:
    friend class CounterLease;

    [[nodiscard]] CounterSet& take();
    void give_back(CounterSet& set);

    mutable std::mutex mutex_;
    std::deque<CounterSet> sets_;
    std::vector<CounterSet*> idle_;
};

// One set, from its taking to its giving back; its gauges are 0 then.
class CounterLease {
 public:
    explicit CounterLease(CounterPool& pool) : pool_(pool), set_(pool.take()) {}
    CounterLease(const CounterLease&) = delete;
    CounterLease& operator=(const CounterLease&) = delete;
    ~CounterLease() { pool_.give_back(set_); }

    [[nodiscard]] CounterSet& set() noexcept { return set_; }

 private:
    CounterPool& pool_;
    CounterSet& set_;
};

// What all stages share; outlives them. The members do their own locking where they need any.
struct Shared {
    /// Throws StartError where the data folder cannot be used.
    Shared(const ServerOptions& server_options, JsonLog& json_log);

    const ServerOptions& options;
    JsonLog& log;
    const ChatRules rules;
    // The folder's lock goes last: a next server must not start while files are still synced.
    RoomDirectory directory;
    SyncThread sync;
    NameRegistry names;
    SessionTable sessions;
    CounterPool counters;
};

}  // namespace ringside::pipeline
