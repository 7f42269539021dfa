#include "loadgen/verification_cost.hpp"

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/assert.hpp"
#include "common/wire.hpp"
#include "loadgen/payload.hpp"
#include "loadgen/verifier.hpp"

namespace ringside::loadgen {

namespace {

constexpr std::uint32_t run = 1;
constexpr std::uint16_t only_sender = 0;
constexpr std::uint16_t room_number = 0;
// The clock is read around at least so many deliveries, since reading it costs as much as twenty.
constexpr std::size_t timed_deliveries_min = 2048;

std::uint64_t thread_cpu_ns() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// The frames that a server would send, and what of them is verified.
class Messages {
 public:
    Messages(Verifier& verifier, std::size_t payload_bytes)
        : verifier_(verifier), payload_(payload_bytes, '0') {}

    /// The next `count` messages of the only_sender, as they come from the server.
    void send(std::size_t count) {
        frames_.clear();
        bodies_.clear();
        const std::string user = user_name(run, only_sender);
        const std::size_t bytes = message_frame_bytes(user, time, payload_);
        frames_.resize(count * bytes);
        for (std::size_t i = 0; i < count; ++i) {
            store_payload(payload_,
                          {run, only_sender, room_number, verifier_.send(only_sender, {})});
            char* const frame = frames_.data() + i * bytes;
            store_message_frame(frame, user, time, payload_);
            bodies_.emplace_back(frame + server_header_bytes, bytes - server_header_bytes);
        }
    }
    [[nodiscard]] const std::vector<std::string_view>& bodies() const noexcept { return bodies_; }

 private:
    static constexpr std::string_view time = "00:00:00 01/01/70";

    Verifier& verifier_;
    std::string payload_;
    std::string frames_;
    std::vector<std::string_view> bodies_;
};

}  // namespace

double verification_ns_per_delivery(const VerifiedLoad& load, std::uint64_t deliveries) {
    RINGSIDE_ASSERT(load.members > 0 && load.outstanding > 0 && deliveries > 0);
    const std::size_t together = load.members * load.outstanding;
    const std::size_t batches = (timed_deliveries_min + together - 1) / together;
    Violations violations;
    Verifier verifier(run, 1, violations);
    verifier.allow(only_sender, batches * load.outstanding);
    RoomLedger room(room_number, room_name(run, room_number), true);
    std::vector<Cursor> members(load.members);
    for (Cursor& member : members)
        member.room = &room;
    Messages messages(verifier, load.payload_bytes);
    std::uint64_t done = 0;
    std::uint64_t spent_ns = 0;
    while (done < deliveries) {
        messages.send(batches * load.outstanding);
        const std::vector<std::string_view>& bodies = messages.bodies();
        const std::uint64_t begin_ns = thread_cpu_ns();
        for (std::size_t first = 0; first < bodies.size(); first += load.outstanding) {
            for (Cursor& member : members) {
                for (std::size_t i = first; i < first + load.outstanding; ++i)
                    static_cast<void>(verifier.deliver(member, bodies[i]));
            }
        }
        spent_ns += thread_cpu_ns() - begin_ns;
        done += bodies.size() * members.size();
        static_cast<void>(verifier.answer(room.at(room.size() - 1).key));
        room.forget_below(room.size() - 1);
    }
    RINGSIDE_ASSERT(violations.total() == 0);
    return static_cast<double>(spent_ns) / static_cast<double>(done);
}

}  // namespace ringside::loadgen
