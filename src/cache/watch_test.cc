// What is kept of commands and their time, and who may look.
#include <fmt/format.h>

#include "base/text.h"
#include "cache/admin/parameters.h"
#include "cache/resp/quote.h"
#include "cache/server_fixture.h"
#include "cache/watch/diagnostics.h"

namespace chorus::cache {
namespace {

// source: the ranges of HdrHistogram with two digits, as redis-server 7.0 shows them in LATENCY HISTOGRAM and INFO latencystats
TEST(Histogram, RangesAreRedis) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(50), 0);
  histogram.add(1000);
  EXPECT_EQ(histogram.percentile(50), 1003);
  histogram.add(199'000);
  EXPECT_EQ(histogram.percentile(99), 199'679);
  histogram.add(18'423'000);
  histogram.add(std::int64_t{1} << 40);
  std::string shown;
  histogram.for_each_doubling([&](std::int64_t at, std::uint64_t calls) { shown += fmt::format("{}:{} ", at / 1000, calls); });
  EXPECT_EQ(shown, "1:1 264:2 33816:3 2164260:4 ");
}

TEST(Histogram, EveryValueLiesInItsRange) {
  for (std::int64_t value = 1; value < (std::int64_t{1} << 31); value += 1 + value / 3) {
    Histogram histogram;
    histogram.add(value);
    EXPECT_GE(histogram.percentile(100), value);
    EXPECT_LE(histogram.percentile(100), value + value / 128);
  }
}

TEST(Quote, AsAnInlineCommandTakesIt) {
  EXPECT_EQ(quoted(std::string_view("a \"b\\\n\r\t\a\b\0\xff", 12)), "\"a \\\"b\\\\\\n\\r\\t\\a\\b\\x00\\xff\"");
}

TEST(Rate, IsTheMeanOfTheLastLooks) {
  Rate rate;
  for (int i = 1; i <= 32; ++i) rate.look(static_cast<std::uint64_t>(i) * 50, i * 100'000);
  EXPECT_DOUBLE_EQ(rate.per_second(), 500);
  rate.look(10, 33 * 100'000);  // begun anew
  EXPECT_DOUBLE_EQ(rate.per_second(), (15 * 500 + 100) / 16.0);
}

class WatchTest : public ServerTest {
 protected:
  WatchTest() {
    server.use_stopwatch([this] { return clock += step; });
    ask("ping");
  }
  std::int64_t clock = 0, step = 0;
};

TEST_F(WatchTest, TurnsOfTheLoopAreCounted) {
  step = 100;
  ask("config resetstat");
  ask("ping\r\nping");
  const std::string shown = ask("info stats");
  EXPECT_NE(shown.find("|eventloop_cycles:2|"), std::string::npos) << shown;
  const auto value = [&](std::string_view name) { return std::stoll(shown.substr(shown.find(name) + name.size())); };
  EXPECT_GE(value("|eventloop_duration_cmd_sum:"), 300) << "that of CONFIG RESETSTAT among them";
  EXPECT_GE(value("|eventloop_duration_sum:"), value("|eventloop_duration_cmd_sum:") - step);
}

TEST_F(WatchTest, MonitorsSeeTransactionsThatFail) {
  ask("monitor", 2);
  ask("multi\r\nnosuch\r\nexec\r\nexec");
  const std::string seen = take(2);
  const auto multi = seen.find("\"multi\""), exec = seen.find("\"exec\"");
  EXPECT_LT(multi, exec) << seen;
  EXPECT_NE(seen.find("\"exec\"", exec + 1), std::string::npos) << "also one without MULTI: " << seen;
  EXPECT_NE(ask("info commandstats").find("cmdstat_exec:calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=2"),
            std::string::npos)
      << ask("info commandstats");
}

TEST_F(WatchTest, WhoWaitsForTheEndOfAPauseIsBlocked) {
  ask("client pause 1000 write");
  EXPECT_EQ(ask("set k v", 2), "");
  EXPECT_NE(ask("info clients").find("|blocked_clients:1|"), std::string::npos);
  ask("client unpause");
  tick();
  EXPECT_EQ(take(2), "+OK|");
  EXPECT_NE(ask("info clients").find("|blocked_clients:0|"), std::string::npos);
}

TEST_F(WatchTest, AClientSeesItsOwnRequest) {
  server.receive(ClientId(1), "*2\r\n$6\r\nclient\r\n$4\r\nlist\r\n", now);
  collect();
  EXPECT_NE(take(1).find(" qbuf=26 "), std::string::npos);
}

TEST_F(WatchTest, WhatWasFreedLaterCountsFromTheResetOn) {
  std::string add = "sadd s";
  for (int i = 0; i < 5000; ++i) add += " m" + std::to_string(i);
  ask(add);
  ask("del s");
  while (server.waiting_to_be_freed() > 0) tick();
  EXPECT_NE(ask("info memory").find("|lazyfreed_objects:1|"), std::string::npos);
  ask("config resetstat");
  EXPECT_NE(ask("info memory").find("|lazyfreed_objects:0|"), std::string::npos);
}

TEST_F(WatchTest, SlowCommandsAreKept) {
  step = 20'000;
  ask("set a b\r\nclient setname me");
  ask("get " + std::string(200, 'x'));
  std::string many = "del";
  for (int i = 0; i < 40; ++i) many += " k" + std::to_string(i);
  ask(many);
  step = 0;
  EXPECT_EQ(ask("slowlog len"), ":4|");
  const std::string newest = ask("slowlog get 1");
  EXPECT_TRUE(newest.starts_with("*1|*6|:3|:1700000000|:20000|*32|$3|del|$2|k0|")) << newest;
  EXPECT_TRUE(newest.ends_with("$3|k29|$23|... (10 more arguments)|$15|127.0.0.1:40001|$2|me|")) << newest;
  EXPECT_NE(ask("slowlog get -1").find("$147|" + std::string(128, 'x') + "... (72 more bytes)|"), std::string::npos);
  ask("config set slowlog-max-len 2");
  step = 20'000;
  ask("auth secret");
  step = 0;
  const std::string two = ask("slowlog get 5");
  EXPECT_TRUE(two.starts_with("*2|*6|:4|"));
  EXPECT_NE(two.find("*2|$4|auth|$10|(redacted)|"), std::string::npos);
  EXPECT_EQ(ask("slowlog get -2"), "-ERR count should be greater than or equal to -1|");
  EXPECT_EQ(ask("slowlog get x"), "-ERR count should be greater than or equal to -1|");
  EXPECT_EQ(ask("slowlog reset\r\nslowlog len"), "+OK|:0|");
  ask("config set slowlog-log-slower-than -1");
  step = 20'000;
  ask("get a");
  step = 0;
  EXPECT_EQ(ask("slowlog len"), ":0|");
}

TEST_F(WatchTest, TimesShowInInfo) {
  step = 10;
  ask("get a\r\nget b\r\nget c");
  step = 0;
  EXPECT_NE(ask("info commandstats").find("cmdstat_get:calls=3,usec=30,usec_per_call=10.00,rejected_calls=0,failed_calls=0"),
            std::string::npos);
  EXPECT_NE(ask("info latencystats").find("latency_percentiles_usec_get:p50=10.047,p99=10.047,p99.9=10.047"), std::string::npos);
  EXPECT_EQ(ask("latency histogram get nope"), "*2|$3|get|*4|$5|calls|:3|$14|histogram_usec|*2|:16|:3|");
  ask("config resetstat");
  EXPECT_EQ(ask("latency histogram get"), "*0|");
  EXPECT_EQ(ask("info nosuch"), "$0||");
}

TEST_F(WatchTest, LatencyEvents) {
  EXPECT_NE(ask("latency doctor").find("latency-monitor-threshold"), std::string::npos);
  ask("config set latency-monitor-threshold 5");
  step = 7'000;
  ask("keys *");
  pass(2000);
  step = 9'000;
  ask("get a");
  step = 0;
  EXPECT_EQ(ask("latency latest"), "*2|*4|$7|command|:1700000000|:7|:7|*4|$12|fast-command|:1700000002|:9|:9|");
  EXPECT_EQ(ask("latency history command"), "*1|*2|:1700000000|:7|");
  EXPECT_EQ(ask("latency history nope"), "*0|");
  EXPECT_NE(ask("latency doctor").find("fast-command: 1 times"), std::string::npos);
  EXPECT_EQ(ask("latency graph nope"), "-ERR No samples available for event 'nope'|");
  EXPECT_NE(ask("latency graph command").find("command - high 7 ms, low 7 ms (all time high 7 ms)\n"), std::string::npos);
  EXPECT_EQ(ask("latency reset command nope"), ":1|");
  EXPECT_EQ(ask("latency reset"), ":1|");
}

TEST_F(WatchTest, MonitorsSeeWhatIsRun) {
  EXPECT_EQ(ask("monitor", 9), "+OK|");
  ask("select 3\r\nset \"a b\" \"x\\n\"\r\nauth pw\r\nconfig get port");
  EXPECT_EQ(take(9),
            "+1700000000.000000 [3 127.0.0.1:40001] \"select\" \"3\"|"
            "+1700000000.000000 [3 127.0.0.1:40001] \"set\" \"a b\" \"x\\n\"|"
            "+1700000000.000000 [3 127.0.0.1:40001] \"auth\" \"(redacted)\"|");
  ask("multi\r\nincr n\r\nexec");
  EXPECT_NE(
      take(9).find("\"multi\"|+1700000000.000000 [3 127.0.0.1:40001] \"incr\" \"n\"|+1700000000.000000 [3 127.0.0.1:40001] \"exec\"|"),
      std::string::npos);
  EXPECT_EQ(ask("ping", 9), "+PONG|+1700000000.000000 [0 127.0.0.1:40009] \"ping\"|");
  EXPECT_EQ(ask("get a", 9), "-ERR Replica can't interact with the keyspace|");
  EXPECT_EQ(ask("reset", 9), "+RESET|");
  ask("get n");
  EXPECT_EQ(take(9), "");
}

TEST_F(WatchTest, ParametersAreInOrderAndHaveTheirDefaults) {
  std::string_view before;
  for (const Parameter& parameter : parameters()) {
    EXPECT_LT(base::lower(before), base::lower(parameter.name));
    before = parameter.name;
  }
  EXPECT_GT(parameters().size(), 170U);
  EXPECT_EQ(ask("config get maxmemory* SAVE"),
            "*12|$9|maxmemory|$1|0|$17|maxmemory-clients|$1|0|$27|maxmemory-eviction-tenacity|$2|10|$16|maxmemory-policy|$10|noeviction|"
            "$17|maxmemory-samples|$1|5|$4|save|$23|3600 1 300 100 60 10000|");
  EXPECT_EQ(ask("config set activedefrag yes"), "-ERR CONFIG SET failed (possibly related to argument 'activedefrag') - always 'no' here|");
  EXPECT_EQ(ask("config set activedefrag no"), "+OK|");
  EXPECT_EQ(
      ask("config set appendfsync sometimes"),
      "-ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the following: everysec, always, "
      "no|");
  EXPECT_EQ(ask("config set maxmemory 1mb maxmemory-samples x"),
            "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument couldn't be parsed into an integer|");
  EXPECT_EQ(ask("config get maxmemory"), "*2|$9|maxmemory|$1|0|");
  EXPECT_EQ(ask("config set Databases 3"),
            "-ERR CONFIG SET failed (possibly related to argument 'Databases') - can't set immutable config|");
  EXPECT_EQ(ask("config rewrite"), "-ERR The server is running without a config file|");
  ask("config set maxmemory-policy allkeys-lru maxmemory 1gb client-output-buffer-limit \"replica 1mb 2mb 3\"");
  EXPECT_EQ(ask("config rewrite"),
            "-ERR The server is running without a config file. To keep what was changed, set in chorus.toml: cache.max_memory_bytes = "
            "1073741824, cache.max_memory_policy = \"allkeys-lru\"|");
  EXPECT_EQ(ask("config get client-output-buffer-limit"),
            "*2|$26|client-output-buffer-limit|$63|normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60|");
}

TEST_F(WatchTest, DebugHasToBeTurnedOn) {
  EXPECT_TRUE(ask("debug sleep 0").starts_with("-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\""));
  server.change_options().debug_access = ProtectedAccess::local;
  EXPECT_EQ(ask("debug sleep 0"), "+OK|");
  EXPECT_EQ(ask("debug jmap"), "-ERR unknown subcommand or wrong number of arguments for 'jmap'. Try DEBUG HELP.|");
  EXPECT_EQ(ask("debug stringmatch-len 40 a*a*b\r\ndebug stringmatch-len 40 a*"), ":0|:1|");
  EXPECT_EQ(ask("debug populate 3 p 7\r\nget p:2\r\ndbsize"), std::string("+OK|$7|value:2|:3|"));
  EXPECT_EQ(effects(), "SET p:0 value:0, SET p:1 value:1, SET p:2 value:2");
  EXPECT_EQ(ask("set e x px 10\r\ndebug set-active-expire 0"), "+OK|+OK|");
  pass(1000);
  tick();
  EXPECT_EQ(server.keys(), 4U);
  EXPECT_EQ(ask("debug set-active-expire 1"), "+OK|");
  tick();
  EXPECT_EQ(server.keys(), 3U);
  EXPECT_EQ(ask("debug protocol map"), "*6|:0|:0|:1|:1|:2|:0|");
  EXPECT_EQ(ask("debug error \"MY error\""), "-MY error|");
  const std::string before = server.replication_id();
  EXPECT_EQ(ask("debug change-repl-id"), "+OK|");
  EXPECT_NE(server.replication_id(), before);
}

TEST_F(WatchTest, WhileItSleepsNobodyIsAnswered) {
  server.change_options().debug_access = ProtectedAccess::yes;
  EXPECT_EQ(ask("debug sleep 0.5\r\nping", 2), "");
  EXPECT_EQ(ask("set a b\r\nget a"), "");
  pass(400);
  tick();
  EXPECT_EQ(ask("ping"), "");
  pass(200);
  tick();
  EXPECT_EQ(take(2), "+OK|+PONG|");
  EXPECT_EQ(take(1), "+OK|$1|b|+PONG|");
}

TEST_F(WatchTest, IdleAndSlowClientsAreLetGo) {
  ask("config set timeout 10 client-output-buffer-limit \"normal 0 100 5\"");
  ask("ping", 2);
  ask("subscribe c", 3);
  pass(11'000);
  ask("ping");
  tick();
  EXPECT_EQ(take(2), "<end>");
  EXPECT_EQ(take(3), "");
  server.note_unsent(ClientId(1), 1000);
  std::string got;
  for (int i = 0; i < 8; ++i) {
    pass(1000);
    got += ask("ping");
    tick();
  }
  EXPECT_NE(got.find("+PONG|<end>"), std::string::npos) << got;
  EXPECT_EQ(server.statistics().output_limit_disconnections, 1U);
}

TEST_F(WatchTest, SleepIsTheTimeOfWhoAskedForIt) {
  server.change_options().debug_access = ProtectedAccess::yes;
  ask("config set slowlog-log-slower-than 100000 latency-monitor-threshold 200");
  ask("debug sleep 0.3");
  pass(400);
  tick();
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(ask("slowlog len"), ":1|");
  EXPECT_TRUE(ask("latency latest").starts_with("*1|*4|$7|command|")) << ask("latency latest");
}

TEST_F(WatchTest, WhatIsDoneBeforeACommandIsNotItsTime) {
  for (int i = 0; i < 200; ++i) ask(fmt::format("set k{} {}", i, std::string(200, 'v')));
  server.change_options().memory.octets_max = server.memory_counted() - 10'000;
  server.change_options().memory.policy = EvictionPolicy::allkeys_random;
  step = 10;
  ask("echo x");
  EXPECT_GT(server.statistics().evicted_keys, 10U);
  EXPECT_NE(ask("info commandstats").find("cmdstat_echo:calls=1,usec=10,"), std::string::npos);
  server.change_options().memory.octets_max = 0;
  ask("multi\r\necho x\r\necho x\r\nexec");
  const std::string all = ask("info commandstats");
  const std::string exec = all.substr(all.find("cmdstat_exec:"));
  EXPECT_GE(std::stoi(exec.substr(exec.find("usec=") + 5)), 40);
}

TEST_F(WatchTest, AWaitIsOneCall) {
  EXPECT_EQ(ask("blpop q 0", 2), "");
  EXPECT_EQ(ask("info commandstats").find("cmdstat_blpop"), std::string::npos);
  ask("set q x\r\ndel q\r\nrpush q v");
  EXPECT_EQ(take(2), "*2|$1|q|$1|v|");
  EXPECT_TRUE(ask("latency histogram blpop").starts_with("*2|$5|blpop|*4|$5|calls|:1|"));
  EXPECT_NE(ask("info commandstats").find("cmdstat_blpop:calls=1,"), std::string::npos);
  EXPECT_EQ(ask("blpop q 1", 2), "");
  pass(1500);
  tick();
  EXPECT_EQ(ask("blpop q 0", 2), "*-1|");
  ask("client unblock 2 error");
  EXPECT_NE(ask("info commandstats").find("cmdstat_blpop:calls=3,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1|"),
            std::string::npos);
}

TEST_F(WatchTest, WhoIsAnsweredLateIsNotIdle) {
  ask("config set timeout 5", 8);
  ask("blpop q 10", 2);
  ask("blpop p 0", 3);
  pass(10'500);
  tick();
  EXPECT_EQ(take(2), "*-1|");
  ask("rpush p v", 9);
  pass(1000);
  tick();
  EXPECT_EQ(take(3), "*2|$1|p|$1|v|");
  pass(6000);
  tick();
  EXPECT_EQ(take(2) + take(3), "<end><end>");
}

TEST_F(WatchTest, LimitsOfClientsHoldForThoseThatAreThere) {
  ask("config set client-output-buffer-limit \"normal 0 1kb 9223372036854775807\"");
  server.note_unsent(ClientId(1), 5000);
  for (int i = 0; i < 3; ++i) {
    pass(2000);
    tick();
  }
  EXPECT_EQ(take(1), "") << "in some years it will be let go";
  ask("ping", 2);
  EXPECT_EQ(ask("config set client-query-buffer-limit 1mb"), "+OK|");
  EXPECT_EQ(ask("*2\r\n$4\r\nping\r\n$3000000\r\n" + std::string(2'000'000, 'x'), 2), "<end>");
}

TEST_F(WatchTest, WhatClientsNameIsTheirs) {
  const std::string name(30'000, 'x');
  const auto base = [&] { return ask("ping"), server.clients_memory(); };
  const std::size_t before = base();
  ask("watch " + name);
  EXPECT_GT(base(), before + 60'000);
  ask("unwatch");
  EXPECT_LT(base(), before + 50'000);
  ask("subscribe " + name + "1 " + name + "2", 2);
  ask("ping", 2);
  EXPECT_GT(base(), before + 120'000);
  ask("unsubscribe", 2);
  ask("ping", 2);
  EXPECT_LT(base(), before + 110'000);
  ask("blpop " + name + " 0", 3);
  EXPECT_GT(base(), before + 90'000);
}

TEST_F(WatchTest, WhatIsFreedIsBoundedByTime) {
  std::string members = "sadd s";
  for (int i = 0; i < 5000; ++i) members += fmt::format(" m{}", i);
  ask(members);
  ask("del s");
  step = 500;
  EXPECT_TRUE(server.tick(now));
  EXPECT_GT(server.elements_to_be_freed(), 4000U);
}

TEST_F(WatchTest, ResettingKeepsThePeak) {
  ask("set k " + std::string(50'000, 'x'));
  ask("del k");
  const std::size_t peak = server.memory_peak();
  ask("config resetstat");
  EXPECT_GE(server.memory_peak(), peak);
}

TEST_F(WatchTest, SettingsOfTheStartAreTold) {
  const std::string immutable = "can't set immutable config|";
  for (const char* setting : {"daemonize yes", "daemonize no", "databases 16", "io-threads 1"}) {
    EXPECT_TRUE(ask(std::string("config set ") + setting).ends_with(immutable)) << setting;
  }
  server.change_options().port = 7000;
  EXPECT_EQ(ask("config set port 7000"), "+OK|");
  EXPECT_TRUE(ask("config set port 7001").starts_with("-ERR CONFIG SET failed"));
  ask("config set slowlog-log-slower-than 0");
  ask("config set masterauth s3cret");
  EXPECT_EQ(ask("slowlog get 1").find("s3cret"), std::string::npos);
  EXPECT_NE(ask("slowlog get 9").find("(redacted)"), std::string::npos);
}

TEST_F(WatchTest, LatencyIsShownWhileItIsTracked) {
  EXPECT_NE(ask("info latencystats").find("latency_percentiles_usec_ping"), std::string::npos);
  ask("config set latency-tracking no");
  EXPECT_EQ(ask("info latencystats").find("latency_percentiles_usec_ping"), std::string::npos);
}

TEST_F(WatchTest, NoTouchLeavesNoTrace) {
  ask("set k v");
  pass(100'000);
  ask("client no-touch on\r\nset k w\r\nset k " + std::string(100, 'x'));
  EXPECT_EQ(ask("object idletime k"), ":100|");
}

TEST_F(WatchTest, MemoryTellsWhereItIs) {
  for (int i = 0; i < 1000; ++i) ask(fmt::format("set k{} {} ex 100", i, i));
  const std::string stats = ask("memory stats");
  EXPECT_NE(stats.find("$4|db.0|*6|$23|overhead.hashtable.main|:"), std::string::npos);
  EXPECT_NE(stats.find("$10|keys.count|:1000|"), std::string::npos);
  EXPECT_TRUE(stats.starts_with("*56|"));
  const std::string info = ask("info memory");
  EXPECT_NE(info.find("|used_memory:"), std::string::npos);
  EXPECT_NE(info.find("|maxmemory_policy:noeviction|"), std::string::npos);
  EXPECT_EQ(ask("memory purge"), "+OK|");
  EXPECT_NE(ask("memory doctor").find("so little data"), std::string::npos);
  EXPECT_NE(ask("memory malloc-stats").find("resident: "), std::string::npos);
  EXPECT_EQ(ask("memory usage nokey"), "$-1|");
  EXPECT_EQ(ask("module list"), "*0|");
  pass(100'000);
  EXPECT_NE(ask("info keyspace").find("db0:keys=1000,expires=1000,avg_ttl=0|"), std::string::npos);
}

}  // namespace
}  // namespace chorus::cache
