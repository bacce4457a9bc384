// A server follows somebody who says what a primary never would.
#include <fmt/format.h>

#include <functional>

#include "cache/replication/replication_fixture.h"
#include "cache/scripts/scripts.h"

namespace chorus::cache {
namespace {

class HostilePrimary : public ReplicationTest {
 protected:
  HostilePrimary() {
    node_ = add();
    ask(node_, "set mine v");
    ask(node_, "replicaof 10.0.0.1 6379");
  }
  /// Connects; what it asks for is answered as far as PSYNC.
  void meet() {
    now_.unix_us += 2'000'000;
    now_.monotonic_us += 2'000'000;
    server(node_).tick(now(node_));
    const auto dial = server(node_).take_dial();
    ASSERT_TRUE(dial);
    EXPECT_EQ(dial->to, (world::Address{"10.0.0.1", 6379}));
    link_ = ClientId(++machines_[node_]->last_id + 1000);
    ASSERT_TRUE(server(node_).connect_primary(dial->number, link_, "10.0.0.1:6379", "10.0.0.2:1", now(node_)));
    EXPECT_EQ(hear(), "*1\r\n$4\r\nPING\r\n");
    say("+PONG\r\n");
    EXPECT_EQ(
        hear(),
        "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n7000\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n"
        "$6\r\npsync2\r\n*3\r\n$8\r\nREPLCONF\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n");
    say("+OK\r\n+OK\r\n-ERR Unrecognized REPLCONF option: version\r\n");
    asked_ = hear();
  }
  std::string hear() {
    std::vector<Output> outputs;
    std::string heard;
    server(node_).take_outputs(outputs);
    for (const Output& output : outputs) {
      if (output.client == link_) heard += output.octets + (output.closes ? "<end>" : "");
    }
    return heard;
  }
  void say(std::string_view octets) { server(node_).receive(link_, octets, now(node_)); }
  bool has_ended() {
    const bool is_over = hear().ends_with("<end>");
    server(node_).disconnect(link_);
    return is_over;
  }
  std::string snapshot() {
    Server other({}, 1, now_);
    other.connect(ClientId(1), "127.0.0.1:1", "127.0.0.1:2", now_);
    other.receive(ClientId(1), "set theirs v\r\nrpush list a b c\r\nset over v px 1\r\n", now_);
    other.begin_save();
    while (!other.step_save(1U << 20)) {
    }
    std::string file = other.take_save();
    other.end_save({}, now_);
    return file;
  }

