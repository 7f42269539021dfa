#include "uring_async/io/slot_table.hpp"

#include <catch2/catch.hpp>

namespace ringside::uring {

namespace {

struct Thing {
    int value = 7;
};

}  // namespace

TEST_CASE("a table hands out every slot once and then none") {
    SlotTable<Thing> table(3);
    const SlotId a = table.take().value();
    const SlotId b = table.take().value();
    const SlotId c = table.take().value();
    CHECK(a.slot != b.slot);
    CHECK(b.slot != c.slot);
    CHECK(a.slot != c.slot);
    CHECK_FALSE(table.take().has_value());
    table.retire(b);
    CHECK(table.find(b) != nullptr);
    CHECK_FALSE(table.take().has_value());
    table.release_retired();
    CHECK(table.take().value().slot == b.slot);
    CHECK_FALSE(table.take().has_value());
}

TEST_CASE("a slot that comes back is fresh and its old identity finds nothing") {
    SlotTable<Thing> table(2);
    const SlotId before = table.take().value();
    table.at(before).value = 99;
    table.retire(before);
    table.release_retired();
    CHECK(table.find(before) == nullptr);
    const SlotId after = table.take().value();
    CHECK(after.slot == before.slot);
    CHECK(table.find(before) == nullptr);
    CHECK(table.at(after).value == 7);
    CHECK(table.find(SlotId{}) == nullptr);
    CHECK(table.find(SlotId{1, 1}) == nullptr);
    CHECK(table.find(SlotId{500, 1}) == nullptr);
}

TEST_CASE("generations wrap below their limit and are never 0") {
    SlotTable<Thing> table(1);
    std::uint32_t highest = 0;
    for (std::uint32_t i = 0; i < generation_limit - 1; ++i) {
        const SlotId id = table.take().value();
        if (id.generation == 0 || id.generation >= generation_limit)
            FAIL("generation " << id.generation);
        highest = std::max(highest, id.generation);
        table.retire(id);
        table.release_retired();
    }
    CHECK(highest == generation_limit - 1);
    CHECK(table.take().value().generation == 1);
}

TEST_CASE("visiting shows the slots that are taken") {
    SlotTable<Thing> table(4);
    for (int i = 0; i < 4; ++i)
        table.at(table.take().value()).value = i;
    table.retire(SlotId{1, 1});
    table.retire(SlotId{3, 1});
    table.release_retired();
    std::vector<int> seen;
    table.for_each_taken([&](Thing& thing) { seen.push_back(thing.value); });
    CHECK(seen == std::vector<int>{0, 2});
}

}  // namespace ringside::uring
