// The limit of memory: what goes, who is told, and what is refused.
#include "cache/eviction.h"

#include <fmt/format.h>

#include "cache/access.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::string_view oom = "-OOM command not allowed when used memory > 'maxmemory'.|";

TEST(Access, IdleTimeComesRoundWithTheClock) {
  const std::int64_t at = 0xffffffLL * 1'000'000;  // the last second before the clock is 0 again
  EXPECT_EQ(lru_clock(at), 0xffffffU);
  EXPECT_EQ(idle_seconds(lru_clock(at), at + 3'000'000), 3);
}

// source: reference, section 5.2
TEST(Access, LfuCountsLogarithmicallyAndDecays) {
  base::Random random(7);
  const LfuSettings settings;
  std::uint32_t access = lfu_fresh(0);
  EXPECT_EQ(lfu_frequency(access, settings, 0), 5);
  access = lfu_used(access, settings, 0, random);
  EXPECT_EQ(lfu_frequency(access, settings, 0), 6);  // from the first five on it is certain
  for (int i = 0; i < 1000; ++i) access = lfu_used(access, settings, 0, random);
  const std::uint8_t thousand = lfu_frequency(access, settings, 0);
  EXPECT_GT(thousand, 12);
  EXPECT_LT(thousand, 30);
  for (int i = 0; i < 3'000'000; ++i) access = lfu_used(access, settings, 0, random);
  EXPECT_EQ(lfu_frequency(access, settings, 0), 255);
  EXPECT_EQ(lfu_frequency(access, settings, 10 * minute_us), 245);
  EXPECT_EQ(lfu_frequency(access, settings, 1000 * minute_us), 0);
  EXPECT_EQ(lfu_frequency(access, {.log_factor = 10, .decay_minutes = 0}, 1000 * minute_us), 255);
  EXPECT_EQ(lfu_frequency(access, {.log_factor = 10, .decay_minutes = 5}, 10 * minute_us), 253);
}

TEST(Eviction, NamesAndTimes) {
  EXPECT_EQ(parse_eviction_policy("AllKeys-LRU"), EvictionPolicy::allkeys_lru);
  EXPECT_EQ(parse_eviction_policy("allkeys"), std::nullopt);
  EXPECT_EQ(name_of(EvictionPolicy::volatile_ttl), "volatile-ttl");
  EXPECT_EQ(eviction_time_us(0), 0);
  EXPECT_EQ(eviction_time_us(10), 500);
  EXPECT_EQ(eviction_time_us(12), 661);
  EXPECT_GT(eviction_time_us(99), 120'000'000);
}

class EvictionTest : public ServerTest {
 protected:
  EvictionTest() { ask("ping"); }
  /// Room for about `keys` more of those that fill() makes.
  void limit(std::string_view policy, std::size_t octets) {
    EXPECT_EQ(ask(fmt::format("config set maxmemory {} maxmemory-policy {}", server.memory_counted() + octets, policy)), "+OK|");
  }
  void fill(int from, int to, std::string_view more = "") {
    for (int i = from; i < to; ++i) ASSERT_EQ(ask(fmt::format("set k{} {} {}", i, std::string(200, 'v'), more)), "+OK|");
  }
  /// Of k<from> to k<to>, how many are there, without a use of them.
  int there(int from, int to) {
    int count = 0;
    for (int i = from; i < to; ++i) count += ask(fmt::format("object encoding k{}", i)) == "$-1|" ? 0 : 1;
    return count;
  }
};

TEST_F(EvictionTest, WithoutAPolicyWhatNeedsMemoryIsRefused) {
  limit("noeviction", 2000);
  std::string reply;
  for (int i = 0; i < 100 && (reply = ask(fmt::format("set k{} {}", i, std::string(200, 'v')))) == "+OK|"; ++i) {
  }
  EXPECT_EQ(reply, oom);
  const std::size_t keys = server.keys();
  EXPECT_EQ(ask("get k0"), "$200|" + std::string(200, 'v') + "|");
  EXPECT_EQ(ask("lpush l x"), oom);
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("get k0"), oom);  // what is queued takes memory as well
  EXPECT_EQ(ask("exec"), "-EXECABORT Transaction discarded because of previous errors.|");
  EXPECT_EQ(server.keys(), keys);
  pass(1);
  ask("ping");
  EXPECT_GT(server.over_limit_us(), 0);
  EXPECT_EQ(ask("del k0 k1 k2"), ":3|");
  EXPECT_EQ(ask("set k0 x"), "+OK|");
  EXPECT_EQ(server.statistics().evicted_keys, 0U);
}

