// CLUSTER and redirections, as clients see them. Replies: Redis 7.2. Keys by slot: foo 12182, bar 5061, {bar}x 5061, b 3300, hello 866.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cache/cluster/cluster_fixture.h"

namespace chorus::cache {
namespace {

using testing::HasSubstr;

TEST_F(ClusterTest, AFreshNodeKnowsItselfAndServesNothing) {
  EXPECT_EQ(ask("get foo"), "-CLUSTERDOWN Hash slot not served|");
  EXPECT_EQ(ask("cluster myid"), "$40|" + id('a') + "|");
  EXPECT_EQ(ask("cluster slots"), "*0|");
  EXPECT_THAT(ask("cluster info"), HasSubstr("cluster_state:fail|cluster_slots_assigned:0|cluster_slots_ok:0|cluster_slots_pfail:0|"
                                             "cluster_slots_fail:0|cluster_known_nodes:1|cluster_size:0|"));
  EXPECT_THAT(ask("cluster nodes"), HasSubstr(id('a') + " 10.0.0.1:7000@17000 myself,master - 0 0 0 connected\n"));
  EXPECT_EQ(ask("ping"), "+PONG|");
  EXPECT_THAT(ask("info cluster"), HasSubstr("cluster_enabled:1"));
}

TEST_F(ClusterTest, SlotsAreAddedAndTakenAway) {
  EXPECT_EQ(ask("cluster addslots 0 1 2 16383"), "+OK|");
  EXPECT_EQ(ask("cluster addslots 5 2"), "-ERR Slot 2 is already busy|");
  EXPECT_EQ(ask("cluster addslots 5 5"), "-ERR Slot 5 specified multiple times|");
  EXPECT_EQ(ask("cluster addslots 16384"), "-ERR Invalid or out of range slot|");
  EXPECT_EQ(ask("cluster addslotsrange 5 1"), "-ERR start slot number 5 is greater than end slot number 1|");
  EXPECT_EQ(ask("cluster addslotsrange 5 9 10"), "-ERR wrong number of arguments for 'cluster|addslotsrange' command|");
  EXPECT_EQ(ask("cluster addslotsrange 5 9 11 12"), "+OK|");
  EXPECT_THAT(ask("cluster nodes"), HasSubstr(" connected 0-2 5-9 11-12 16383\n"));
  EXPECT_EQ(ask("cluster delslots 5 6 100"), "-ERR Slot 100 is already unassigned|");
  EXPECT_EQ(ask("cluster delslotsrange 5 7"), "+OK|");
  EXPECT_THAT(ask("cluster nodes"), HasSubstr(" connected 0-2 8-9 11-12 16383\n"));
  EXPECT_EQ(ask("cluster flushslots"), "+OK|");
  EXPECT_THAT(ask("cluster nodes"), HasSubstr(" connected\n"));
}

TEST_F(ClusterTest, ASlotWithKeysIsNotGivenUp) {
  ask("cluster addslotsrange 0 16383");
  EXPECT_EQ(ask("set foo 1"), "+OK|");
  EXPECT_EQ(ask("cluster delslots 12182"),
            "-ERR Can't assign hashslot 12182 to a different node while I still hold keys for this hash slot.|");
  EXPECT_EQ(ask("cluster flushslots"), "-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.|");
  EXPECT_EQ(ask("cluster reset"), "-ERR CLUSTER RESET can't be called with master nodes containing keys|");
  EXPECT_EQ(ask("cluster countkeysinslot 12182"), ":1|");
  EXPECT_EQ(ask("cluster getkeysinslot 12182 10"), "*1|$3|foo|");
  EXPECT_EQ(ask("cluster getkeysinslot 12182 0"), "*0|");
  EXPECT_EQ(ask("cluster keyslot foo"), ":12182|");
  EXPECT_EQ(ask("del foo"), ":1|");
  EXPECT_EQ(ask("cluster delslots 12182"), "+OK|");
}

TEST_F(ClusterTest, KeysOfOthersAreRedirected) {
  share_with_b();
  EXPECT_EQ(ask("set bar 1"), "+OK|");
  EXPECT_EQ(ask("get foo"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("mget bar foo"), "-CROSSSLOT Keys in request don't hash to the same slot|");
  EXPECT_EQ(ask("mget bar {bar}x"), "*2|$1|1|$-1|");
  EXPECT_EQ(ask("ssubscribe foo"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("select 0"), "+OK|");
  EXPECT_EQ(ask("select 1"), "-ERR SELECT is not allowed in cluster mode|");
  EXPECT_EQ(ask("swapdb 0 1"), "-ERR SWAPDB is not allowed in cluster mode|");
  EXPECT_EQ(ask("move bar 1"), "-ERR MOVE is not allowed in cluster mode|");
  EXPECT_EQ(ask("copy bar {bar}x db 1"), "-ERR DB index is out of range|");
  EXPECT_EQ(ask("config set cluster-preferred-endpoint-type hostname"), "+OK|");
  EXPECT_EQ(ask("get foo"), "-MOVED 12182 ?:7001|");
  EXPECT_EQ(ask("config set cluster-preferred-endpoint-type unknown-endpoint"), "+OK|");
  EXPECT_EQ(ask("get foo"), "-MOVED 12182 :7001|");
}

TEST_F(ClusterTest, TransactionsAreOfOneSlot) {
  share_with_b();
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("set bar 1"), "+QUEUED|");
  EXPECT_EQ(ask("set foo 1"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("exec"), "-EXECABORT Transaction discarded because of previous errors.|");
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("set bar 1"), "+QUEUED|");
  EXPECT_EQ(ask("set b 1"), "+QUEUED|");
  EXPECT_EQ(ask("exec"), "-CROSSSLOT Keys in request don't hash to the same slot|");
  EXPECT_EQ(ask("exec"), "-ERR EXEC without MULTI|");
}

TEST_F(ClusterTest, ChangesOfTheMapComeInATransaction) {
  share_with_b();
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("cluster delslots 5"), "+QUEUED|");
  EXPECT_EQ(ask("cluster addslots 5"), "+QUEUED|");
  EXPECT_EQ(ask("cluster setslot 5 stable"), "+QUEUED|");
  const std::int32_t before = version;
  EXPECT_EQ(ask("exec"), "*3|+OK|+OK|+OK|");
  EXPECT_EQ(version, before + 1);
}

TEST_F(ClusterTest, ASlotThatIsDeletedAndAddedAtOnceStays) {
  share_with_b();
  ask("set bar 1");
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("cluster delslots 5061"), "+QUEUED|");
  EXPECT_EQ(ask("cluster addslots 5061"), "+QUEUED|");
  EXPECT_EQ(ask("cluster setslot 5061 stable"), "+QUEUED|");
  EXPECT_EQ(ask("exec"), "*3|+OK|+OK|+OK|");
  EXPECT_EQ(ask("get bar"), "$1|1|");
  // What others have stays theirs.
  EXPECT_EQ(ask("cluster delslots 12182"), "+OK|");
  EXPECT_EQ(ask("get foo"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("cluster addslots 12182"), "-ERR Slot 12182 is already busy|");
  // In the other order it is what it says.
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("cluster addslots 5061"), "+QUEUED|");
  EXPECT_EQ(ask("cluster delslots 5061"), "+QUEUED|");
  EXPECT_EQ(ask("exec"),
            "*2|-ERR Slot 5061 is already busy|-ERR Can't assign hashslot 5061 to a different node while I still hold keys for this hash "
            "slot.|");
}

TEST_F(ClusterTest, WithoutALeaseNothingIsServed) {
  share_with_b();
  ask("set bar 1");
  pass(15'000);
  EXPECT_EQ(ask("get bar"), "-CLUSTERDOWN The cluster is down|");
  EXPECT_EQ(ask("mget bar foo"), "-CROSSSLOT Keys in request don't hash to the same slot|");
  EXPECT_EQ(ask("ssubscribe bar", 2), "*3|$10|ssubscribe|$3|bar|:1|");
  EXPECT_EQ(ask("config set cluster-allow-reads-when-down yes"), "+OK|");
  EXPECT_EQ(ask("get bar"), "$1|1|");
  EXPECT_EQ(ask("set bar 2"), "-CLUSTERDOWN The cluster is down and only accepts read commands|");
  EXPECT_THAT(ask("cluster info"), HasSubstr("cluster_state:fail"));
  EXPECT_THAT(ask("cluster slots"), HasSubstr(":16383|"));
  renew();
  EXPECT_EQ(ask("set bar 2"), "+OK|");
}

TEST_F(ClusterTest, WhoWaitsIsSentOn) {
  share_with_b();
  EXPECT_EQ(ask("blpop bar 0", 2), "");
  EXPECT_EQ(ask("blpop {bar}x 0", 3), "");
  EXPECT_EQ(ask("ssubscribe bar", 4), "*3|$10|ssubscribe|$3|bar|:1|");
  change([](cluster::SlotMap& all) {
    const cluster::NodeId b = id('b');
    all.set_owner(5061, &b);
  });
  EXPECT_EQ(take(2), "-MOVED 5061 10.0.0.1:7001|");
  EXPECT_EQ(take(3), "-MOVED 5061 10.0.0.1:7001|");
  EXPECT_EQ(take(4), "*3|$12|sunsubscribe|$3|bar|:0|");
  EXPECT_EQ(ask("blpop b 0", 5), "");
  pass(15'000);
  tick();
  EXPECT_EQ(take(5), "-CLUSTERDOWN The cluster is down|");
}

TEST_F(ClusterTest, ASlotMayBeMovedKeyByKey) {
  share_with_b();
  ask("set bar 1");
  EXPECT_EQ(ask("cluster setslot 12182 migrating " + id('b')), "-ERR I'm not the owner of hash slot 12182|");
  EXPECT_EQ(ask("cluster setslot 5061 migrating " + id('c')), "-ERR I don't know about node " + id('c') + "|");
  EXPECT_EQ(ask("cluster setslot 5061 importing " + id('b')), "-ERR I'm already the owner of hash slot 5061|");
  EXPECT_EQ(ask("cluster setslot 5061 foo"), "-ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP|");
  EXPECT_EQ(ask("cluster setslot 5061 migrating " + id('b')), "+OK|");
  EXPECT_THAT(ask("cluster nodes"), HasSubstr("0-8191 [5061->-" + id('b') + "]\n"));
  EXPECT_EQ(ask("get bar"), "$1|1|");
  EXPECT_EQ(ask("get {bar}x"), "$-1|");  // b would send it back
  change([](cluster::SlotMap& all) { all.open_for_change(5061).importing.emplace(id('b'), id('a')); });
  EXPECT_EQ(ask("get {bar}x"), "-ASK 5061 10.0.0.1:7001|");
  EXPECT_EQ(ask("mget bar {bar}x"), "-TRYAGAIN Multiple keys request during rehashing of slot|");
  change([](cluster::SlotMap& all) { all.open_for_change(5061).importing.clear(); });
  EXPECT_EQ(ask("cluster setslot 5061 stable"), "+OK|");
  EXPECT_EQ(ask("get {bar}x"), "$-1|");
  // The other side.
  EXPECT_EQ(ask("cluster setslot 12182 importing " + id('b')), "+OK|");
  EXPECT_EQ(ask("set foo 1"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("asking"), "+OK|");
  EXPECT_EQ(ask("set foo 1"), "+OK|");
  EXPECT_EQ(ask("get foo"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_EQ(ask("asking"), "+OK|");
  EXPECT_EQ(ask("mget foo {foo}x"), "-TRYAGAIN Multiple keys request during rehashing of slot|");
  EXPECT_EQ(ask("asking"), "+OK|");
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("get foo"), "+QUEUED|");
  EXPECT_EQ(ask("exec"), "*1|$1|1|");
  EXPECT_EQ(ask("cluster setslot 12182 stable"),
            "-ERR Can't assign hashslot 12182 to a different node while I still hold keys for this hash slot.|");
}

TEST_F(ClusterTest, ASlotOfANodeThatIsGoneIsTakenOnPurposeOnly) {
  share_with_b();
  tell(cluster::event::NodeSeen{.id = id('b'), .endpoint = {}});
  EXPECT_THAT(ask("cluster setslot 12182 node " + id('a')),
              testing::StartsWith("-ERR Node " + id('b') + ", which owns slot 12182, does not run"));
  EXPECT_EQ(ask("multi"), "+OK|");
  EXPECT_EQ(ask("cluster delslots 12182"), "+QUEUED|");
  EXPECT_EQ(ask("cluster addslots 12182"), "+QUEUED|");
  EXPECT_EQ(ask("exec"), "");
  // Once its lease is over.
  for (int i = 0; i < 80; ++i) {
    pass(250);
    renew();
    tick();
    answer();
  }
  EXPECT_EQ(take(1), "*2|+OK|+OK|");
}

TEST_F(ClusterTest, AKeyIsNotMigratedToWhereNobodyLooks) {
  share_with_b();
  ask("set bar 1");
  const std::string refusal = "-ERR Slot 5061 is not on its way to node " + id('b') + ": set it IMPORTING there and MIGRATING here first|";
  EXPECT_EQ(ask("migrate 10.0.0.1 7001 bar 0 1000"), refusal);
  EXPECT_EQ(ask("cluster setslot 5061 migrating " + id('b')), "+OK|");
  EXPECT_EQ(ask("migrate 10.0.0.1 7001 bar 0 1000"), refusal);
  change([](cluster::SlotMap& all) { all.open_for_change(5061).importing.emplace(id('b'), id('a')); });
  EXPECT_EQ(ask("migrate 10.0.0.1 7001 bar 0 1000"), "");
  // To another cluster, or to none, it may go.
  ask("set b 1", 2);
  EXPECT_EQ(ask("migrate 10.0.0.9 7001 b 0 1000", 2), "");
}

TEST_F(ClusterTest, KeysThatWereMigratedAreNotLeftBehind) {
  share_with_b();
  EXPECT_EQ(ask("cluster setslot 5061 migrating " + id('b')), "+OK|");
  change([](cluster::SlotMap& all) {
    all.add_member(id('c'), *cluster::parse_endpoint(endpoint(7002)));
    all.open_for_change(5061).importing.emplace(id('b'), id('a'));
  });
  tell(cluster::event::NodeSeen{.id = id('c'), .endpoint = endpoint(7002)});
  const std::string refusal = "-ERR Slot 5061 may have keys at node " + id('b') + ", which imports it: set it stable there first|";
  // Clients are sent to b until that has none of them.
  EXPECT_EQ(ask("cluster setslot 5061 stable"), "+OK|");
  EXPECT_EQ(ask("get bar"), "-ASK 5061 10.0.0.1:7001|");
  EXPECT_EQ(ask("cluster setslot 5061 migrating " + id('c')), refusal);
  EXPECT_EQ(ask("cluster setslot 5061 node " + id('c')), refusal);
  EXPECT_EQ(ask("cluster delslots 5061"), refusal);
  EXPECT_EQ(ask("cluster flushslots"), refusal);
  EXPECT_EQ(ask("cluster reset"), refusal);
  change([](cluster::SlotMap& all) {
    const cluster::NodeId c = id('c');
    for (std::uint16_t slot = 8192; slot < slots; ++slot) all.set_owner(slot, &c);
  });
  EXPECT_EQ(ask("cluster forget " + id('b')), "-ERR Node " + id('b') + " imports slot 5061 and may have keys of it: end that first|");
  // b has none of them, and says so.
  change([](cluster::SlotMap& all) { all.open_for_change(5061).importing.clear(); });
  EXPECT_EQ(ask("cluster setslot 5061 stable"), "+OK|");
  EXPECT_EQ(ask("cluster forget " + id('b')), "+OK|");
}

TEST_F(ClusterTest, NodesAreMetAndForgotten) {
  tell(cluster::event::NodeSeen{.id = id('b'), .endpoint = endpoint(7001)});
  EXPECT_EQ(ask("cluster meet nowhere 1"), "-ERR Invalid node address specified: nowhere:1|");
  EXPECT_EQ(ask("cluster meet 10.0.0.1 x"), "-ERR Invalid base port specified: x|");
  EXPECT_EQ(ask("cluster meet 10.0.0.1 7001"), "+OK|");
  EXPECT_THAT(ask("cluster info"), HasSubstr("cluster_known_nodes:2"));
  EXPECT_EQ(ask("cluster replicas " + id('b')), "*0|");
  EXPECT_EQ(ask("cluster replicas x"), "-ERR Unknown node x|");
  EXPECT_EQ(ask("cluster forget x"), "-ERR Unknown node x|");
  EXPECT_EQ(ask("cluster forget " + id('a')), "-ERR I tried hard but I can't forget myself...|");
  EXPECT_EQ(ask("cluster forget " + id('b')), "+OK|");
  EXPECT_EQ(ask("cluster forget " + id('b')), "+OK|");
  EXPECT_THAT(ask("cluster info"), HasSubstr("cluster_known_nodes:1"));
  pass(61'000);
  tick();
  EXPECT_EQ(ask("cluster forget " + id('b')), "-ERR Unknown node " + id('b') + "|");
}

TEST_F(ClusterTest, EpochsAsRedisHasThem) {
  EXPECT_EQ(ask("cluster bumpepoch"), "+BUMPED 2|");
  EXPECT_EQ(ask("cluster bumpepoch"), "+STILL 2|");
  EXPECT_EQ(ask("cluster set-config-epoch 7"), "-ERR Node config epoch is already non-zero|");
  EXPECT_EQ(ask("cluster set-config-epoch -1"), "-ERR Invalid config epoch specified: -1|");
  EXPECT_EQ(ask("cluster failover"), "-ERR You should send CLUSTER FAILOVER to a replica|");
  EXPECT_EQ(ask("cluster saveconfig"), "+OK|");
  EXPECT_EQ(ask("cluster count-failure-reports " + id('a')), ":0|");
  EXPECT_EQ(ask("cluster links"), "*0|");
}

TEST_F(ClusterTest, SlotsAndShardsSayWhoHasWhat) {
  share_with_b();
  const std::string a = "*4|$8|10.0.0.1|:7000|$40|" + id('a') + "|*0|", b = "*4|$8|10.0.0.1|:7001|$40|" + id('b') + "|*0|";
  EXPECT_EQ(ask("cluster slots"), "*2|*3|:0|:8191|" + a + "*3|:8192|:16383|" + b);
  EXPECT_THAT(ask("cluster shards"),
              testing::StartsWith("*2|*4|$5|slots|*2|:0|:8191|$5|nodes|*1|*14|$2|id|$40|" + id('a') + "|$4|port|:7000|"));
}

TEST_F(ClusterTest, ScriptsKeepToWhatIsServedHere) {
  share_with_b();
  const auto run = [&](std::string_view flags, std::string_view body, std::string_view keys) {
    return ask(fmt::format("eval \"{}{}\" {}", flags.empty() ? "" : fmt::format("#!lua {}\\n", flags), body, keys));
  };
  EXPECT_EQ(run("", "return redis.call('set', KEYS[1], '1')", "1 bar"), "+OK|");
  EXPECT_EQ(run("", "return redis.call('set', KEYS[1], '1')", "1 foo"), "-MOVED 12182 10.0.0.1:7001|");
  EXPECT_THAT(run("", "return redis.call('get', 'foo')", "0"),
              testing::StartsWith("-ERR Script attempted to access a non local key in a cluster node script: "));
  EXPECT_THAT(run("", "return redis.call('mget', 'bar', 'b')", "0"),
              testing::StartsWith("-ERR Script attempted to access keys that do not hash to the same slot script: "));
  // Keys of several slots of this node: as it was always done, but not by one that says what it is.
  EXPECT_EQ(run("", "redis.call('get', 'b') return redis.call('get', 'bar')", "0"), "$1|1|");
  EXPECT_THAT(run("flags=no-writes", "redis.call('get', 'b') return redis.call('get', 'bar')", "0"),
              testing::StartsWith("-ERR Script attempted to access keys that do not hash to the same slot script: "));
  EXPECT_EQ(run("flags=allow-cross-slot-keys", "redis.call('get', 'b') return redis.call('get', 'bar')", "0"), "$1|1|");
  EXPECT_EQ(run("flags=no-cluster", "return 1", "0"), "-ERR Can not run script on cluster, 'no-cluster' flag is set.|");
  pass(15'000);
  EXPECT_THAT(run("", "return redis.call('get', 'bar')", "0"),
              testing::StartsWith("-ERR Script attempted to execute a command while the cluster is down script: "));
  ask("config set cluster-allow-reads-when-down yes");
  EXPECT_THAT(run("", "return redis.call('set', 'bar', '2')", "0"),
              testing::StartsWith("-ERR Script attempted to execute a write command while the cluster is down and readonly script: "));
}

TEST_F(ClusterTest, WhatIsLoadedOfOthersSlotsGoes) {
  // As a node that was away finds it: slots went to another meanwhile.
  change([](cluster::SlotMap& all) {
    all.add_member(id('a'), *cluster::parse_endpoint(endpoint(7000)));
    const cluster::NodeId a = id('a');
    for (std::size_t slot = 0; slot < slots; ++slot) all.set_owner(static_cast<std::uint16_t>(slot), &a);
  });
  ask("set foo 1");
  ask("set bar 1");
  server.begin_save();
  while (!server.step_save(1 << 20)) {
  }
  const std::string file = server.take_save();
  server.end_save("", now);
  Server again(cluster_options(), 1, now);
  again.begin_loading(file.size(), now);
  again.cluster_event(cluster::event::Loaded{}, now);
  share_with_b();
  const auto tell_map = [&](std::uint64_t read) {
    again.cluster_event(cluster::event::MapRead{.text = map, .version = version, .read = read}, now);
  };
  tell_map(1);
  again.tick(now);
  ASSERT_TRUE(again.load(file, now).value_or(false));
  EXPECT_EQ(again.keys(), 2U);
  again.tick(now);
  again.tick(now);
  EXPECT_EQ(again.keys(), 1U);
  EXPECT_EQ(again.database(0).slot_size(5061), 1U);
}

TEST_F(ServerTest, WithoutAClusterThereIsNone) {
  EXPECT_EQ(ask("cluster info"), "-ERR This instance has cluster support disabled|");
  EXPECT_EQ(ask("cluster help"), "-ERR This instance has cluster support disabled|");
  EXPECT_EQ(ask("cluster addslots 1"), "-ERR This instance has cluster support disabled|");
  EXPECT_EQ(ask("readonly"), "+OK|");
}

}  // namespace
}  // namespace chorus::cache
