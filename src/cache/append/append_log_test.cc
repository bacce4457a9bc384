// The append log on a simulated disk: what is there after any end, and what is said meanwhile.
#include "cache/append/fixture.h"

namespace chorus::cache {
namespace {

using namespace std::chrono_literals;

class AppendLogTest : public AppendLogFixture {};

TEST_F(AppendLogTest, WhatWasAcknowledgedIsThereAfterAPowerFailure) {
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  EXPECT_EQ(ask("RPUSH l a b"), ":2|");
  EXPECT_EQ(ask("SELECT 3"), "+OK|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("LLEN l"), ":2|");
  EXPECT_EQ(ask("SELECT 3"), "+OK|");
  EXPECT_EQ(ask("GET k"), "$1|w|");
  // And what is written behind what was found.
  EXPECT_EQ(ask("SET k x"), "+OK|");
  restart();
  EXPECT_EQ(ask("SELECT 3"), "+OK|");
  EXPECT_EQ(ask("GET k"), "$1|x|");
}

TEST_F(AppendLogTest, FilesAreRedisOwn) {
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  ask("MULTI");
  ask("SET a 1");
  ask("SET b 2");
  EXPECT_EQ(ask("EXEC", 3), "*2|+OK|+OK|");
  EXPECT_EQ(file("appendonly.aof.manifest"), "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  EXPECT_TRUE(file("appendonly.aof.1.base.rdb").starts_with("REDIS0011"));
  std::string commands = file("appendonly.aof.1.incr.aof");
  for (std::size_t at = 0; (at = commands.find("#G:", at)) != std::string::npos;) commands.erase(at, commands.find('\n', at) + 1 - at);
  EXPECT_EQ(commands,
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*1\r\n$5\r\nMULTI\r\n"
            "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n*1\r\n$4\r\nEXEC\r\n");
}

TEST_F(AppendLogTest, EverySecondIsSyncedByItself) {
  append_.sync = SyncPolicy::everysec;
  machine_.disk().power_loss = sim::PowerLoss::lose;
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  run_for(1200ms);
  EXPECT_EQ(ask("SET k w"), "+OK|");
  EXPECT_EQ(ask("WAITAOF 1 0 0", 3), "*2|:1|:0|");
  const std::uint64_t syncs = state().syncs;
  EXPECT_GE(syncs, 1U);
  run_for(5s);
  EXPECT_EQ(state().syncs, syncs) << "there was nothing to be synced";
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|");
}

TEST_F(AppendLogTest, ManyWritesShareASync) {
  start();
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 50; ++i) peers.push_back(connect());
  const std::uint64_t before = state().syncs;
  for (int round = 0; round < 10; ++round) {
    for (const auto& peer : peers) peer->received.clear();
    for (const auto& peer : peers) peer->say("INCR n");
    ASSERT_TRUE(
        run_until([&] { return std::all_of(peers.begin(), peers.end(), [](const auto& peer) { return !peer->received.empty(); }); }));
  }
  EXPECT_LT(state().syncs - before, 250U);
  EXPECT_EQ(ask("GET n"), "$3|500|");
}

TEST_F(AppendLogTest, NobodyIsToldOfWhatIsNotDurable) {
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("SET k old"), "+OK|");
  machine_.disk().power_loss = sim::PowerLoss::lose;
  auto writer = connect(), reader = connect();
  // At whatever file operation of the write the power fails: what a reader was told, stays.
  for (std::uint64_t operation = 1; operation < 6; ++operation) {
    SCOPED_TRACE(operation);
    const std::string before = ask("GET k");
    machine_.crash_after_file_operations(operation);
    writer = connect();
    reader = connect();
    writer->say(fmt::format("SET k new{}", operation));
    for (int i = 0; i < 50 && !reader->is_closed; ++i) {
      reader->say("GET k");
      run_for(100us);
    }
    run_for(20ms);
    const bool was_told = writer->received == "+OK\r\n",
               was_read = reader->received.find(fmt::format("new{}", operation)) != std::string::npos;
    restart();
    const std::string after = ask("GET k");
    if (was_told || was_read) EXPECT_EQ(after, fmt::format("$4|new{}|", operation));
    if (!was_told) EXPECT_TRUE(after == before || after == fmt::format("$4|new{}|", operation)) << after;
  }
}

TEST_F(AppendLogTest, LibrariesAndWholeDatabasesAreEffects) {
  start();
  EXPECT_EQ(ask("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 7 end)\""), "$3|lib|");
  ask("SET gone v");
  ask("SELECT 1");
  ask("SET here v");
  ask("SWAPDB 0 1");
  ask("FLUSHDB");
  ask("SELECT 0");
  restart();
  EXPECT_EQ(ask("FCALL f 0"), ":7|");
  EXPECT_EQ(ask("GET here"), "$1|v|");
  EXPECT_EQ(ask("SELECT 1"), "+OK|");
  EXPECT_EQ(ask("DBSIZE"), ":0|");
}

TEST_F(AppendLogTest, MessagesAreNotWrittenAndWaitForNothing) {
  start();
  ask("SET k v");
  const std::string before = file("appendonly.aof.1.incr.aof");
  EXPECT_EQ(ask("PUBLISH c m"), ":0|");
  EXPECT_EQ(ask("WAITAOF 1 0 0", 3), "*2|:1|:0|");
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), before);
}

