// Servers that follow one another: what each has, and what it sends.
#include "cache/replication/replication.h"

#include <fmt/format.h>

#include <regex>

#include "cache/replication/replication_fixture.h"

namespace chorus::cache {
namespace {

ServerOptions small_backlog(std::size_t octets) {
  ServerOptions options;
  options.replication.backlog_octets = octets;
  return options;
}

TEST_F(Replicas, AllKeysThenWhatChanges) {
  const std::size_t primary = add(), replica = add();
  fill(primary);
  ask(replica, "set mine v");
  follow(replica, primary);
  EXPECT_EQ(ask(replica, "get mine"), "$-1\r\n");
  expect_same(primary, replica);
  for (const char* line :
       {"incr number", "spop set", "blpop list 1", "expire text 100", "select 5", "mset a 1 b 2", "move a 6", "select 0", "swapdb 3 4",
        "rename hash other", "eval \"redis.call('set','s',1) redis.call('rpush','l',1,2) redis.call('publish','c','m')\" 0",
        "set gone v px 200", "getex text ex 50", "hincrbyfloat other f2 1.5", "function flush", "zpopmin zset"}) {
    EXPECT_NE(ask(primary, line)[0], '-') << line;
  }
  settle({primary, replica});
  expect_same(primary, replica);
  EXPECT_EQ(server(replica).statistics().stream_errors, 0U);
  pass(1000);
  settle({primary, replica});
  EXPECT_EQ(server(replica).database(0).find("gone"), nullptr);
  expect_same(primary, replica);
}

TEST_F(Replicas, WhatIsSentIsWhatRedisSends) {
  const std::size_t primary = add();
  ask(primary, "replconf capa eof capa psync2", "raw");
  EXPECT_EQ(ask(primary, "psync ? -1", "raw"), "");
  pass(1500);
  const std::string got = take(primary, "raw");
  const std::string id = of(primary).stream().id();
  std::smatch found;
  const std::regex shape("\n*\\+FULLRESYNC " + id + " 0\r\n\\$EOF:([0-9a-f]{40})\r\nREDIS0010[^]*");
  ASSERT_TRUE(std::regex_match(got, found, shape)) << got;
  EXPECT_TRUE(got.ends_with(found[1].str()));
  // The stream waits for the acknowledgement.
  ask(primary, "select 2");
  ask(primary, "set k v");
  EXPECT_EQ(take(primary, "raw"), "");
  EXPECT_EQ(ask(primary, "replconf ack 0", "raw"), "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
  ask(primary, "multi");
  ask(primary, "incr a");
  ask(primary, "select 0");
  ask(primary, "incr b");
  ask(primary, "exec");
  EXPECT_EQ(take(primary, "raw"),
            "*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nincr\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$4\r\nincr\r\n$1\r\nb\r\n*1\r\n$"
            "4\r\nEXEC\r\n");
  const std::int64_t end = of(primary).stream().end();
  EXPECT_EQ(end, static_cast<std::int64_t>(
                     std::string("*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n").size() +
                     std::string("*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nincr\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$"
                                 "4\r\nincr\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n")
                         .size()));
  EXPECT_EQ(info(primary, "slave0"), "ip=127.0.0.9,port=0,state=online,offset=0,lag=0");
  // A ping of the primary's is a part of the stream.
  pass(10'000);
  EXPECT_EQ(take(primary, "raw"), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(of(primary).stream().end(), end + 14);
}

TEST_F(Replicas, WhoKnowsNoMarkIsToldTheSize) {
  const std::size_t primary = add();
  fill(primary);
  EXPECT_EQ(ask(primary, "psync ? -1", "raw"), "");
  pass(200);
  ask(primary, "set k v");
  pass(200);
  std::string got = take(primary, "raw");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(got, found, std::regex("^\n*\\+FULLRESYNC [0-9a-f]{40} 0\r\n\n*\\$([0-9]+)\r\n"))) << got.substr(0, 100);
  const auto size = std::stoul(found[1].str());
  got.erase(0, static_cast<std::size_t>(found.length()));
  ASSERT_GE(got.size(), size);
  EXPECT_EQ(got.substr(0, 9), "REDIS0010");
  // Behind it comes what was changed meanwhile, without being asked for.
  EXPECT_EQ(got.substr(size), "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
  EXPECT_EQ(machines_[primary]->files_removed, 1U);
  // Being sent all is not having it.
  EXPECT_EQ(of(primary).primary().count_with(1, false), 0U);
  EXPECT_EQ(info(primary, "slave0"), "ip=127.0.0.9,port=0,state=online,offset=0,lag=0");
  // SYNC is the same without a name.
  EXPECT_EQ(ask(primary, "sync", "old"), "");
  pass(200);
  EXPECT_TRUE(std::regex_search(take(primary, "old"), std::regex("^\n*\\$[0-9]+\r\nREDIS0010")));
}

TEST_F(Replicas, OnlyTheSnapshot) {
  const std::size_t primary = add();
  fill(primary);
  ask(primary, "config set rdbcompression no");
  ask(primary, "function load \"#!lua name=lib\\nredis.register_function('f', function() return 1 end)\"");
  EXPECT_EQ(ask(primary, "replconf capa eof", "raw"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "replconf rdb-only 1", "raw"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "replconf rdb-filter-only functions", "raw"), "+OK\r\n");
  ask(primary, "sync", "raw");
  pass(300);
  const std::string got = take(primary, "raw");
  EXPECT_TRUE(got.ends_with("<end>"));
  EXPECT_NE(got.find("register_function"), std::string::npos);
  EXPECT_EQ(got.find("elsewhere"), std::string::npos);
  EXPECT_EQ(info(primary, "connected_slaves"), "0");
  EXPECT_EQ(ask(primary, "replconf rdb-filter-only x", "b"), "-ERR Unsupported rdb-filter-only option: x\r\n");
  EXPECT_EQ(ask(primary, "replconf rdb-filter-only \"\"", "c"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "psync ? -1", "c"), "-ERR Filtered replica requires EOF capability\r\n");
}

TEST_F(Replicas, ReplconfAsRedisHasIt) {
  const std::size_t primary = add();
  EXPECT_EQ(ask(primary, "replconf listening-port"), "-ERR syntax error\r\n");
  EXPECT_EQ(ask(primary, "replconf listening-port x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(ask(primary, "replconf listening-port 7 ip-address 1.2.3.4 capa whatever"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "replconf x y"), "-ERR Unrecognized REPLCONF option: x\r\n");
  EXPECT_EQ(ask(primary, "replconf version 1"), "-ERR Unrecognized version format: 1\r\n");
  EXPECT_EQ(ask(primary, "replconf version 8.0.1"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "replconf ack 10"), "");
  EXPECT_EQ(ask(primary, "replconf getack *"), "");
  EXPECT_EQ(ask(primary, "psync ? x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(ask(primary, "psync ? -1 failover"), "-ERR PSYNC FAILOVER can't be sent to a master.\r\n");
  EXPECT_EQ(ask(primary, "multi"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "psync ? -1"), "-ERR Command not allowed inside a transaction\r\n");
  // Whoever has replies to take cannot tell what is what.
  EXPECT_EQ(ask(primary, "ping\r\npsync ? -1", "b"), "+PONG\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n");
  ask(primary, "replconf listening-port 7 ip-address 1.2.3.4", "c");
  ask(primary, "psync ? -1", "c");
  EXPECT_EQ(info(primary, "slave0"), "ip=1.2.3.4,port=7,state=wait_bgsave,offset=0,lag=0");
  EXPECT_EQ(ask(primary, "get k", "c"), "-ERR Replica can't interact with the keyspace\r\n");
}

TEST_F(Replicas, GoesOnAfterABreak) {
  const std::size_t primary = add(), replica = add();
  fill(primary);
  follow(replica, primary);
  cut_all();
  EXPECT_FALSE(follows(replica));
  EXPECT_EQ(info(replica, "master_link_status"), "down");
  ask(primary, "set new v");
  ask(primary, "select 7");
  ask(primary, "set newer v");
  ask(primary, "select 0");
  settle({primary, replica});
  expect_same(primary, replica);
  EXPECT_EQ(of(primary).primary().full_syncs(), 1U);
  EXPECT_EQ(of(primary).primary().partial_syncs(), 1U);
  // The database of before the break is known still.
  ask(primary, "select 7");
  ask(primary, "set newest v");
  settle({primary, replica});
  expect_same(primary, replica);
}

TEST_F(Replicas, TooLongAwayForTheBacklog) {
  const std::size_t primary = add(small_backlog(20'000)), replica = add();
  follow(replica, primary);
  machines_[replica]->is_reachable = false;
  cut_all();
  for (int i = 0; i < 100; ++i) ask(primary, fmt::format("set key{} {}", i, std::string(1000, 'x')));
  EXPECT_LT(of(primary).stream().octets(), 60'000U);
  machines_[replica]->is_reachable = true;
  settle({primary, replica});
  expect_same(primary, replica);
  EXPECT_EQ(of(primary).primary().full_syncs(), 2U);
  EXPECT_EQ(of(primary).primary().partial_syncs_refused(), 1U);
}

TEST_F(Replicas, ChainHasOneStream) {
  const std::size_t primary = add(), middle = add(), last = add();
  fill(primary);
  follow(middle, primary);
  follow(last, middle);
  ask(primary, "select 4");
  for (int i = 0; i < 100; ++i) ask(primary, fmt::format("rpush list{} {}", i % 7, i));
  settle({primary, middle, last});
  expect_same(primary, last);
  EXPECT_EQ(of(primary).stream().from(1), of(middle).stream().from(1));
  // Another that begins in the middle of the stream is told its database.
  const std::size_t late = add();
  follow(late, middle);
  ask(primary, "rpush list0 more");
  settle({primary, middle, last, late});
  expect_same(primary, late);
  EXPECT_EQ(ask(last, "role"),
            fmt::format("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7001\r\n$9\r\nconnected\r\n:{}\r\n", of(last).stream().end()));
}

TEST_F(Replicas, SiblingsGoOnWithTheOneThatTakesOver) {
  const std::size_t primary = add(), one = add(), other = add();
  fill(primary);
  follow(one, primary);
  follow(other, primary);
  settle({primary, one, other});
  const std::string before = of(primary).stream().id();
  EXPECT_EQ(ask(one, "replicaof no one"), "+OK\r\n");
  EXPECT_EQ(of(one).stream().second_id(), before);
  EXPECT_EQ(ask(one, "set after v"), "+OK\r\n");
  EXPECT_EQ(ask(other, "replicaof 127.0.0.1 7001"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "replicaof 127.0.0.1 7001"), "+OK\r\n");
  settle({one, other, primary});
  expect_same(one, other);
  expect_same(one, primary);
  EXPECT_EQ(of(one).primary().full_syncs(), 0U);
  EXPECT_EQ(of(one).primary().partial_syncs(), 2U);
  EXPECT_EQ(ask(primary, "set x y"), "-READONLY You can't write against a read only replica.\r\n");
}

TEST_F(Replicas, WhatOnlyOneHasIsGoneAfterwards) {
  const std::size_t primary = add(), replica = add();
  fill(primary);
  follow(replica, primary);
  machines_[replica]->is_reachable = false;
  cut_all();
  ask(primary, "set lost v");
  ask(replica, "replicaof no one");
  ask(replica, "set kept v");
  machines_[replica]->is_reachable = true;
  // The old primary has written on: it cannot go on from where it is.
  ask(primary, "replicaof 127.0.0.1 7001");
  settle({replica, primary});
  expect_same(replica, primary);
  EXPECT_EQ(ask(primary, "get lost"), "$-1\r\n");
  EXPECT_EQ(of(replica).primary().full_syncs(), 1U);
}

TEST_F(Replicas, SeveralShareASnapshot) {
  const std::size_t primary = add();
  fill(primary);
  std::map<std::string, std::string> marks;
  for (const char* who : {"one", "other"}) {
    ask(primary, "replconf capa eof", who);
    ask(primary, "psync ? -1", who);
    pass(300);
  }
  ask(primary, "replconf capa eof", "late");
  pass(1500);
  ask(primary, "psync ? -1", "late");
  pass(1500);
  const auto mark_of = [&](const char* who) {
    const std::string got = take(primary, who);
    const std::size_t at = got.find("$EOF:");
    return at == std::string::npos ? std::string("none: ") + who : got.substr(at + 5, 40);
  };
  const std::string mark = mark_of("one");
  EXPECT_EQ(mark_of("other"), mark);
  EXPECT_NE(mark_of("late"), mark);
  // With enough of them it does not wait.
  ask(primary, "config set repl-diskless-sync-max-replicas 1");
  ask(primary, "replconf capa eof", "last");
  ask(primary, "psync ? -1", "last");
  pass(200);
  EXPECT_EQ(mark_of("last").size(), 40U);
}

TEST_F(Replicas, TooSlowForTheLimitIsLetGo) {
  ServerOptions options = small_backlog(10'000);
  options.replica_output = {.hard = 100'000, .soft = 0, .soft_seconds = 0};
  const std::size_t primary = add(options);
  ask(primary, "replconf capa eof", "raw");
  ask(primary, "psync ? -1", "raw");
  pass(1500);
  // It says never that it has loaded what it was sent.
  std::size_t most = 0;
  for (int i = 0; i < 300; ++i) {
    ask(primary, fmt::format("set key{} {}", i, std::string(1000, 'x')));
    most = std::max(most, of(primary).stream().octets());
  }
  EXPECT_GT(most, 90'000U);
  EXPECT_LT(most, 140'000U);
  EXPECT_TRUE(take(primary, "raw").ends_with("<end>"));
  EXPECT_EQ(info(primary, "connected_slaves"), "0");
  ask(primary, "set k v");
  EXPECT_LT(of(primary).stream().octets(), 60'000U);
}

TEST_F(Replicas, SilenceEndsALink) {
  const std::size_t primary = add(), replica = add();
  for (const std::size_t node : {primary, replica}) ask(node, "config set repl-timeout 5");
  ask(primary, "config set repl-ping-replica-period 60");
  ask(primary, "replconf capa eof", "raw");
  ask(primary, "psync ? -1", "raw");
  pass(2000);
  ask(primary, "replconf ack 0", "raw");
  pass(4000);
  EXPECT_EQ(info(primary, "connected_slaves"), "1");
  pass(3000);
  EXPECT_EQ(info(primary, "connected_slaves"), "0");
  // The primary says nothing for longer than the replica bears.
  follow(replica, primary);
  pass(7000);
  EXPECT_NE(told().find("it says nothing"), std::string::npos);
  settle({primary, replica});
}

TEST_F(Replicas, WhoLoadsForLongSaysThatItIsThere) {
  const std::size_t primary = add();
  ask(primary, "config set repl-timeout 5");
  ask(primary, "psync ? -1", "raw");
  for (int i = 0; i < 10; ++i) {
    pass(2000);
    ask(primary, "", "raw");  // an empty line
  }
  EXPECT_EQ(info(primary, "connected_slaves"), "1");
  pass(8000);
  EXPECT_EQ(info(primary, "connected_slaves"), "0");
}

TEST_F(Replicas, SnapshotOfAReplicaWithoutALinkHasItsDatabase) {
  const std::size_t primary = add(), middle = add(), last = add();
  follow(middle, primary);
  ask(primary, "select 3");
  ask(primary, "set k v");
  settle({primary, middle});
  ask(last, "replicaof 127.0.0.1 7001");
  pass(300);
  EXPECT_EQ(info(middle, "slave0").substr(0, 45), "ip=127.0.0.1,port=7002,state=wait_bgsave,offs");
  machines_[primary]->is_reachable = false;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].ends[1].node == primary) cut(i--);
  }
  pass(2000);
  EXPECT_TRUE(follows(last));
  EXPECT_FALSE(follows(middle));
  machines_[primary]->is_reachable = true;
  ask(primary, "set k w");
  settle({primary, middle, last});
  EXPECT_EQ(of(primary).primary().full_syncs(), 1U);
  expect_same(primary, last);
}

TEST_F(Replicas, WhatATransactionDidBeforeTheRoleIsInTheStream) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  ask(replica, "replicaof no one");
  for (const char* line : {"multi", "set a 1", "replicaof 127.0.0.1 7001"}) ask(primary, line);
  ask(primary, "exec");
  settle({replica, primary});
  expect_same(replica, primary);
  EXPECT_EQ(of(replica).primary().full_syncs(), 1U);
  EXPECT_EQ(ask(primary, "config get replicaof"), "*2\r\n$9\r\nreplicaof\r\n$14\r\n127.0.0.1 7001\r\n");
}

TEST_F(Replicas, PausesOfClientsAndOfAFailoverAreTwo) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  machines_[replica]->is_reachable = false;
  ask(primary, "set k v");
  for (Connection& connection : connections_) connection.ends[0].octets.clear(), connection.ends[1].octets.clear();
  ask(primary, "client pause 100000 write");
  EXPECT_EQ(ask(primary, "failover timeout 500"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "client unpause"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "set k w", "writer"), "");
  ask(primary, "client pause 100000 write");
  pass(1000);
  EXPECT_EQ(info(primary, "master_failover_state"), "no-failover");
  EXPECT_EQ(take(primary, "writer"), "");
  ask(primary, "client unpause");
  pass(200);
  EXPECT_EQ(take(primary, "writer"), "+OK\r\n");
}

TEST_F(Replicas, FunctionsThatAreRefusedLeaveThoseOfBefore) {
  const std::size_t primary = add(), replica = add();
  ask(primary, "function load \"#!lua name=theirs\\nredis.register_function('f', function() return 2 end)\"");
  ask(replica, "function load \"#!lua name=mine\\nredis.register_function('f', function() return 1 end)\"");
  const std::vector<std::string> broken = {"#!lua name=new\nredis.register_function('g', function() return 1 end)",
                                           "#!lua name=broken\nthis is none"};
  EXPECT_NE(server(replica).adopt(server(replica).make_databases(), broken), "");
  EXPECT_EQ(ask(replica, "fcall f 0"), ":1\r\n");
  EXPECT_EQ(ask(replica, "fcall g 0").substr(0, 4), "-ERR");
  follow(replica, primary);
  EXPECT_EQ(ask(replica, "fcall_ro f 0").substr(0, 9), "-READONLY");  // it may write
  EXPECT_NE(ask(replica, "function list").find("theirs"), std::string::npos);
  EXPECT_EQ(ask(replica, "function list").find("mine"), std::string::npos);
}

}  // namespace
}  // namespace chorus::cache