  std::size_t node_ = 0;
  ClientId link_{0};
  std::string asked_;
};

constexpr const char* id = "0123456789012345678901234567890123456789";
constexpr const char* mark = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

TEST_F(HostilePrimary, AsAPrimaryDoes) {
  const std::string file = snapshot();
  for (const bool by_mark : {true, false}) {
    for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
      ask(node_, "replicaof no one");
      ask(node_, "replicaof 10.0.0.1 6379");
      meet();
      const std::string all =
          fmt::format("\n\n+FULLRESYNC {} 1000\r\n\n", id) +
          (by_mark ? fmt::format("$EOF:{}\r\n{}{}", mark, file, mark) : fmt::format("${}\r\n{}", file.size(), file)) +
          "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";
      for (std::size_t at = 0; at < all.size(); at += piece) say(all.substr(at, piece));
      const std::string heard = hear();
      // At once when it has all keys, and as asked for: what was before the question.
      EXPECT_NE(heard.find("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$4\r\n1000\r\n"), std::string::npos) << heard;
      const std::string ack = std::to_string(1000 + 23 + 27);
      EXPECT_TRUE(heard.ends_with(fmt::format("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n${}\r\n{}\r\n", ack.size(), ack))) << heard;
      EXPECT_EQ(ask(node_, "get theirs"), "$1\r\nv\r\n");
      EXPECT_EQ(ask(node_, "exists mine"), ":0\r\n");
      EXPECT_EQ(info(node_, "master_replid"), id);
      server(node_).disconnect(link_);
    }
  }
}

TEST_F(HostilePrimary, WhatItSaysInPlaceOfASnapshot) {
  const std::string file = snapshot();
  std::string damaged = file;
  damaged[file.size() / 2] = static_cast<char>(damaged[file.size() / 2] ^ 0x55);
  const std::string full = fmt::format("+FULLRESYNC {} 1\r\n", id);
  const std::string cases[] = {
      "+FULLRESYNC x 1\r\n",
      fmt::format("+FULLRESYNC {} x\r\n", id),
      fmt::format("+FULLRESYNC {} -5\r\n", id),
      fmt::format("+FULLRESYNC {} 9223372036854775807\r\n", id),
      "+CONTINUE\r\n",
      "+OK\r\n",
      "-NOMASTERLINK Can't SYNC while not connected with my master\r\n",
      "-NOPERM this user has no permissions\r\n",
      std::string(100'000, 'x'),
      full + "$-1\r\n",
      full + "$0\r\n",
      full + "$x\r\n",
      full + "$EOF:short\r\n",
      full + fmt::format("${}\r\n{}", file.size() - 1, file),
      full + fmt::format("${}\r\n{}xx", file.size() + 2, file),
      full + fmt::format("${}\r\n{}", damaged.size(), damaged),
      full + fmt::format("$EOF:{}\r\n{}{}", mark, file, std::string(40, 'x')),
      full + "$10\r\nnot a file",
  };
  for (const std::string& answer : cases) {
    meet();
    EXPECT_EQ(asked_, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    say(answer);
    EXPECT_TRUE(has_ended()) << answer.substr(0, 200);
    EXPECT_EQ(info(node_, "master_link_status"), "down");
    // What is here stays until there is something whole to take its place.
    EXPECT_EQ(ask(node_, "get mine"), "$1\r\nv\r\n") << answer.substr(0, 200);
  }
  // And what was begun leaves nothing.
  meet();
  say(full + fmt::format("$EOF:{}\r\n{}", mark, file.substr(0, file.size() / 2)));
  EXPECT_EQ(info(node_, "master_sync_in_progress"), "1");
  EXPECT_EQ(ask(node_, "get mine"), "$1\r\nv\r\n");
  server(node_).disconnect(link_);
  EXPECT_EQ(ask(node_, "dbsize"), ":1\r\n");
}

TEST_F(HostilePrimary, ServersBeforePsync) {
  const std::string file = snapshot();
  meet();
  say("-ERR unknown command 'PSYNC'\r\n");
  EXPECT_EQ(hear(), "*1\r\n$4\r\nSYNC\r\n");
  say(fmt::format("${}\r\n{}*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n", file.size(), file));
  EXPECT_EQ(hear(), "");  // it is acknowledged nothing
  EXPECT_EQ(ask(node_, "get k"), "$1\r\nv\r\n");
  EXPECT_EQ(info(node_, "master_link_status"), "up");
}

TEST_F(HostilePrimary, ItsStreamCannotEndTheServer) {
  const std::string file = snapshot();
  const auto begin = [&] {
    ask(node_, "replicaof no one");
    ask(node_, "replicaof 10.0.0.1 6379");
    meet();
    say(fmt::format("+FULLRESYNC {} 0\r\n${}\r\n{}", id, file.size(), file));
    EXPECT_EQ(info(node_, "master_link_status"), "up");
    hear();
  };
  const char* lines[] = {"replicaof no one",
                         "psync ? -1",
                         "sync",
                         "quit",
                         "reset",
                         "client kill type master",
                         "blpop none 0",
                         "wait 1 0",
                         "subscribe c",
                         "monitor",
                         "multi",
                         "exec",
                         "get",
                         "nonsense",
                         "failover",
                         "hello 3",
                         "client reply off",
                         "client kill type replica",
                         "eval \"return redis.call('set', 'k', 'v')\" 0",
                         "debug sleep 1",
                         "config set maxmemory 1",
                         "client pause 100000 write",
                         "xreadgroup group g c block 0 streams s >",
                         "watch k",
                         "slaveof 127.0.0.1 1"};
  for (const char* line : lines) {
    begin();
    say(std::string(line) + "\r\n");
    say("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nw\r\n");
    server(node_).tick(now(node_));
    hear();
    server(node_).disconnect(link_);
    ask(node_, "client unpause");
    ask(node_, "config set maxmemory 0");
    EXPECT_EQ(ask(node_, "ping"), "+PONG\r\n") << line;
    EXPECT_EQ(info(node_, "role"), "slave") << line;
  }
  // What cannot be read is not passed on, and all keys are asked for: the same would come again.
  begin();
  say("*1\r\n$x\r\n*3\r\n$3\r\nset\r\n");
  EXPECT_TRUE(has_ended());
  EXPECT_FALSE(of(node_).stream().is_kept());
  EXPECT_EQ(of(node_).stream().end(), 0);
  meet();
  EXPECT_EQ(asked_, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
}

struct Watch final : ScriptWatch {
  Now now() override { return time; }
  void let_others_in() override { others(); }
  void log(int /*level*/, std::string_view /*line*/) override {}
  Now time;
  std::function<void()> others;
};

TEST_F(HostilePrimary, WhatComesDuringAScriptComesFirst) {
  const std::string file = snapshot();
  meet();
  say(fmt::format("+FULLRESYNC {} 0\r\n${}\r\n{}", id, file.size(), file));
  Watch watch;
  watch.time = now(node_);
  watch.time.monotonic_us += 10'000'000;
  watch.others = [&] {
    say("*3\r\n$3\r\nset\r\n$1\r\nk\r\n");
    server(node_).scripts().kill();
  };
  server(node_).watch_scripts(&watch);
  EXPECT_NE(ask(node_, "eval \"while true do end\" 0").find("SCRIPT KILL"), std::string::npos);
  EXPECT_EQ(ask(node_, "get k"), "$-1\r\n");
  say("$1\r\nv\r\n");
  EXPECT_EQ(ask(node_, "get k"), "$1\r\nv\r\n");
  EXPECT_EQ(of(node_).stream().end(), 27);
  // And without more it is done by itself.
  watch.others = [&] {
    say("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nw\r\n");
    server(node_).scripts().kill();
  };
  ask(node_, "eval \"while true do end\" 0");
  server(node_).tick(now(node_));
  EXPECT_EQ(ask(node_, "get k"), "$1\r\nw\r\n");
  server(node_).watch_scripts(nullptr);
}

}  // namespace
}  // namespace chorus::cache
