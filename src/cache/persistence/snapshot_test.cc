// A snapshot under changes, against what there was at its moment.
#include "cache/persistence/snapshot.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "base/random.h"
#include "cache/rdb/file_reader.h"
#include "cache/rdb/payload.h"
#include "cache/server_fixture.h"
#include "cache/value/destroy.h"

namespace chorus::cache {
namespace {

/// Every key by database and name: its expiry and value.
using Keys = std::map<std::string, std::string>;

/// A value without what is its table's own order.
std::string shown(const Entry& entry) {
  const std::string payload = rdb::make_payload(entry, {.compresses = false});
  std::string octets = payload.substr(0, payload.size() - 8);
  const auto type = static_cast<rdb::ValueType>(octets[0]);
  if (type == rdb::ValueType::set || type == rdb::ValueType::hash) std::sort(octets.begin(), octets.end());
  return fmt::format("{} {}", entry.expiry().value_or(0), octets);
}

struct Told final : rdb::FileSink {
  Keys keys;
  std::uint64_t db = 0;
  Outcome on_database(std::uint64_t now) override {
    db = now;
    return {};
  }
  Outcome on_key(Entry* entry, rdb::KeyUse) override {
    const bool is_new = keys.emplace(fmt::format("{} {}", db, entry->key()), shown(*entry)).second;
    destroy(entry);
    if (!is_new) return std::unexpected("a key twice");
    return {};
  }
  Outcome on_function(std::string_view) override { return {}; }
};

class SnapshotTest : public ServerTest {
 protected:
  SnapshotTest() { ask("CONFIG SET save \"\""); }
  Keys keys() {
    Keys out;
    for (unsigned db = 0; db < 4; ++db) {
      server.database(db).for_each([&](Entry* entry) { out.emplace(fmt::format("{} {}", db, entry->key()), shown(*entry)); });
    }
    return out;
  }
  /// What is in the file that the server gives.
  static Keys read(std::string_view file) {
    const Thresholds thresholds;
    Told told;
    rdb::FileReader reader(thresholds, told);
    const auto ended = reader.feed(file);
    EXPECT_TRUE(ended) << ended.error();
    EXPECT_TRUE(ended && *ended);
    return told.keys;
  }
  /// The rest of it, in pieces, with `between` after each.
  std::string finish(std::size_t piece, const std::function<void()>& between = [] {}) {
    std::string file;
    for (bool is_complete = false; !is_complete;) {
      is_complete = server.step_save(piece);
      file += server.take_save();
      if (!is_complete) between();
    }
    server.end_save("", now);
    collect();
    return file;
  }
};

TEST_F(SnapshotTest, IsOfOneMomentWhateverIsChangedMeanwhile) {
  const char* const changes[] = {"SET {0} v{1}",
                                 "APPEND {0} {1}",
                                 "DEL {0}",
                                 "RPUSH l{0} {1} a b",
                                 "LPOP l{0}",
                                 "LSET l{0} 0 x{1}",
                                 "LTRIM l{0} 1 3",
                                 "SADD s{0} {1} m",
                                 "SREM s{0} m",
                                 "SPOP s{0}",
                                 "HSET h{0} f{1} v",
                                 "HDEL h{0} f1 f2",
                                 "HINCRBY h{0} n {1}",
                                 "ZADD z{0} {1} m{1}",
                                 "ZREM z{0} m1 m2",
                                 "ZINCRBY z{0} 1.5 m",
                                 "EXPIRE {0} 100",
                                 "PERSIST {0}",
                                 "PEXPIRE {0} {1}",
                                 "RENAME {0} r{1}",
                                 "COPY l{0} {0} REPLACE",
                                 "MOVE {0} 1",
                                 "INCR n{0}",
                                 "SETRANGE {0} 5 {1}",
                                 "SETBIT b{0} {1} 1",
                                 "PFADD p{0} {1}",
                                 "PFCOUNT p{0}",
                                 "SWAPDB 0 1",
                                 "SWAPDB 1 2",
                                 "FLUSHDB",
                                 "SELECT 1",
                                 "SELECT 0",
                                 "SELECT 2",
                                 "GETDEL {0}",
                                 "SINTERSTORE s{0} s{1} s1",
                                 "LMOVE l{0} l{1} LEFT RIGHT",
                                 "GETEX {0} EX 50",
                                 "ZUNIONSTORE z{1} 2 z{0} s{0}",
                                 "FLUSHALL",
                                 "XADD x{0} * f {1}",
                                 "XGROUP CREATE x{0} g 0 MKSTREAM",
                                 "XREADGROUP GROUP g c{1} COUNT 2 STREAMS x{0} >",
                                 "XAUTOCLAIM x{0} g d 0 0",
                                 "XTRIM x{0} MAXLEN 3",
                                 "XGROUP DELCONSUMER x{0} g d",
                                 "XADD x1 * f {1}"};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    const auto change = [&] {
      // What empties whole databases is rarer.
      std::size_t which = random.below(std::size(changes));
      if (std::string_view(changes[which]).starts_with("FLUSH") && !random.chance(0.05)) which = 0;
      ask(fmt::format(fmt::runtime(changes[which]), random.below(60), random.below(300)));
      if (random.chance(0.05)) pass(static_cast<std::int64_t>(random.below(100)));
      if (random.chance(0.05)) tick();
    };
    for (int i = 0; i < 1500; ++i) change();
    // Large ones, which take several steps.
    for (int i = 0; i < 400; ++i) {
      ask(fmt::format("HSET large field-{} {}", i, std::string(20, 'v')));
      ask(fmt::format("ZADD large-z {} member-{}", i, i));
    }
    ask("SETRANGE large-text 300000 end");
    const Keys before = keys();
    ASSERT_EQ(ask("BGSAVE"), "+Background saving started|");
    EXPECT_EQ(ask("BGSAVE"), "-ERR Background save already in progress|");
    const std::string file = finish(1 + random.below(3000), [&] {
      for (std::uint64_t n = random.below(4); n > 0; --n) change();
      if (random.chance(0.01)) ask("HSET large field-1 changed");
      if (random.chance(0.01)) ask("DEL large-z");
      if (random.chance(0.01)) ask("APPEND large-text x");
    });
    ASSERT_EQ(read(file), before);
  }
}

TEST_F(SnapshotTest, OneThatIsGivenUpLeavesNothing) {
  for (int i = 0; i < 2000; ++i) ask(fmt::format("SET k{} v", i));
  // More often than there are marks.
  for (int round = 0; round < 300; ++round) {
    ask("BGSAVE");
    server.step_save(round % 7 == 0 ? 20'000 : 500);
    ask(fmt::format("SET k{} v{}", round, round));
    ask(fmt::format("DEL k{}", 1000 + round));
    server.end_save("no", now);
  }
  const Keys before = keys();
  ask("BGSAVE");
  ASSERT_EQ(read(finish(1000)), before);
}

TEST_F(SnapshotTest, EmptiedDatabasesAreInItAndGiveTheirMemoryBack) {
  const std::size_t at_first = server.memory_used();
  for (int i = 0; i < 20'000; ++i) ask(fmt::format("SET k{} {}", i, std::string(50, 'v')));
  const Keys before = keys();
  ask("BGSAVE");
  server.step_save(1000);
  std::string file = server.take_save();
  ask("FLUSHALL");
  ask("SET new v");
  file += finish(10'000);
  ASSERT_EQ(read(file), before);
  for (int i = 0; i < 100; ++i) tick();
  EXPECT_LT(server.memory_used(), at_first + 100'000);
}

TEST_F(SnapshotTest, StepsAreSmall) {
  for (int i = 0; i < 30'000; ++i) ask(fmt::format("RPUSH list {}-{}", i, std::string(50, 'e')));
  ask("SETRANGE text 5000000 end");
  ask("BGSAVE");
  for (bool is_complete = false; !is_complete;) {
    is_complete = server.step_save(50'000);
    // One node of a list, or a piece of a string, comes on top.
    EXPECT_LT(server.take_save().size(), 70'000U);
  }
  server.end_save("", now);
}

TEST_F(SnapshotTest, SaveAnswersWhenItIsKept) {
  ask("SET k v");
  EXPECT_EQ(ask("SAVE", 2), "");
  EXPECT_EQ(ask("SAVE", 3), "-ERR Background save already in progress|");
  EXPECT_EQ(ask("GET k"), "$1|v|");
  pass(5000);
  finish(1000);
  EXPECT_EQ(take(2), "+OK|");
  EXPECT_EQ(ask("LASTSAVE"), ":1700000005|");
  EXPECT_EQ(ask("SAVE", 2), "");
  server.end_save("disk full", now);
  collect();
  EXPECT_EQ(take(2), "-ERR|");
  EXPECT_EQ(ask("CLIENT ID", 2), ":2|");
  EXPECT_EQ(ask("SAVE", 2), "");
  EXPECT_EQ(ask("CLIENT UNBLOCK 2"), ":1|");
  EXPECT_EQ(take(2), "*-1|");
  EXPECT_EQ(ask("BLPOP none 0", 2), "");
  finish(1000);
  EXPECT_EQ(take(2), "") << "it waits for something else now";
  EXPECT_EQ(ask("BGSAVE x"), "-ERR syntax error|");
  EXPECT_EQ(ask("BGSAVE SCHEDULE"), "+Background saving started|");
}

TEST_F(SnapshotTest, SavePointsAndFailures) {
  EXPECT_EQ(ask("CONFIG SET save x"), "-ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters|");
  ask("CONFIG SET save \"10 2\"");
  EXPECT_EQ(ask("CONFIG GET save"), "*2|$4|save|$4|10 2|");
  ask("SET k v");
  pass(11'000);
  tick();
  EXPECT_FALSE(server.is_saving()) << "one change is not two";
  ask("SET k w");
  tick();
  ASSERT_TRUE(server.is_saving());
  server.end_save("disk full", now);
  EXPECT_EQ(ask("SET k x").substr(0, 9), "-MISCONF ");
  EXPECT_EQ(ask("PING").substr(0, 9), "-MISCONF ");
  EXPECT_EQ(ask("GET k"), "$1|w|");
  pass(1000);
  tick();
  EXPECT_FALSE(server.is_saving()) << "not again at once";
  pass(5000);
  tick();
  ASSERT_TRUE(server.is_saving());
  finish(1000);
  EXPECT_EQ(ask("SET k x"), "+OK|");
  EXPECT_EQ(server.save_state().changes, 1U);
  EXPECT_NE(ask("INFO persistence").find("rdb_last_bgsave_status:ok|"), std::string::npos);
}

TEST_F(SnapshotTest, ClientsAreToldToWaitWhileItIsLoaded) {
  ask("SET gone v PX 10");
  ask("SET k v");
  ask("RPUSH l a b c");
  ask("BGSAVE");
  const std::string file = finish(1 << 20);
  pass(1000);
  Server other{ServerOptions{}, 1, now};
  other.begin_loading(file.size(), now);
  other.connect(ClientId(1), "a", "b", now);
  const auto say = [&](std::string_view line) {
    other.receive(ClientId(1), std::string(line) + "\r\n", now);
    std::vector<Output> outputs;
    other.take_outputs(outputs);
    return outputs.empty() ? std::string() : outputs[0].octets;
  };
  EXPECT_EQ(say("GET k"), "-LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_NE(say("INFO persistence").find("loading:1\r\n"), std::string::npos);
  for (std::size_t at = 0; at < file.size(); at += 10) {
    const auto ended = other.load(std::string_view(file).substr(at, 10), now);
    ASSERT_TRUE(ended) << ended.error();
    EXPECT_EQ(*ended, at + 10 >= file.size());
  }
  EXPECT_EQ(say("GET k"), "$1\r\nv\r\n");
  EXPECT_EQ(say("GET gone"), "$-1\r\n");
  EXPECT_EQ(say("LLEN l"), ":3\r\n");
  EXPECT_EQ(other.save_state().keys_expired, 1U);
}

TEST_F(SnapshotTest, HowKeysAreUsedIsInIt) {
  for (const auto policy : {EvictionPolicy::allkeys_lru, EvictionPolicy::allkeys_lfu}) {
    ServerOptions options;
    options.memory.policy = policy;
    ask("CONFIG SET maxmemory-policy " + std::string(name_of(policy)));
    ask("FLUSHALL");
    ask("SET k v");
    pass(100'000);
    if (policy == EvictionPolicy::allkeys_lfu) {
      for (int i = 0; i < 2000; ++i) ask("GET k");
    }
    const std::string question = policy == EvictionPolicy::allkeys_lru ? "OBJECT IDLETIME k" : "OBJECT FREQ k";
    const std::string answer = ask(question);
    EXPECT_GT(std::stoi(answer.substr(1)), 10);
    ask("BGSAVE");
    const std::string file = finish(1 << 20);
    Server other{options, 1, now};
    other.begin_loading(file.size(), now);
    ASSERT_TRUE(other.load(file, now));
    const Entry* entry = other.database(0).find("k");
    ASSERT_NE(entry, nullptr);
    const auto value = policy == EvictionPolicy::allkeys_lru ? idle_seconds(entry->access(), now.unix_us)
                                                             : lfu_frequency(entry->access(), options.memory.lfu, now.unix_us);
    EXPECT_EQ(":" + std::to_string(value) + "|", answer);
  }
}

}  // namespace
}  // namespace chorus::cache