TEST_F(EvictionTest, ATransactionIsRefusedAsAWholeWhenItNeedsMemory) {
  ask("multi\r\nset a b\r\n");
  ask("multi\r\nget a", 2);
  for (int i = 0; i < 10; ++i) ask(fmt::format("set k{} {}", i, std::string(200, 'v')), 3);
  server.change_options().memory.octets_max = 1000;
  EXPECT_EQ(ask("exec"), "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.|");
  EXPECT_EQ(ask("exec", 2), "*1|$-1|");
}

TEST_F(EvictionTest, TheKeysThatWereUsedLeastRecentlyGoFirst) {
  fill(0, 500);
  pass(100'000);
  for (int i = 0; i < 500; i += 2) ask(fmt::format("get k{}", i));
  pass(100'000);
  limit("allkeys-lru", 1000);
  effects(), events();
  fill(500, 700);
  int used = 0, unused = 0;
  for (int i = 0; i < 500; ++i) (i % 2 == 0 ? used : unused) += there(i, i + 1);
  EXPECT_GT(used, 220);  // of 250: keys are drawn, by a hash that the first test of the process seeded
  EXPECT_LT(unused, 80);
  EXPECT_EQ(there(500, 700), 200);
  EXPECT_EQ(server.statistics().evicted_keys, 500U - static_cast<unsigned>(used + unused));
  const std::string log = effects();
  EXPECT_NE(log.find("UNLINK k"), std::string::npos);
  EXPECT_NE(events().find("evicted:k"), std::string::npos);
  EXPECT_LE(server.memory_counted(), server.options().memory.octets_max + 1000);
}

TEST_F(EvictionTest, TheKeysThatAreUsedLeastOftenGoFirst) {
  ask("config set maxmemory-policy allkeys-lfu");
  fill(0, 500);
  EXPECT_EQ(ask("object freq k1"), ":5|");
  EXPECT_TRUE(ask("object idletime k1").starts_with("-ERR An LFU maxmemory policy is selected, idle time not tracked. "));
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 500; i += 2) ask(fmt::format("get k{}", i));
  }
  limit("allkeys-lfu", 1000);
  fill(500, 700);
  int used = 0, unused = 0;
  for (int i = 0; i < 500; ++i) (i % 2 == 0 ? used : unused) += there(i, i + 1);
  EXPECT_GT(used, 220);  // of 250: keys are drawn, by a hash that the first test of the process seeded
  EXPECT_LT(unused + there(500, 700), 300);
}

