#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "cache/database.h"
#include "cache/value/destroy.h"
#include "cache/value/member.h"

namespace chorus::cache {
namespace {

TEST(Table, BehavesAsASet) {
  base::Random random(11);
  MemberTable table;
  std::set<std::string> model;
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = std::to_string(random.below(i < 30'000 ? 8'000 : 200));
    const bool removes = random.chance(i < 20'000 ? 0.3 : 0.7);
    if (removes) {
      Member* gone = table.remove(key);
      ASSERT_EQ(gone != nullptr, model.erase(key) == 1);
      if (gone != nullptr) Member::destroy(gone);
    } else if (table.find(key) == nullptr) {
      ASSERT_TRUE(model.insert(key).second);
      table.insert(Member::make(key));
    } else {
      ASSERT_TRUE(model.contains(key));
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::set<std::string> left;
  table.for_each([&](const Member* member) { EXPECT_TRUE(left.emplace(member->octets()).second); });
  EXPECT_EQ(left, model);
  while (!table.drain(3, [](Member* member) { Member::destroy(member); })) {
  }
}

/// What is there all the time is seen, however often the table grows and shrinks between two calls.
TEST(Table, ScanMissesNothingThatStays) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    base::Random random(seed);
    MemberTable table;
    std::set<std::string> stays, seen;
    for (std::uint64_t i = 0; i < 1 + random.below(300); ++i) {
      stays.insert("s" + std::to_string(i));
      table.insert(Member::make("s" + std::to_string(i)));
    }
    std::uint64_t cursor = 0;
    std::size_t passing = 0;
    int calls = 0;
    do {
      cursor = table.scan(cursor, [&](const Member* member) { seen.emplace(member->octets()); });
      // Grow by a lot, or shrink again.
      if (random.chance(0.5)) {
        for (std::uint64_t n = random.below(400); n > 0; --n) table.insert(Member::make("p" + std::to_string(passing++)));
      } else {
        for (std::uint64_t n = random.below(800); n > 0 && passing > 0; --n) Member::destroy(table.remove("p" + std::to_string(--passing)));
      }
      ASSERT_LT(++calls, 1'000'000);
    } while (cursor != 0);
    for (const std::string& key : stays) EXPECT_TRUE(seen.contains(key)) << key << " seed " << seed;
    table.for_each([](Member* member) { Member::destroy(member); });
  }
}

TEST(Table, AllItemsAreDrawnAlike) {
  // Few items in many buckets, and a table that is being resized: how full a bucket is must not matter.
  for (const int items : {3, 10, 60}) {
    base::Random random(5);
    MemberTable table;
    for (int i = 0; i < 10 * items; ++i) table.insert(Member::make(std::to_string(i)));
    for (int i = items; i < 10 * items; ++i) Member::destroy(table.remove(std::to_string(i)));
    std::map<std::string, int> drawn;
    constexpr int each = 1000;
    for (int i = 0; i < each * items; ++i) ++drawn[std::string(table.random(random)->octets())];
    double chi_square = 0;
    for (int i = 0; i < items; ++i) {
      const double off = drawn[std::to_string(i)] - each;
      chi_square += off * off / each;
    }
    // Its mean is items - 1, its standard deviation the root of twice that.
    EXPECT_LT(chi_square, items - 1 + 5 * std::sqrt(2 * (items - 1))) << items;
    table.for_each([](Member* member) { Member::destroy(member); });
  }
}

TEST(Table, EveryItemIsDrawn) {
  base::Random random(3);
  MemberTable table;
  for (int i = 0; i < 100; ++i) table.insert(Member::make(std::to_string(i)));
  std::map<std::string, int> drawn;
  for (int i = 0; i < 20'000; ++i) ++drawn[std::string(table.random(random)->octets())];
  EXPECT_EQ(drawn.size(), 100U);
  for (const auto& [key, count] : drawn) EXPECT_GT(count, 20) << key;
  table.for_each([](Member* member) { Member::destroy(member); });
}

// source: Redis Cluster's specification, and the vectors of section 6.1 of its replies
TEST(Slots, AreThoseOfRedisCluster) {
  const std::pair<std::string_view, int> cases[] = {{"", 0},
                                                    {"123456789", 12739},
                                                    {"foo", 12182},
                                                    {"{user1000}.following", 3443},
                                                    {"foo{}{bar}", 8363},
                                                    {"foo{{bar}}zap", 4015},
                                                    {"foo{bar}{zap}", 5061},
                                                    {"{a}x", 15495}};
  for (const auto& [key, slot] : cases) EXPECT_EQ(slot_of(key), slot) << key;
}

TEST(DatabaseBySlot, CountsAndListsTheKeysOfASlot) {
  memory::Account account;
  {
    const memory::Scope scope(account);
    Reclaimer reclaimer;
    Database database(reclaimer, true);
    for (int i = 0; i < 50; ++i) database.insert(Entry::make_string("{foo}" + std::to_string(i), "value"));
    for (int i = 0; i < 50; ++i) database.insert(Entry::make_string("k" + std::to_string(i), "value"));
    EXPECT_EQ(database.slot_size(12182), 50U);
    std::set<std::string> seen;
    std::uint64_t cursor = 0;
    do {
      cursor = database.scan(cursor, [&](Entry* entry) { seen.emplace(entry->key()); });
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), 100U);
    base::Random random(1);
    EXPECT_NE(database.random(random), nullptr);
    database.clear();
    EXPECT_EQ(database.size(), 0U);
  }
  EXPECT_EQ(account.used, 0U);
}

/// A key and its value, small as most are: what Redis 7 takes for them, jemalloc's rounding included, is 24 octets for the entry, 16 and 8
/// for the object and its string, the key's string, and a pointer in the table.
TEST(Memory, OfAMillionSmallKeysIsAQuarterLess) {
  memory::Account account;
  const memory::Scope scope(account);
  Reclaimer reclaimer;
  Database database(reclaimer, false);
  constexpr int count = 100'000;
  for (int i = 0; i < count; ++i) {
    char key[20];
    std::snprintf(key, sizeof key, "key:%012d", i);
    database.insert(Entry::make_string(key, std::string(32, 'v')));
  }
  const double each = static_cast<double>(account.used) / count;
  EXPECT_LT(each, 110) << "Redis 7.0 takes about 148 with the allocator of Debian's package";
  database.clear();
  while (reclaimer.step(1000)) {
  }
  EXPECT_LT(account.used, 1024U);
}

}  // namespace
}  // namespace chorus::cache