TEST_F(AppendLogTest, TimesOfExpiryAreThoseOfTheWrite) {
  start();
  EXPECT_EQ(ask("SET stays v PX 500"), "+OK|");
  EXPECT_EQ(ask("SET goes v PX 500"), "+OK|");
  EXPECT_EQ(ask("BGREWRITEAOF"), "+Background append only file rewriting started|");
  ASSERT_TRUE(wait_for_rewrite(2));
  // Its time is over when the log is read, but was not when it was taken away.
  EXPECT_EQ(ask("PERSIST stays"), ":1|");
  EXPECT_EQ(ask("SET later v PX 300"), "+OK|");
  EXPECT_EQ(ask("PERSIST later"), ":1|");
  end(true);
  run_for(2s);
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("GET stays"), "$1|v|");
  EXPECT_EQ(ask("GET later"), "$1|v|");
  EXPECT_EQ(ask("GET goes"), "$-1|");
}

TEST_F(AppendLogTest, ARewriteTakesThePlaceOfWhatWasBefore) {
  start();
  for (int i = 0; i < 100; ++i) ask(fmt::format("SET k {}", i));
  EXPECT_EQ(ask("BGREWRITEAOF"), "+Background append only file rewriting started|");
  // Nothing that comes meanwhile is lost.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(fmt::format("RPUSH l {}", i)), fmt::format(":{}|", i + 1));
  ASSERT_TRUE(wait_for_rewrite(2));
  EXPECT_FALSE(state().has_rewrite_failed);
  EXPECT_EQ(file("appendonly.aof.manifest"), "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_EQ(file("appendonly.aof.1.base.rdb"), "(none)");
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), "(none)");
  restart();
  EXPECT_EQ(ask("GET k"), "$2|99|");
  EXPECT_EQ(ask("LLEN l"), ":20|");
}

