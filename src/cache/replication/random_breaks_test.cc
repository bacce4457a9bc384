// Five servers, links that break anywhere, roles that change: at the end all have what the last primary has.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "cache/replication/replication_fixture.h"

namespace chorus::cache {
namespace {

class RandomBreaks : public ReplicationTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  RandomBreaks() : ReplicationTest(GetParam()) {}
  /// Whether the breaks were of all kinds.
  static void TearDownTestSuite() {
    if (runs < 10) return;
    EXPECT_GT(all_full, runs);
    EXPECT_GT(all_partial, runs);
    EXPECT_GT(all_refused, runs);
  }
  inline static std::uint64_t runs = 0, all_full = 0, all_partial = 0, all_refused = 0;

  std::string key() { return fmt::format("k{}", random_.below(30)); }
  std::string word() { return fmt::format("w{}", random_.below(50)); }
  std::string command() {
    switch (random_.below(24)) {
      case 0:
        return fmt::format("set {} {}", key(), std::string(random_.below(random_.below(20) == 0 ? 30'000 : 100) + 1, 'v'));
      case 1:
        return fmt::format("set {} {} px {}", key(), word(), random_.below(3000) + 1);
      case 2:
        return fmt::format("rpush list{} {} {}", random_.below(5), word(), word());
      case 3:
        return fmt::format("lpop list{} {}", random_.below(5), random_.below(3) + 1);
      case 4:
        return fmt::format("sadd set{} {}", random_.below(5), word());
      case 5:
        return fmt::format("spop set{}", random_.below(5));
      case 6:
        return fmt::format("zadd zset{} {} {}", random_.below(5), random_.below(100), word());
      case 7:
        return fmt::format("zpopmin zset{}", random_.below(5));
      case 8:
        return fmt::format("hset hash{} {} {}", random_.below(5), word(), word());
      case 9:
        return fmt::format("hincrbyfloat hash{} n 0.1", random_.below(5));
      case 10:
        return fmt::format("xadd stream{} maxlen ~ 50 * f {}", random_.below(3), word());
      case 11:
        return fmt::format("pexpire {} {}", key(), random_.below(2000) + 1);
      case 12:
        return fmt::format("persist {}", key());
      case 13:
        return fmt::format("del {} {}", key(), key());
      case 14:
        return fmt::format("rename {} {}", key(), key());
      case 15:
        return fmt::format("incr n{}", random_.below(5));
      case 16:
        return fmt::format("select {}", random_.below(3));
      case 17:
        return fmt::format("eval \"redis.call('incr','n1') redis.call('sadd','set1',ARGV[1]) return 1\" 0 {}", word());
      case 18:
        return fmt::format("multi\r\nincr n2\r\nselect {}\r\nrpush list1 {}\r\nexec", random_.below(3), word());
      case 19:
        return random_.below(30) == 0 ? "flushdb" : "get k1";
      case 20:
        return random_.below(5) == 0 ? "swapdb 0 1" : fmt::format("append {} {}", key(), word());
      case 21:
        return fmt::format("copy {} {} replace", key(), key());
      case 22:
        return fmt::format("setbit bits {} 1", random_.below(200));
      default:
        return fmt::format("linsert list{} before {} {}", random_.below(5), word(), word());
    }
  }
};

TEST_P(RandomBreaks, AllHaveWhatThePrimaryHas) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  constexpr std::size_t count = 5;
  for (std::size_t i = 0; i < count; ++i) {
    ServerOptions options;
    options.replication.backlog_octets = std::size_t{1} << (10 + random_.below(8));
    options.replication.is_diskless = random_.below(3) != 0;
    options.replication.timeout_seconds = 5;
    options.replication.ping_seconds = 1;
    options.rdb.version = 11;
    add(options, static_cast<std::int64_t>(random_.below(4000)) - 2000);
  }
  std::size_t primary = 0;
  const auto reassign = [&] {
    for (std::size_t node = 0; node < count; ++node) {
      // Some follow the primary, some a replica of lower number.
      if (node == primary) continue;
      std::size_t whom = primary;
      if (random_.below(3) == 0) {
        const std::size_t other = random_.below(count);
        if (other < node && other != primary) whom = other;
      }
      ask(node, fmt::format("replicaof 127.0.0.1 {}", 7000 + whom));
    }
  };
  reassign();
  for (int round = 0; round < 40; ++round) {
    for (std::uint64_t i = random_.below(60); i > 0; --i) {
      ask(primary, command());
      if (random_.below(4) == 0) arrive(random_.below(300) + 1);
    }
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        if (!connections_.empty()) cut(random_.below(connections_.size()));
        break;
      case 3: {
        Machine& machine = *machines_[random_.below(count)];
        machine.is_reachable = !machine.is_reachable;
        break;
      }
      case 4:
        reassign();
        break;
      case 5:
        if (random_.below(3) == 0) {
          primary = random_.below(count);
          ask(primary, "replicaof no one");
          reassign();
        }
        break;
      case 6:
        ask(random_.below(count), "bgsave");
        break;
      default:
        break;
    }
    for (std::size_t node = 0; node < count; ++node) {
      // Snapshots for the disk, now and then in the way of those for replicas.
      if (server(node).is_saving() && (server(node).step_save(5000) || random_.below(10) == 0)) {
        server(node).take_save();
        server(node).end_save("", now(node));
      }
    }
    pass(static_cast<std::int64_t>(random_.below(1500)), random_.below(2000) + 1);
  }
  for (auto& machine : machines_) machine->is_reachable = true;
  ask(primary, "replicaof no one");
  for (std::size_t node = 0; node < count; ++node) {
    if (server(node).is_saving()) server(node).end_save("given up", now(node));
    if (node != primary) ask(node, fmt::format("replicaof 127.0.0.1 {}", 7000 + primary));
  }
  std::vector<std::size_t> all{primary};
  for (std::size_t node = 0; node < count; ++node) {
    if (node != primary) all.push_back(node);
  }
  settle(all);
  for (const std::size_t node : all) {
    if (node != primary) expect_same(primary, node);
    EXPECT_EQ(server(node).statistics().stream_errors, 0U) << node;
  }
  std::uint64_t full = 0, partial = 0, refused = 0;
  for (const std::size_t node : all) {
    full += of(node).primary().full_syncs();
    partial += of(node).primary().partial_syncs();
    refused += of(node).primary().partial_syncs_refused();
  }
  all_full += full;
  all_partial += partial;
  all_refused += refused;
  ++runs;
  if (HasFailure()) std::cout << told();
}

std::uint64_t first_seed() {
  const char* given = std::getenv("REPLICATION_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}
std::uint64_t seeds() {
  const char* given = std::getenv("REPLICATION_SEEDS");
  return given == nullptr ? 40 : std::strtoull(given, nullptr, 10);
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomBreaks, testing::Range<std::uint64_t>(first_seed(), first_seed() + seeds()));

}  // namespace
}  // namespace chorus::cache
