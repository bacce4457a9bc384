#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

// The checks before a command, in their order. source: section 2 of the protocol's reference
TEST_F(ServerTest, RefusesInRedisWords) {
  EXPECT_EQ(ask("foo a b"), "-ERR unknown command 'foo', with args beginning with: 'a' 'b' |");
  EXPECT_EQ(ask("get"), "-ERR wrong number of arguments for 'get' command|");
  EXPECT_EQ(ask("config set a"), "-ERR wrong number of arguments for 'config|set' command|");
  EXPECT_EQ(ask("object foo"), "-ERR unknown subcommand 'foo'. Try OBJECT HELP.|");
  EXPECT_EQ(ask("object"), "-ERR wrong number of arguments for 'object' command|");
  EXPECT_EQ(ask("lpush l a"), ":1|");
  EXPECT_EQ(ask("get l"), "-WRONGTYPE Operation against a key holding the wrong kind of value|");
  EXPECT_EQ(ask("select 16"), "-ERR DB index is out of range|");
}

TEST_F(ServerTest, AsksForThePassword) {
  ServerOptions options;
  options.password = "secret";
  Server guarded(options, 1, now);
  const auto say = [&](std::string_view line) {
    guarded.receive(ClientId(1), std::string(line) + "\r\n", now);
    std::vector<Output> outputs;
    guarded.take_outputs(outputs);
    return outputs.empty() ? std::string() : outputs.front().octets;
  };
  guarded.connect(ClientId(1), "a", "b", now);
  EXPECT_EQ(say("get a"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(say("auth wrong"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(say("hello 3"),
            "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can "
            "be used to authenticate the client and select the RESP protocol version at the same time\r\n");
  EXPECT_TRUE(say("hello 3 auth default secret").starts_with("%7\r\n"));
  EXPECT_EQ(say("get a"), "_\r\n");
}

TEST_F(ServerTest, OneTooManyIsTold) {
  ServerOptions options;
  options.clients_max = 1;
  Server small(options, 1, now);
  EXPECT_TRUE(small.connect(ClientId(1), "a", "b", now));
  EXPECT_FALSE(small.connect(ClientId(2), "a", "b", now));
  std::vector<Output> outputs;
  small.take_outputs(outputs);
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].octets, "-ERR max number of clients reached\r\n");
  EXPECT_TRUE(outputs[0].closes);
}

TEST_F(ServerTest, WhatFollowsQuitIsNotDone) {
  EXPECT_EQ(ask("set a 1\r\nquit\r\nset a 2"), "+OK|+OK|<end>");
  EXPECT_EQ(ask("get a", 2), "$1|1|");
}

TEST_F(ServerTest, RepliesCanBeTurnedOff) {
  EXPECT_EQ(ask("client reply skip\r\nset a 1\r\nget a"), "$1|1|");
  EXPECT_EQ(ask("client reply off\r\nset a 2\r\nnosuch"), "");
  EXPECT_EQ(ask("client reply on\r\nget a"), "+OK|$1|2|");
}

// source: section 10, what is propagated
TEST_F(ServerTest, EffectsAreDeterministic) {
  const struct {
    std::string_view line, want;
  } cases[] = {
      {"set a 1 ex 100", "SET a 1 PXAT 1700000100000"},
      {"set a 2 keepttl", "SET a 2 KEEPTTL"},
      {"set a 3 get", "SET a 3"},
      {"set a 4 nx", ""},
      {"expire a 10", "PEXPIREAT a 1700000010000"},
      {"getex a persist", "PERSIST a"},
      {"getex a px 5", "PEXPIREAT a 1700000000005"},
      {"expire a -1", "UNLINK a"},
      {"del a", ""},
      {"incrbyfloat f 1.5", "SET f 1.5 KEEPTTL"},
      {"getdel f", "DEL f"},
      {"hincrbyfloat h x 2.5", "HSET h x 2.5"},
      {"sadd s a b c", "sadd s a b c"},
      {"sadd s a", ""},
      {"spop s 5", "UNLINK s"},
      {"rpush l a b c", "rpush l a b c"},
      {"lmpop 1 l left count 2", "LPOP l 2"},
      {"blpop l 0", "LPOP l"},
      {"zadd z 1 a 2 b", "zadd z 1 a 2 b"},
      {"bzpopmin z 0", "ZPOPMIN z"},
      {"zmpop 1 z max", "ZPOPMAX z 1"},
      {"mset a 1 b 2", "mset a 1 b 2"},
      {"rename a c", "rename a c"},
      {"select 3", ""},
      {"set x 1", "[3] SET x 1"},
      {"flushall", "[3] flushall"},
  };
  for (const auto& c : cases) {
    ask(c.line);
    EXPECT_EQ(effects(), c.want) << c.line;
  }
}

TEST_F(ServerTest, ExpiredKeysGoWhenLookedAtAndByThemselves) {
  ask("set a 1 px 10\r\nset b 2 px 10\r\nset c 3 px 1000");
  effects();
  pass(10);
  EXPECT_EQ(ask("dbsize"), ":3|");
  EXPECT_EQ(ask("get a"), "$-1|");
  EXPECT_EQ(effects(), "UNLINK a");
  EXPECT_EQ(ask("dbsize"), ":2|");
  events();
  tick();
  EXPECT_EQ(effects(), "UNLINK b");
  EXPECT_EQ(events(), "expired:b");
  EXPECT_EQ(ask("ttl c\r\npttl c\r\nttl a\r\nexpiretime c"), ":1|:990|:-2|:1700000001|");
  EXPECT_EQ(server.statistics().expired_keys, 2U);
}

TEST_F(ServerTest, ManyExpiredKeysGoInFewTicks) {
  for (int i = 0; i < 50'000; ++i) ask("set k" + std::to_string(i) + " v px 5");
  const std::size_t before = server.memory_used();
  pass(5);
  for (int i = 0; i < 10 && server.keys() > 0; ++i) tick();
  EXPECT_EQ(server.keys(), 0U);
  EXPECT_LT(server.memory_used(), before / 4);
}

// source: section 5.7, live order of events
TEST_F(ServerTest, EventsComeInRedisOrder) {
  const struct {
    std::string_view line, want;
  } cases[] = {
      {"set a 1 ex 100", "new:a set:a expire:a"},
      {"get none", "keymiss:none"},
      {"rename a b", "new:b rename_from:a rename_to:b"},
      {"lpush l x y", "new:l lpush:l"},
      {"lmove l m left right", "new:m rpush:m lpop:l"},
      {"rpop l", "rpop:l del:l"},
      {"sadd s a b", "new:s sadd:s"},
      {"smove s t a", "srem:s new:t sadd:t"},
      {"srem s b", "srem:s del:s"},
      {"hset h f v", "new:h hset:h"},
      {"hdel h f", "hdel:h del:h"},
      {"zadd z 1 a", "new:z zadd:z"},
      {"zincrby z 1 a", "zincr:z"},
      {"zpopmin z", "zpopmin:z del:z"},
      {"copy b c", "new:c copy_to:c"},
  };
  for (const auto& c : cases) {
    ask(c.line);
    EXPECT_EQ(events(), c.want) << c.line;
  }
}

TEST_F(ServerTest, TransactionsAreOneUnit) {
  EXPECT_EQ(ask("multi\r\nset a 1\r\nincr a\r\nget a\r\nlpop a\r\nexec"),
            "+OK|+QUEUED|+QUEUED|+QUEUED|+QUEUED|*4|+OK|:2|$1|2|-WRONGTYPE Operation against a key holding the wrong kind of value|");
  EXPECT_EQ(effects(), "SET a 1, incr a");
  EXPECT_EQ(ask("exec"), "-ERR EXEC without MULTI|");
  EXPECT_EQ(ask("discard"), "-ERR DISCARD without MULTI|");
  EXPECT_EQ(ask("multi\r\nnosuch\r\nget a\r\nexec").substr(0, 4), "+OK|");
  EXPECT_EQ(ask("multi\r\nset a 9\r\nget\r\nexec"),
            "+OK|+QUEUED|-ERR wrong number of arguments for 'get' command|-EXECABORT Transaction discarded because of previous errors.|");
  EXPECT_EQ(ask("multi\r\nmulti\r\nexec"),
            "+OK|-ERR Command not allowed inside a transaction|-EXECABORT Transaction discarded because of previous errors.|");
  EXPECT_EQ(ask("multi\r\nblpop none 0\r\nexec"), "+OK|+QUEUED|*1|*-1|");
  EXPECT_EQ(ask("multi\r\nselect 1\r\nset b 1\r\nexec\r\nget b"), "+OK|+QUEUED|+QUEUED|*2|+OK|+OK|$1|1|");
}

TEST_F(ServerTest, WatchedKeysEndATransaction) {
  const auto outcome = [&](std::string_view before, std::string_view change) {
    ask("flushall", 2);
    ask(before, 2);
    ask("watch k");
    ask(change, 2);
    return ask("multi\r\nget k\r\nexec").substr(std::string_view("+OK|+QUEUED|").size());
  };
  EXPECT_EQ(outcome("set k 1", "get k"), "*1|$1|1|");
  EXPECT_EQ(outcome("set k 1", "set k 1"), "*-1|") << "the same value is a change too";
  EXPECT_EQ(outcome("set k 1", "setnx k 2"), "*1|$1|1|");
  EXPECT_EQ(outcome("set k 1", "expire k 100"), "*-1|");
  EXPECT_EQ(outcome("", "del k"), "*1|$-1|");
  EXPECT_EQ(outcome("set k 1", "flushall"), "*-1|");
  EXPECT_EQ(outcome("", "flushall"), "*1|$-1|");
  EXPECT_EQ(outcome("set k 1", "swapdb 0 1"), "*-1|");
  ask("flushall\r\nset k 1 px 10\r\nwatch k", 1);
  pass(20);
  EXPECT_EQ(ask("multi\r\nping\r\nexec"), "+OK|+QUEUED|*-1|") << "it expired since";
  ask("set k 1 px 10");
  pass(20);
  ask("watch k");
  ask("get k", 2);
  EXPECT_EQ(ask("multi\r\nping\r\nexec"), "+OK|+QUEUED|*1|+PONG|") << "it had expired before";
}

// source: the cases of Redis' own suite, unit/multi
TEST_F(ServerTest, WhatHadExpiredWhenItWasWatchedDoesNotChangeByGoing) {
  const auto outcome = [&](std::string_view here, std::string_view there, std::string_view change) {
    ask("flushall\r\nselect 0", 2);
    if (!here.empty()) ask(here, 2);
    if (!there.empty()) ask("select 1\r\n" + std::string(there) + "\r\nselect 0", 2);
    pass(20);
    ask("watch k");
    ask(change, 2);
    return ask("multi\r\nping\r\nexec").substr(std::string_view("+OK|+QUEUED|").size());
  };
  constexpr std::string_view unchanged = "*1|+PONG|", changed = "*-1|";
  constexpr std::string_view stale = "set k 1 px 10", fresh = "set k 2";
  EXPECT_EQ(outcome(stale, "", "flushdb"), unchanged);
  EXPECT_EQ(outcome(stale, "", "flushall"), unchanged);
  EXPECT_EQ(outcome(stale, "", "swapdb 0 1"), unchanged);
  EXPECT_EQ(outcome("", stale, "swapdb 0 1"), unchanged);
  EXPECT_EQ(outcome(stale, stale, "swapdb 0 1"), unchanged);
  EXPECT_EQ(outcome(stale, fresh, "swapdb 0 1"), changed);
  EXPECT_EQ(outcome("", fresh, "swapdb 0 1"), changed);
  EXPECT_EQ(outcome(fresh, stale, "swapdb 0 1"), changed);
  EXPECT_EQ(outcome(stale, "", "set k 3"), changed);
  // It went, and then there is one again.
  EXPECT_EQ(outcome(stale, "", "flushdb\r\nset k 3"), changed);
}

TEST_F(ServerTest, WaitersAreServedInTurn) {
  EXPECT_EQ(ask("blpop l m 0", 1), "");
  EXPECT_EQ(ask("brpop l 0", 2), "");
  EXPECT_EQ(ask("blmove l other left right 0", 3), "");
  EXPECT_EQ(server.blocked_clients(), 3U);
  effects();
  EXPECT_EQ(ask("rpush l a b c d", 4), ":4|");
  EXPECT_EQ(take(1), "*2|$1|l|$1|a|");
  EXPECT_EQ(take(2), "*2|$1|l|$1|d|");
  EXPECT_EQ(take(3), "$1|b|");
  EXPECT_EQ(effects(), "rpush l a b c d / LPOP l / RPOP l / LMOVE l other LEFT RIGHT");
  EXPECT_EQ(ask("lrange l 0 -1", 4), "*1|$1|c|");
  EXPECT_EQ(server.blocked_clients(), 0U);
}

TEST_F(ServerTest, OneServedMayFillAnothersKey) {
  EXPECT_EQ(ask("blmove a b left left 0", 1), "");
  EXPECT_EQ(ask("blpop b 0", 2), "");
  EXPECT_EQ(ask("rpush a x", 3), ":1|");
  EXPECT_EQ(take(1), "$1|x|");
  EXPECT_EQ(take(2), "*2|$1|b|$1|x|");
  EXPECT_EQ(ask("exists a b", 3), ":0|");
}

TEST_F(ServerTest, WaitsEndByTimeByOthersAndNotByOtherTypes) {
  EXPECT_EQ(ask("blpop l 0.5\r\nping", 1), "");
  EXPECT_EQ(ask("bzpopmin z 0", 2), "");
  EXPECT_EQ(ask("set l x", 3), "+OK|");
  EXPECT_EQ(take(1), "") << "a string is not what it waits for";
  pass(499);
  tick();
  EXPECT_EQ(take(1), "");
  pass(1);
  tick();
  EXPECT_EQ(take(1), "*-1|+PONG|") << "and what came behind goes on";
  EXPECT_EQ(ask("client unblock 2 error", 3), ":1|");
  EXPECT_EQ(take(2), "-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
  EXPECT_EQ(ask("client unblock 2", 3), ":0|");
  EXPECT_EQ(ask("blpop q 0", 1), "");
  server.disconnect(ClientId(1));
  EXPECT_EQ(ask("rpush q a\r\nllen q", 3), ":1|:1|") << "nobody is there to take it";
  EXPECT_EQ(server.blocked_clients(), 0U);
}

TEST_F(ServerTest, WhatAWaiterSendsIsBounded) {
  server.change_options().query_octets_max = 10'000;
  EXPECT_EQ(ask("blpop l 0"), "");
  for (int i = 0; i < 11; ++i) server.receive(ClientId(1), std::string(1000, 'x'), now);
  collect();
  EXPECT_EQ(take(1), "<end>");
}

TEST_F(ServerTest, KeysThatComeByRenamingWakeToo) {
  EXPECT_EQ(ask("bzpopmax z 0", 1), "");
  EXPECT_EQ(ask("blpop l 0", 2), "");
  ask("zadd y 1 a 2 b\r\nrename y z\r\nselect 1\r\nrpush l v\r\nmove l 0", 3);
  EXPECT_EQ(take(1), "*3|$1|z|$1|b|$1|2|");
  EXPECT_EQ(take(2), "*2|$1|l|$1|v|");
}

TEST_F(ServerTest, RepliesThatAreNotTakenHoldBackRequests) {
  ask("set big " + std::string(300'000, 'x'));
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "get big\r\n";
  server.receive(ClientId(1), requests, now);
  std::vector<Output> outputs;
  server.take_outputs(outputs);
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_LT(outputs[0].octets.size(), std::size_t{2} << 20);
  std::size_t octets = outputs[0].octets.size();
  while (server.resume(ClientId(1), now)) {
    server.take_outputs(outputs);
    for (const Output& output : outputs) octets += output.octets.size();
  }
  server.take_outputs(outputs);
  for (const Output& output : outputs) octets += output.octets.size();
  EXPECT_EQ(octets, 20U * (300'000 + std::string_view("$300000\r\n\r\n").size()));
}

TEST_F(ServerTest, EncodingsChangeWhereRedisDoes) {
  const auto encoding = [&](std::string_view key) { return ask("object encoding " + std::string(key)); };
  ask("set s 123\r\nset e " + std::string(44, 'x') + "\r\nset r " + std::string(45, 'x') + "\r\nappend a x\r\nappend a y");
  EXPECT_EQ(encoding("s") + encoding("e") + encoding("r") + encoding("a"), "$3|int|$6|embstr|$3|raw|$3|raw|");
  for (int i = 0; i < 512; ++i) ask("sadd i " + std::to_string(i) + "\r\nhset h f" + std::to_string(i) + " v");
  for (int i = 0; i < 128; ++i) ask("sadd t m" + std::to_string(i) + "\r\nzadd z 1 m" + std::to_string(i));
  EXPECT_EQ(encoding("i") + encoding("h") + encoding("t") + encoding("z"), "$6|intset|$8|listpack|$8|listpack|$8|listpack|");
  ask("sadd i 512\r\nhset h one more\r\nsadd t one\r\nzadd z 1 one");
  EXPECT_EQ(encoding("i") + encoding("h") + encoding("t") + encoding("z"), "$9|hashtable|$9|hashtable|$9|hashtable|$8|skiplist|");
  ask("sadd j 1 2\r\nsadd j x\r\nhset g f " + std::string(65, 'x') + "\r\nrpush l a\r\nrpush m " + std::string(5000, 'x') + " " +
      std::string(5000, 'y'));
  EXPECT_EQ(encoding("j") + encoding("g") + encoding("l") + encoding("m"), "$8|listpack|$9|hashtable|$8|listpack|$9|quicklist|");
  EXPECT_EQ(ask("ltrim m 0 0\r\nobject encoding m"), "+OK|$9|quicklist|") << "more than half of a node";
  EXPECT_EQ(ask("lset m 0 x\r\nobject encoding m"), "+OK|$8|listpack|");
}

TEST_F(ServerTest, LargeValuesGoALittleAtATime) {
  std::string line = "sadd s";
  for (int i = 0; i < 100'000; ++i) line += " member" + std::to_string(i);
  ask("ping");
  server.receive(ClientId(1), line.substr(0, 60'000) + "\r\n", now);
  collect();
  ask("copy s t\r\ncopy s u\r\nflushall");
  const std::size_t before = server.memory_used();
  EXPECT_EQ(server.keys(), 0U);
  for (int i = 0; i < 20; ++i) tick();
  EXPECT_LT(server.memory_used(), before);
  EXPECT_LT(server.memory_used(), 4096U);
}

}  // namespace
}  // namespace chorus::cache