TEST_F(AppendLogTest, ALogThatHasGrownIsRewrittenByItself) {
  append_.rewrite_octets_min = 20'000;
  start();
  wait_until_loaded();
  const std::string value(500, 'x');
  for (int i = 0; i < 60; ++i) ask(fmt::format("SET k {}{}", value, i));
  ASSERT_TRUE(run_until([&] { return state().rewrites >= 2 && !state().is_rewriting; }));
  EXPECT_LT(state().octets, 20'000U);
  restart();
  EXPECT_EQ(ask("STRLEN k"), ":502|");
}

TEST_F(AppendLogTest, MayBeTurnedOnAndOff) {
  append_.is_on = false;
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  EXPECT_EQ(ask("WAITAOF 1 0 0"), "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.|");
  EXPECT_EQ(ask("CONFIG SET appendonly yes"), "+OK|");
  EXPECT_EQ(ask("SET l v"), "+OK|");
  ASSERT_TRUE(wait_for_rewrite(1));
  EXPECT_EQ(ask("SET m v"), "+OK|");
  append_.is_on = true;
  restart();
  EXPECT_EQ(ask("MGET k l m", 7), "*3|$1|v|$1|v|$1|v|");
  EXPECT_EQ(ask("CONFIG SET appendonly no"), "+OK|");
  ASSERT_TRUE(run_until([&] { return !state().is_on; }));
  EXPECT_EQ(ask("SET k w"), "+OK|");
  EXPECT_EQ(ask("CONFIG SET appendonly yes"), "+OK|");
  ASSERT_TRUE(run_until([&] { return state().is_on && state().rewrites == 1 && !state().is_rewriting; }));
  EXPECT_EQ(file("appendonly.aof.manifest"), "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|");
}

TEST_F(AppendLogTest, ABaseMayBeWrittenWhileItIsOff) {
  append_.is_on = false;
  start();
  ask("SET k v");
  EXPECT_EQ(ask("BGREWRITEAOF"), "+Background append only file rewriting started|");
  ASSERT_TRUE(wait_for_rewrite(1));
  EXPECT_EQ(file("appendonly.aof.manifest"), "file appendonly.aof.1.base.rdb seq 1 type b\n");
  append_.is_on = true;
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|");
}

TEST_F(AppendLogTest, ASnapshotIsTakenWhereThereIsNoLogYet) {
  append_.is_on = false;
  start();
  ask("SET k v");
  EXPECT_EQ(ask("SAVE"), "+OK|");
  append_.is_on = true;
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|") << "the log, and not the snapshot";
}

TEST_F(AppendLogTest, TheFileOfAnOldRedisIsMoved) {
  append_.is_on = false;
  start();
  put("data/appendonly.aof", "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
  append_.is_on = true;
  restart(false);
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_FALSE(machine_.disk().contents("data/appendonly.aof"));
  EXPECT_EQ(file("appendonly.aof.manifest"), "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|");
}

TEST_F(AppendLogTest, AnEndThatIsCutShortIsCutOff) {
  const std::string manifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";
  const std::string whole = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
  append_.is_on = false;
  start();
  put("data/appendonlydir/appendonly.aof.manifest", manifest);
  put("data/appendonlydir/appendonly.aof.1.incr.aof", whole + "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n");
  append_.is_on = true;
  append_.loads_truncated = false;
  end(false);
  start();
  ASSERT_TRUE(run_until([&] { return !failure_.empty(); }));
  EXPECT_NE(failure_.find(fmt::format("appendonly.aof.1.incr.aof: unexpected end of file after offset {}", whole.size())),
            std::string::npos)
      << failure_;
  append_.loads_truncated = true;
  restart(false);
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), whole);
}

TEST_F(AppendLogTest, DamageIsNotServed) {
  start();
  for (int i = 0; i < 5; ++i) ask(fmt::format("SET k{} v", i));
  end(false);
  const std::string before = file("appendonly.aof.1.incr.aof");
  const std::size_t at = before.find("k1");
  ASSERT_TRUE(machine_.disk().flip_bit("data/appendonlydir/appendonly.aof.1.incr.aof", at, 1));
  start();
  ASSERT_TRUE(run_until([&] { return !failure_.empty(); }));
  EXPECT_NE(failure_.find("data/appendonlydir/appendonly.aof.1.incr.aof is damaged at offset "), std::string::npos) << failure_;
  EXPECT_EQ(ask("GET k0"), "-LOADING Redis is loading the dataset in memory|");
  EXPECT_EQ(file("appendonly.aof.1.incr.aof").size(), before.size()) << "nothing was cut off";
}

TEST_F(AppendLogTest, ALogWithoutItsManifestIsNotWrittenOver) {
  start();
  ask("SET k v");
  end(false);
  ASSERT_TRUE(machine_.disk().remove("data/appendonlydir/appendonly.aof.manifest"));
  start();
  ASSERT_TRUE(run_until([&] { return !failure_.empty(); }));
  EXPECT_NE(failure_.find("but no data/appendonlydir/appendonly.aof.manifest"), std::string::npos) << failure_;
}

