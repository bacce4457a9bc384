// What a primary and a replica say, do and refuse to their clients.
#include <fmt/format.h>

#include "cache/replication/replication_fixture.h"

namespace chorus::cache {
namespace {

TEST_F(Replicas, AReplicaDoesNotEndKeys) {
  const std::size_t primary = add(), replica = add({}, 5000);  // its clock is ahead
  follow(replica, primary);
  ask(primary, "set k 1 px 3000");
  ask(primary, "pexpire k 4000");
  ask(primary, "sadd s a");
  ask(primary, "expire s 3");
  settle({primary, replica});
  // By its own clock they are over: nobody sees them, but the primary goes on with them.
  EXPECT_EQ(ask(replica, "get k"), "$-1\r\n");
  EXPECT_EQ(ask(replica, "exists s"), ":0\r\n");
  EXPECT_EQ(ask(replica, "keys *"), "*0\r\n");
  EXPECT_EQ(ask(replica, "dbsize"), ":2\r\n");
  EXPECT_EQ(ask(replica, "randomkey").substr(0, 4), "$1\r\n");
  ask(primary, "incr k");
  ask(primary, "sadd s b");
  ask(primary, "persist k");
  ask(primary, "persist s");
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$1\r\n2\r\n");
  EXPECT_EQ(ask(replica, "scard s"), ":2\r\n");
  ask(primary, "pexpire k 500");
  pass(1000);
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "dbsize"), ":1\r\n");
  EXPECT_EQ(server(replica).statistics().expired_keys, 0U);
}

