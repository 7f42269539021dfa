#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::loadgen {

/// A room in which one member publishes: what is verified of it.
struct VerifiedLoad {
    std::size_t members = 0;
    std::size_t outstanding = 0;  // messages that come together
    std::size_t payload_bytes = 0;
};

/// CPU time in nanoseconds that Verifier::deliver() takes for each delivery, from `deliveries` or a
/// few more. The verifier runs alone, over messages as a run has them: `outstanding` at a time, all
/// of them to one member, then to the next. So the first member's full examination is in it with
/// its share, and what the rest of the load generator does to the caches is not.
[[nodiscard]] double verification_ns_per_delivery(const VerifiedLoad& load,
                                                  std::uint64_t deliveries);

}  // namespace ringside::loadgen
