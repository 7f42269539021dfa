#include "common/sync_thread.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/history_format.hpp"
#include "common/limits.hpp"
#include "support/history_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ringside {

using namespace test;

namespace {

using Mode = FsyncPolicy::Mode;

/// Lets the test wait until the sync thread woke it.
class WaitingWaker final : public Waker {
 public:
    void wake() noexcept override {
        const std::lock_guard lock(mutex_);
        ++wakes_;
        woken_.notify_all();
    }
    void wait_for(int wakes) {
        std::unique_lock lock(mutex_);
        woken_.wait(lock, [&] { return wakes_ >= wakes; });
    }
    int wakes() {
        const std::lock_guard lock(mutex_);
        return wakes_;
    }

 private:
    std::mutex mutex_;
    std::condition_variable woken_;
    int wakes_ = 0;
};

/// Keeps the sync thread busy until open() is called.
class Gate {
 public:
    explicit Gate(SyncThread& thread) {
        // Shared, since the thread may still be inside set_value() when we are through.
        const auto entered = std::make_shared<std::promise<void>>();
        auto inside = entered->get_future();
        thread.run([entered, wait = opened_.get_future().share()] {
            entered->set_value();
            wait.wait();
        });
        inside.wait();
    }
    void open() { opened_.set_value(); }

 private:
    std::promise<void> opened_;
};

/// A history file whose sync fails: fdatasync refuses a pipe.
std::shared_ptr<HistoryFile> unsyncable_file() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    return std::make_shared<HistoryFile>(UniqueFd(fds[0]), UniqueFd(fds[1]), 1,
                                         HistoryFile::State{});
}

std::vector<SyncDone> taken(SyncInbox& inbox) {
    std::vector<SyncDone> results;
    inbox.take(results);
    return results;
}

/// What the file itself says is synced: the entry of the next append says so, and a sync writes it.
std::uint64_t synced_position(HistoryFile& file, const std::filesystem::path& index) {
    REQUIRE(append_frames(file, {message_frame("probe", "p")}));
    REQUIRE(file.sync());
    const std::string bytes = read_file(index);
    return decode_entry(bytes.data() + bytes.size() - index_entry_bytes)->synced;
}

}  // namespace

TEST_CASE("always: each append is synced and reported with its end and token") {
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    SyncThread thread({Mode::always, 0});
    for (int i = 1; i <= 3; ++i) {
        REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
        thread.appended(file, file->end(), inbox, 77);
        waker.wait_for(i);
        const auto results = taken(inbox);
        REQUIRE(results.size() == 1);
        CHECK(results[0].token == 77);
        CHECK(results[0].end == file->end());
        CHECK(results[0].error.code == 0);
        CHECK(taken(inbox).empty());
    }
    const std::uint64_t end = file->end();
    CHECK(synced_position(*file, files.index) == end);
}

TEST_CASE("always: all appends that came while the thread was busy are answered by one sync") {
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    {
        SyncThread thread({Mode::always, 0});
        Gate gate(thread);
        for (int i = 0; i < 50; ++i) {
            REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
            thread.appended(file, file->end(), inbox, 1);
        }
        gate.open();
        waker.wait_for(1);
    }
    const auto results = taken(inbox);
    REQUIRE(results.size() == 1);
    CHECK(results[0].end == file->end());
    CHECK(waker.wakes() == 1);
}

TEST_CASE("files are synced in the order in which they became due") {
    TempFolder folder;
    WaitingWaker waker;
    SyncInbox inbox(waker);
    {
        SyncThread thread({Mode::always, 0});
        Gate gate(thread);
        HistoryFile::Recovery recovery;
        for (std::uint64_t token = 0; token < 20; ++token) {
            const std::string room = "room" + std::to_string(token);
            REQUIRE(HistoryFile::create(folder.path(), {room, 1, token}, false));
            const auto file = HistoryFile::open(folder.path(), room, recovery).value();
            REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
            thread.appended(file, file->end(), inbox, token);
        }
        gate.open();
    }
    const auto results = taken(inbox);
    REQUIRE(results.size() == 20);
    for (std::uint64_t token = 0; token < 20; ++token)
        CHECK(results[token].token == token);
}