TEST_F(Replicas, ExpiredKeysComeWithTheSnapshot) {
  const std::size_t primary = add(), replica = add({}, 60'000);
  ask(primary, "set k 1 px 30000");
  follow(replica, primary);
  ask(primary, "persist k");
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$1\r\n1\r\n");
}

TEST_F(Replicas, WritesOfClientsAreRefused) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  constexpr const char* refused = "-READONLY You can't write against a read only replica.\r\n";
  EXPECT_EQ(ask(replica, "set k v"), refused);
  EXPECT_EQ(ask(replica, "flushall"), refused);
  EXPECT_EQ(ask(replica, "multi"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "set k v"), refused);
  EXPECT_EQ(ask(replica, "exec"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_TRUE(
      ask(replica, "eval \"return redis.call('set','k','v')\" 0").starts_with("-READONLY You can't write against a read only replica."));
  EXPECT_EQ(ask(replica, "eval \"return 1\" 0"), ":1\r\n");
  EXPECT_EQ(ask(replica, "eval \"#!lua\\nreturn 1\" 0"), refused);
  EXPECT_EQ(ask(replica, "eval \"#!lua flags=no-writes\\nreturn 1\" 0"), ":1\r\n");
  EXPECT_TRUE(ask(replica, "hello").find("replica") != std::string::npos);
  EXPECT_EQ(ask(replica, "wait 0 1"),
            "-ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local and are not "
            "propagated.\r\n");
  ask(replica, "config set replica-read-only no");
  EXPECT_EQ(ask(replica, "set k v"), "+OK\r\n");
  // It is its own alone.
  EXPECT_EQ(of(replica).stream().end(), of(primary).stream().end());
  EXPECT_EQ(ask(replica, "config get slave-read-only"), "*2\r\n$15\r\nslave-read-only\r\n$2\r\nno\r\n");
}

TEST_F(Replicas, WithoutALinkAsItIsSet) {
  const std::size_t primary = add(), replica = add();
  ask(primary, "set k v");
  follow(replica, primary);
  machines_[primary]->is_reachable = false;
  cut_all();
  EXPECT_EQ(ask(replica, "get k"), "$1\r\nv\r\n");
  EXPECT_EQ(ask(replica, "psync ? -1", "sub"), "-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
  ask(replica, "config set replica-serve-stale-data no");
  constexpr const char* down = "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n";
  EXPECT_EQ(ask(replica, "get k"), down);
  EXPECT_EQ(ask(replica, "ping"), down);
  EXPECT_TRUE(ask(replica, "eval \"return redis.call('get','k')\" 0").starts_with("-MASTERDOWN Link with MASTER is down and"));
  EXPECT_TRUE(ask(replica, "info").starts_with("$"));
  machines_[primary]->is_reachable = true;
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$1\r\nv\r\n");
}

TEST_F(Replicas, WaitIsForReplicas) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  EXPECT_EQ(ask(primary, "wait 0 100"), ":1\r\n");
  EXPECT_EQ(ask(primary, "set k v"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "wait 1 10000"), "");  // it waits
  while (!is_quiet()) arrive(100);
  EXPECT_EQ(take(primary), ":1\r\n");
  ask(primary, "set k v");
  EXPECT_EQ(ask(primary, "wait 2 500"), "");
  pass(400);
  EXPECT_EQ(take(primary), "");
  pass(300);
  EXPECT_EQ(take(primary), ":1\r\n");
  pass(1500);
  ask(primary, "multi");
  ask(primary, "set k w");
  ask(primary, "wait 5 0");
  EXPECT_EQ(ask(primary, "exec"), "*2\r\n+OK\r\n:1\r\n");
  EXPECT_EQ(ask(primary, "wait x 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(ask(primary, "wait 1 x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(ask(primary, "wait 1 -1"), "-ERR timeout is negative\r\n");
}

TEST_F(Replicas, WritesNeedReplicasThatKeepUp) {
  ServerOptions options;
  options.replication.good_replicas_least = 1;
  options.replication.good_lag_seconds_max = 3;
  const std::size_t primary = add(options), replica = add();
  constexpr const char* refused = "-NOREPLICAS Not enough good replicas to write.\r\n";
  EXPECT_EQ(ask(primary, "set k v"), refused);
  EXPECT_EQ(ask(primary, "get k"), "$-1\r\n");
  EXPECT_TRUE(ask(primary, "eval \"return redis.call('set','k','v')\" 0").starts_with("-NOREPLICAS Not enough good replicas to write."));
  follow(replica, primary);
  EXPECT_EQ(ask(primary, "set k v"), "+OK\r\n");
  EXPECT_EQ(info(primary, "min_slaves_good_slaves"), "1");
  machines_[replica]->is_reachable = false;
  cut_all();
  EXPECT_EQ(ask(primary, "set k v"), refused);
  ask(primary, "config set min-slaves-to-write 0");
  EXPECT_EQ(ask(primary, "set k v"), "+OK\r\n");
}

TEST_F(Replicas, WhoReadsAWritableReplicaEndsNoKeys) {
  const std::size_t primary = add(), replica = add({}, 5000);
  follow(replica, primary);
  ask(replica, "config set replica-read-only no");
  ask(primary, "set k 1 px 3000");
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$-1\r\n");
  ask(primary, "persist k");
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$1\r\n1\r\n");
}

TEST_F(Replicas, BacklogEndsWithoutReplicas) {
  const std::size_t primary = add(), replica = add();
  ask(primary, "config set repl-backlog-ttl 5");
  follow(replica, primary);
  const std::string id = of(primary).stream().id();
  ask(replica, "replicaof no one");
  pass(4000);
  EXPECT_EQ(info(primary, "repl_backlog_active"), "1");
  pass(3000);
  EXPECT_EQ(info(primary, "repl_backlog_active"), "0");
  EXPECT_NE(of(primary).stream().id(), id);
  EXPECT_FALSE(server(primary).effects().is_followed());
}

TEST_F(Replicas, ThoseWhoWaitAreToldOfTheNewRole) {
  const std::size_t primary = add(), replica = add();
  EXPECT_EQ(ask(replica, "blpop k 0", "waits"), "");
  ask(replica, "replicaof 127.0.0.1 7000");
  EXPECT_EQ(take(replica, "waits"),
            "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n<end>");
  settle({primary, replica});
  // Who reads a stream may wait at a replica.
  EXPECT_EQ(ask(replica, "xread block 0 streams s $", "reads"), "");
  ask(primary, "xadd s 1-1 f v");
  settle({primary, replica});
  EXPECT_TRUE(take(replica, "reads").starts_with("*1\r\n"));
}

TEST_F(Replicas, ClientsByType) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  EXPECT_NE(ask(primary, "client list type replica").find(" flags=S "), std::string::npos);
  EXPECT_NE(ask(replica, "client list type master").find(" flags=M "), std::string::npos);
  EXPECT_EQ(ask(replica, "client list type replica"), "$0\r\n\r\n");
  EXPECT_EQ(ask(primary, "client kill type slave"), ":1\r\n");
  EXPECT_EQ(ask(replica, "client kill type master"), ":1\r\n");
  pass(100);
  EXPECT_FALSE(follows(replica));
  settle({primary, replica});
  EXPECT_EQ(of(primary).primary().full_syncs(), 1U);
}

TEST_F(Replicas, ReplicaofAsRedisHasIt) {
  const std::size_t primary = add(), replica = add();
  EXPECT_EQ(ask(replica, "replicaof no one"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "replicaof 127.0.0.1 x"), "-ERR Invalid master port\r\n");
  EXPECT_EQ(ask(replica, "replicaof 127.0.0.1 65536"), "-ERR Invalid master port\r\n");
  EXPECT_EQ(ask(replica, "role"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  EXPECT_EQ(ask(replica, "slaveof 127.0.0.1 7000"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "slaveof 127.0.0.1 7000"), "+OK Already connected to specified master\r\n");
  EXPECT_EQ(ask(replica, "role").substr(0, 17), "*5\r\n$5\r\nslave\r\n$9");
  EXPECT_EQ(ask(replica, "config get replicaof"), "*2\r\n$9\r\nreplicaof\r\n$14\r\n127.0.0.1 7000\r\n");
  EXPECT_EQ(ask(replica, "config set replicaof x"),
            "-ERR CONFIG SET failed (possibly related to argument 'replicaof') - can't set immutable config\r\n");
  settle({primary, replica});
  ServerOptions clustered;
  clustered.cluster.enabled = true;
  const std::size_t node = add(clustered);
  EXPECT_EQ(ask(node, "replicaof 127.0.0.1 7000"), "-ERR REPLICAOF not allowed in cluster mode.\r\n");
}

TEST_F(Replicas, PasswordOfThePrimary) {
  ServerOptions options;
  options.password = "secret";
  const std::size_t primary = add(options), replica = add();
  ask(primary, "auth secret");
  ask(primary, "set k v");
  ask(replica, "replicaof 127.0.0.1 7000");
  pass(3000);
  EXPECT_FALSE(follows(replica));
  ask(replica, "config set masterauth wrong");
  pass(3000);
  EXPECT_NE(told().find("masterauth is refused: -WRONGPASS"), std::string::npos);
  ask(replica, "config set masterauth secret masteruser default");
  settle({primary, replica});
  EXPECT_EQ(ask(replica, "get k"), "$1\r\nv\r\n");
}

TEST_F(Replicas, FailoverHandsOver) {
  const std::size_t primary = add(), replica = add(), other = add();
  EXPECT_EQ(ask(primary, "failover"), "-ERR FAILOVER requires connected replicas.\r\n");
  EXPECT_EQ(ask(primary, "failover abort"), "-ERR No failover in progress.\r\n");
  fill(primary);
  follow(replica, primary);
  follow(other, primary);
  EXPECT_EQ(ask(replica, "failover"), "-ERR FAILOVER is not valid when server is a replica.\r\n");
  EXPECT_EQ(ask(primary, "failover to 127.0.0.1 9"), "-ERR FAILOVER target HOST and PORT is not a replica.\r\n");
  EXPECT_EQ(ask(primary, "failover timeout 0"), "-ERR FAILOVER timeout must be greater than 0\r\n");
  EXPECT_EQ(ask(primary, "failover force"), "-ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n");
  EXPECT_EQ(ask(primary, "failover x"), "-ERR syntax error\r\n");
  ask(primary, "set last v");
  EXPECT_EQ(ask(primary, "failover to 127.0.0.1 7001"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "failover"), "-ERR FAILOVER already in progress.\r\n");
  EXPECT_EQ(info(primary, "master_failover_state"), "waiting-for-sync");
  EXPECT_EQ(ask(primary, "set held v", "writer"), "");  // until it is known who takes it
  for (int i = 0; i < 100 && info(primary, "role") != "slave"; ++i) pass(100);
  settle({replica, primary});
  EXPECT_EQ(info(replica, "role"), "master");
  EXPECT_EQ(info(primary, "role"), "slave");
  EXPECT_EQ(info(primary, "master_failover_state"), "no-failover");
  pass(200);
  EXPECT_EQ(take(primary, "writer"), "-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(ask(replica, "get last"), "$1\r\nv\r\n");
  EXPECT_EQ(of(replica).primary().full_syncs(), 0U);
  // The other replica has the same stream by the old primary.
  ask(replica, "set after v");
  settle({replica, primary, other});
  expect_same(replica, other);
}

TEST_F(Replicas, FailoverIsGivenUp) {
  const std::size_t primary = add(), replica = add();
  follow(replica, primary);
  machines_[replica]->is_reachable = false;
  ask(primary, "set k v");
  for (Connection& connection : connections_) connection.ends[0].octets.clear(), connection.ends[1].octets.clear();
  EXPECT_EQ(ask(primary, "failover timeout 500"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "set held v", "writer"), "");
  pass(1000);
  EXPECT_EQ(info(primary, "master_failover_state"), "no-failover");
  EXPECT_EQ(take(primary, "writer"), "+OK\r\n");
  EXPECT_EQ(ask(primary, "failover to 127.0.0.1 7001 timeout 300 force"), "+OK\r\n");
  cut_all();
  pass(500);
  // Nobody answers there: this one is the primary again.
  pass(2000);
  EXPECT_EQ(info(primary, "role"), "master");
  EXPECT_EQ(ask(primary, "set k w"), "+OK\r\n");
}

}  // namespace
}  // namespace chorus::cache