TEST_F(AppendLogTest, ADiskThatFailsRefusesWritesUntilThereIsANewBase) {
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  auto writer = connect();
  machine_.fail_disk(true);
  writer->say("SET k w");
  ASSERT_TRUE(run_until([&] { return !state().error.empty(); }));
  EXPECT_EQ(writer->received, "");
  EXPECT_EQ(state().error, "Input/output error");
  EXPECT_TRUE(state().is_on);
  auto other = connect();
  other->say("SET k x");
  run_for(2s);
  EXPECT_EQ(other->received, "") << "it tells of a value that is not durable: a refusal waits behind what came before, too";
  machine_.fail_disk(false);
  ASSERT_TRUE(run_until([&] { return !writer->received.empty(); }));
  EXPECT_EQ(writer->received, "+OK\r\n");
  ASSERT_TRUE(run_until([&] { return !other->received.empty(); }));
  EXPECT_EQ(other->received, "-MISCONF Errors writing to the AOF file: Input/output error\r\n");
  EXPECT_EQ(ask("SET l v"), "+OK|");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|w|");
  EXPECT_EQ(ask("GET l"), "$1|v|");
}

TEST_F(AppendLogTest, AFullDiskIsWaitedFor) {
  append_.sync = SyncPolicy::everysec;
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  run_for(2s);
  machine_.disk().options.capacity -= machine_.disk().free_space();
  const std::string value(10'000, 'x');
  EXPECT_EQ(ask("SET l " + value), "+OK|");
  ASSERT_TRUE(run_until([&] { return !state().error.empty(); }));
  EXPECT_EQ(ask("SET k w"), "-MISCONF Errors writing to the AOF file: No space left on device|");
  EXPECT_EQ(ask("EVAL \"return redis.call('SET', KEYS[1], 'w')\" 1 k").substr(0, 8), "-MISCONF");
  EXPECT_EQ(ask("GET k"), "$1|v|");
  machine_.disk().options.capacity = std::uint64_t{1} << 40;
  ASSERT_TRUE(run_until([&] { return state().error.empty(); }));
  EXPECT_EQ(ask("SET m v"), "+OK|");
  EXPECT_EQ(ask("WAITAOF 1 0 0", 3), "*2|:1|:0|");
  restart();
  EXPECT_EQ(ask("STRLEN l"), ":10000|");
  EXPECT_EQ(ask("GET m"), "$1|v|");
}

TEST_F(AppendLogTest, WaitaofWaitsAndGivesUp) {
  append_.sync = SyncPolicy::no;
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("WAITAOF 2 0 0"), "-ERR value is out of range, value must between 0 and 1|");
  EXPECT_EQ(ask("WAITAOF 1 -1 0"), "-ERR value is out of range, must be positive|");
  EXPECT_EQ(ask("WAITAOF 1 0 -1"), "-ERR timeout is negative|");
  EXPECT_EQ(ask("WAITAOF 1 0 x"), "-ERR timeout is not an integer or out of range|");
  EXPECT_EQ(ask("SET k v"), "+OK|");
  EXPECT_EQ(ask("WAITAOF 1 0 300", 3), "*2|:0|:0|");
  EXPECT_EQ(ask("WAITAOF 0 1 300", 3), "*2|:0|:0|") << "there are no replicas";
  EXPECT_EQ(ask("CONFIG SET appendfsync everysec"), "+OK|");
  EXPECT_EQ(ask("WAITAOF 1 0 0", 3), "*2|:1|:0|");
}

TEST_F(AppendLogTest, AnEndInOrderKeepsAll) {
  append_.sync = SyncPolicy::no;
  machine_.disk().power_loss = sim::PowerLoss::lose;
  start();
  for (int i = 0; i < 50; ++i) ask("INCR n");
  end_in_order();
  restart();
  EXPECT_EQ(ask("GET n"), "$2|50|");
}

TEST_F(AppendLogTest, AllIsReadAgainWhenAskedFor) {
  append_.sync = SyncPolicy::everysec;
  start();
  ask("SET k v");
  ask("RPUSH l a b c");
  ask("PEXPIRE l 100000000");
  EXPECT_EQ(ask("DEBUG LOADAOF"), "+OK|");
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("LLEN l"), ":3|");
  EXPECT_EQ(ask("DBSIZE"), ":2|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  restart(false);
  EXPECT_EQ(ask("GET k"), "$1|w|");
}