TEST_F(EvictionTest, VolatilePoliciesTouchOnlyKeysThatExpire) {
  for (const char* policy : {"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}) {
    SCOPED_TRACE(policy);
    ask("config set maxmemory 0\r\nflushall");
    while (server.tick(now)) {
    }
    fill(0, 100);
    fill(100, 200, "ex 1000");
    limit(policy, 500);
    for (int i = 200; i < 300; ++i) EXPECT_EQ(ask(fmt::format("set k{} {} ex 2000", i, std::string(200, 'v'))), "+OK|");
    EXPECT_EQ(there(0, 100), 100);
    EXPECT_LT(there(100, 300), 110);
    // What expires is gone, and then there is nothing that may go.
    std::string reply;
    for (int i = 300; i < 500 && (reply = ask(fmt::format("set k{} {}", i, std::string(200, 'v')))) == "+OK|"; ++i) {
    }
    EXPECT_EQ(reply, oom);
    EXPECT_EQ(there(100, 300), 0);
  }
}

TEST_F(EvictionTest, ThoseThatExpireSoonestGoFirst) {
  for (int i = 0; i < 500; ++i) ask(fmt::format("set k{} {} ex {}", i, std::string(200, 'v'), i % 2 == 0 ? 100'000 : 100));
  limit("volatile-ttl", 500);
  fill(500, 700, "ex 100000");
  int late = 0, soon = 0;
  for (int i = 0; i < 500; ++i) (i % 2 == 0 ? late : soon) += there(i, i + 1);
  EXPECT_GT(late, 220);
  EXPECT_LT(soon, 80);
}

TEST_F(EvictionTest, AnyKeyGoesOfEveryDatabase) {
  for (int i = 0; i < 200; ++i) ask(fmt::format("select {}\r\nset k{} {}", i % 2 * 5, i, std::string(200, 'v')));
  limit("allkeys-random", 0);
  ask("select 9");
  fill(300, 400);
  EXPECT_LT(server.database(0).size(), 100U);
  EXPECT_LT(server.database(5).size(), 100U);
}

TEST_F(EvictionTest, LargeValuesAreFreedBeforeMoreKeysGo) {
  for (int key = 0; key < 4; ++key) {
    for (int i = 0; i < 2000; ++i) ask(fmt::format("sadd s{} member{}", key, i));
  }
  pass(10'000);
  limit("allkeys-lru", 500);
  ask("set a b\r\nset c d");
  ask("set e " + std::string(1000, 'x'));
  ask("ping");
  EXPECT_EQ(server.statistics().evicted_keys, 1U);
}

TEST_F(EvictionTest, TheTimeForItIsBoundedAndTheTimerGoesOn) {
  std::int64_t clock = 0;
  server.use_stopwatch([&] { return clock += 100; });
  fill(0, 1000);
  const std::size_t before = server.memory_counted();
  ask(fmt::format("config set maxmemory {} maxmemory-policy allkeys-random maxmemory-eviction-tenacity 2", before / 4));
  EXPECT_EQ(ask("set a b"), "+OK|");  // there is not room yet, but there will be
  EXPECT_GT(server.memory_counted(), before / 2);
  EXPECT_EQ(server.over_limit_us(), 0);
  pass(1000);
  ask("ping");
  EXPECT_EQ(server.over_limit_us(), 1'000'000);
  int ticks = 0;
  for (; server.tick(now); ++ticks) ASSERT_LT(ticks, 1000);
  EXPECT_GT(ticks, 5);
  EXPECT_LE(server.memory_counted(), before / 4);
  EXPECT_EQ(server.over_limit_us(), 0);
  EXPECT_EQ(server.statistics().over_limit_us, 1'000'000);
}

TEST_F(EvictionTest, WatchersAndListenersAreTold) {
  ask("config set notify-keyspace-events Ee\r\nset w " + std::string(3000, 'x') + "\r\nwatch w\r\nmulti\r\nget w");
  ask("subscribe __keyevent@0__:evicted", 2);
  ask(fmt::format("config set maxmemory {} maxmemory-policy allkeys-lru", server.memory_counted() - 1500), 3);
  tick();
  EXPECT_EQ(take(2), "*3|$7|message|$22|__keyevent@0__:evicted|$1|w|");
  EXPECT_EQ(ask("exec"), "*-1|");
}

TEST_F(EvictionTest, TheLargestClientsGo) {
  ask("config set maxmemory-clients 1mb");
  ask("client no-evict on", 4);
  ask("ping", 2);
  ask("multi", 3);
  for (int i = 0; i < 3; ++i) {
    // An argument that is not whole yet stays in the parser.
    server.receive(ClientId(2), (i == 0 ? "*2\r\n$4\r\nping\r\n$900000\r\n" : "") + std::string(300'000, 'x'), now);
    server.receive(ClientId(4), (i == 0 ? "*2\r\n$4\r\nping\r\n$950000\r\n" : "") + std::string(100'000, 'x'), now);
    ask("set k " + std::string(20'000, 'x'), 3);
  }
  collect();
  EXPECT_EQ(take(2), "<end>");
  EXPECT_EQ(take(4), "");
  EXPECT_EQ(server.statistics().evicted_clients, 1U);
  EXPECT_LE(server.clients_memory(), 1U << 20);
  EXPECT_EQ(ask("exec", 3), "*3|+OK|+OK|+OK|");
  ask("config set maxmemory 1gb maxmemory-clients 1%");
  EXPECT_EQ(ask("config get maxmemory-clients"), "*2|$17|maxmemory-clients|$2|1%|");
}

}  // namespace
}  // namespace chorus::cache