// fdatasync would fail on each of these files; so who is told of success was synced by syncfs.
TEST_CASE("many files that are due are synced by one syncfs, fewer each by its fdatasync") {
    const std::size_t count = GENERATE(sync_together_min - 1, sync_together_min);
    CAPTURE(count);
    TempFolder folder;
    const UniqueFd file_system(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
    WaitingWaker waker;
    SyncInbox inbox(waker);
    std::vector<std::shared_ptr<HistoryFile>> files;
    {
        SyncThread thread({Mode::always, 0}, file_system.get());
        Gate gate(thread);
        for (std::uint64_t token = 0; token < count; ++token) {
            files.push_back(unsyncable_file());
            thread.appended(files.back(), 10, inbox, token);
        }
        gate.open();
    }
    const auto results = taken(inbox);
    REQUIRE(results.size() == count);
    for (std::uint64_t token = 0; token < count; ++token) {
        CHECK(results[token].token == token);
        CHECK(results[token].error.code == (count < sync_together_min ? EINVAL : 0));
    }
}

TEST_CASE("where syncfs fails, each file is asked for itself") {
    constexpr int no_descriptor = 1 << 20;
    RoomFiles files;
    const auto good = files.open().value();
    REQUIRE(append_frames(*good, {message_frame("ann", "x")}));
    const std::uint64_t end = good->end();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    std::vector<std::shared_ptr<HistoryFile>> bad;
    {
        SyncThread thread({Mode::always, 0}, no_descriptor);
        Gate gate(thread);
        thread.appended(good, end, inbox, 0);
        for (std::uint64_t token = 1; token < sync_together_min; ++token) {
            bad.push_back(unsyncable_file());
            thread.appended(bad.back(), 10, inbox, token);
        }
        gate.open();
    }
    const auto results = taken(inbox);
    REQUIRE(results.size() == sync_together_min);
    for (const SyncDone& done : results)
        CHECK(done.error.code == (done.token == 0 ? 0 : EINVAL));
    CHECK(synced_position(*good, files.index) == end);
}

TEST_CASE("interval: a file is synced when its interval is over, and only errors are reported") {
    RoomFiles files;
    const auto good = files.open().value();
    const auto bad = unsyncable_file();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    SyncThread thread({Mode::interval, 1'000'000});
    REQUIRE(append_frames(*good, {message_frame("ann", "x")}));
    const std::uint64_t end = good->end();
    thread.appended(good, end, inbox, 1);
    thread.appended(bad, 10, inbox, 2);  // due later, so its report says that the first is done
    waker.wait_for(1);
    const auto results = taken(inbox);
    REQUIRE(results.size() == 1);
    CHECK(results[0].token == 2);
    CHECK(results[0].end == 10);
    CHECK(results[0].error.code == EINVAL);
    CHECK(synced_position(*good, files.index) == end);
}

TEST_CASE("interval: what is due when the thread ends is synced, however long the interval") {
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
    const std::uint64_t end = file->end();
    {
        SyncThread thread({Mode::interval, 3'600'000'000'000});
        thread.appended(file, end, inbox, 1);
    }
    CHECK(taken(inbox).empty());
    CHECK(synced_position(*file, files.index) == end);
}

TEST_CASE("a failed sync is reported once to each inbox that has the file") {
    const Mode mode = GENERATE(Mode::always, Mode::interval);
    CAPTURE(static_cast<int>(mode));
    const auto bad = unsyncable_file();
    WaitingWaker waker;
    SyncInbox first(waker);
    SyncInbox second(waker);
    {
        SyncThread thread({mode, 1'000});
        thread.appended(bad, 10, first, 1);
        waker.wait_for(1);
        thread.appended(bad, 20, first, 1);
        Gate(thread).open();
    }
    {
        SyncThread thread({mode, 1'000});
        thread.appended(bad, 30, second, 2);
        waker.wait_for(2);
    }
    const auto results = taken(first);
    REQUIRE(results.size() == 1);
    CHECK(results[0].error.code == EINVAL);
    CHECK(taken(second).size() == 1);
    CHECK(waker.wakes() == 2);
}

TEST_CASE("an inbox may go away while a sync for it is due") {
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
    const std::uint64_t end = file->end();
    {
        SyncThread thread({Mode::always, 0});
        Gate gate(thread);
        {
            SyncInbox inbox(waker);
            thread.appended(file, end, inbox, 1);
        }
        gate.open();
    }
    CHECK(waker.wakes() == 0);
    CHECK(synced_position(*file, files.index) == end);
}

TEST_CASE("jobs run on the thread in their order, taking turns with syncs, all before it ends") {
    RoomFiles files;
    const auto file = files.open().value();
    const auto other = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    std::vector<int> syncs_before;  // each job
    std::thread::id thread_id;
    {
        SyncThread thread({Mode::always, 0});
        Gate gate(thread);  // a job itself
        for (int i = 0; i < 4; ++i)
            thread.run([&] { syncs_before.push_back(waker.wakes()); });
        thread.run([&] { thread_id = std::this_thread::get_id(); });
        thread.appended(file, file->end(), inbox, 1);
        thread.appended(other, other->end(), inbox, 2);
        gate.open();
    }
    CHECK(syncs_before == std::vector<int>{1, 2, 2, 2});
    CHECK(thread_id != std::this_thread::get_id());
    CHECK(waker.wakes() == 2);
}

// Symptom: rooms created one after the other without a pause kept every message from being synced,
// since jobs always went first.
TEST_CASE("jobs that never end keep no sync from being done") {
    constexpr int jobs_max = 10'000;
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    int jobs = 0;
    {
        std::promise<void> synced;
        SyncThread thread({Mode::always, 0});
        Gate gate(thread);
        thread.appended(file, file->end(), inbox, 1);
        const std::function<void()> job = [&] {
            // Each leaves the next behind, until a sync was done.
            if (++jobs == jobs_max || waker.wakes() != 0) return synced.set_value();
            thread.run(job);
        };
        thread.run(job);
        gate.open();
        synced.get_future().wait();
    }
    CHECK(jobs < jobs_max);
}

TEST_CASE("never: jobs run at once in the caller and nothing is synced") {
    RoomFiles files;
    const auto file = files.open().value();
    WaitingWaker waker;
    SyncInbox inbox(waker);
    SyncThread thread({Mode::never, 0});
    std::thread::id ran_on;
    thread.run([&] { ran_on = std::this_thread::get_id(); });
    CHECK(ran_on == std::this_thread::get_id());
    REQUIRE(append_frames(*file, {message_frame("ann", "x")}));
    thread.appended(file, file->end(), inbox, 1);
    CHECK(taken(inbox).empty());
    CHECK(synced_position(*file, files.index) == 0);
}

}  // namespace ringside