TEST_F(AppendLogTest, SnapshotsAndRewritesTakeTurns) {
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("DEBUG POPULATE 5000 key 3000"), "+OK|");
  auto other = connect();
  other->say("BGSAVE");
  other->say("BGREWRITEAOF");
  ASSERT_TRUE(
      run_until([&] { return other->received.find("AOF") != std::string::npos || other->received.find("file") != std::string::npos; }));
  EXPECT_EQ(other->received, "+Background saving started\r\n+Background append only file rewriting scheduled\r\n");
  ASSERT_TRUE(run_until([&] { return state().is_rewriting; }));
  other->received.clear();
  other->say("BGSAVE");
  other->say("BGSAVE SCHEDULE");
  other->say("BGREWRITEAOF");
  other->say("SAVE");
  ASSERT_TRUE(run_until([&] { return std::count(other->received.begin(), other->received.end(), '\n') == 4; }));
  EXPECT_EQ(
      other->received,
      "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever "
      "possible.\r\n+Background saving scheduled\r\n-ERR Background append only file rewriting already in progress\r\n+OK\r\n");
  EXPECT_FALSE(state().is_rewriting);
  EXPECT_EQ(node_->facts().save.saves, 2U);
}

TEST_F(AppendLogTest, ShutdownSavesAndEnds) {
  append_.is_on = false;
  start();
  ask("SET k v");
  EXPECT_EQ(ask("SHUTDOWN SAVE NOSAVE"), "-ERR syntax error|");
  EXPECT_EQ(ask("SHUTDOWN ABORT NOW"), "-ERR syntax error|");
  EXPECT_EQ(ask("SHUTDOWN ABORT"), "-ERR No shutdown in progress.|");
  machine_.fail_disk(true);
  EXPECT_EQ(ask("SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.|");
  EXPECT_FALSE(has_asked_to_end_);
  machine_.fail_disk(false);
  auto other = connect();
  other->say("SHUTDOWN SAVE");
  ASSERT_TRUE(run_until([&] { return has_asked_to_end_; }));
  end_in_order();
  ASSERT_TRUE(run_until([&] { return other->is_closed; }));
  EXPECT_EQ(other->received, "");
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
}

TEST_F(AppendLogTest, WhatIsWrittenWhileShutdownSavesIsSaved) {
  append_.is_on = false;
  start();
  EXPECT_EQ(ask("DEBUG POPULATE 5000 key 3000"), "+OK|");
  auto other = connect();
  other->say("SHUTDOWN SAVE");
  ASSERT_TRUE(run_until([&] { return node_->facts().is_saving; }));
  EXPECT_EQ(ask("SET k v"), "+OK|");
  ASSERT_FALSE(has_asked_to_end_);
  ASSERT_TRUE(run_until([&] { return has_asked_to_end_; }));
  end_in_order();
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
}

TEST_F(AppendLogTest, AnEndInOrderWaitsForTheFirstBase) {
  append_.is_on = false;
  start();
  EXPECT_EQ(ask("DEBUG POPULATE 5000 key 3000"), "+OK|");
  EXPECT_EQ(ask("SAVE"), "+OK|");
  append_.is_on = true;
  append_.sync = SyncPolicy::everysec;
  restart();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  ASSERT_TRUE(state().is_rewriting);
  end_in_order();
  restart();
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("DBSIZE"), ":5001|");
}

TEST_F(AppendLogTest, WaitaofEndsWhenTheLogDoes) {
  append_.sync = SyncPolicy::no;
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  auto other = connect();
  other->say("SET l v");
  other->say("WAITAOF 1 0 0");
  ASSERT_TRUE(run_until([&] { return node_->facts().blocked_clients == 1; }));
  EXPECT_EQ(ask("CONFIG SET appendonly no"), "+OK|");
  ASSERT_TRUE(run_until([&] { return other->received.size() > 10; }));
  // It was synced at the end, or there is none to be synced any more.
  EXPECT_TRUE(other->received == "+OK\r\n*2\r\n:1\r\n:0\r\n" ||
              other->received == "+OK\r\n-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n")
      << other->received;
}

TEST_F(AppendLogTest, ShutdownNosaveSavesNothing) {
  append_.is_on = false;
  save_.points = "3600 1";
  start();
  ask("SET k v");
  auto other = connect();
  other->say("SHUTDOWN NOSAVE");
  ASSERT_TRUE(run_until([&] { return has_asked_to_end_; }));
  end_in_order();
  restart(false);
  EXPECT_EQ(ask("GET k"), "$-1|");
}

}  // namespace
}  // namespace chorus::cache
