// MIGRATE between two servers, with the connections between them in the test's hands. Errors: Redis 7.2.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cache/cluster/migrator.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using What = cluster::LinkAction::What;

class MigrateTest : public ServerTest {
 protected:
  explicit MigrateTest(ServerOptions theirs = {}) : other(std::move(theirs), 7, now) {}

  /// What the server wants of its connections; what it says is gathered by connection.
  void look() {
    for (cluster::LinkAction& action : server.take_link_actions()) {
      if (action.what == What::dial) dialed.push_back(action);
      if (action.what == What::send) said[action.link] += action.octets;
      if (action.what == What::close) closed.push_back(action.link);
    }
  }
  std::uint64_t connect() {
    look();
    EXPECT_FALSE(dialed.empty());
    const std::uint64_t link = dialed.back().link;
    server.link_up(link, now);
    look();
    return link;
  }
  void answer(std::uint64_t link, std::string_view octets) {
    server.link_data(link, octets, now);
    look();
    collect();
  }
  /// The other server takes what was said, and its answers come back.
  void exchange(std::uint64_t link) {
    for (look(); !said[link].empty(); look()) {
      const ClientId id(1000 + link);
      if (other.find_client(id) == nullptr) other.connect(id, "127.0.0.1:1", "127.0.0.1:2", now);
      other.receive(id, std::exchange(said[link], {}), now);
      std::vector<Output> outputs;
      std::string octets;
      for (other.take_outputs(outputs); !outputs.empty(); other.take_outputs(outputs)) {
        for (const Output& output : outputs) octets += output.octets;
      }
      answer(link, octets);
    }
  }
  std::string ask_other(std::string_view line) {
    const ClientId id(1);
    if (other.find_client(id) == nullptr) other.connect(id, "127.0.0.1:1", "127.0.0.1:2", now);
    other.receive(id, std::string(line) + "\r\n", now);
    std::vector<Output> outputs;
    std::string text;
    for (other.take_outputs(outputs); !outputs.empty(); other.take_outputs(outputs)) {
      for (const Output& output : outputs) text += output.octets;
    }
    return text;
  }

  Server other;
  std::vector<cluster::LinkAction> dialed;
  std::map<std::uint64_t, std::string> said;
  std::vector<std::uint64_t> closed;
};

TEST_F(MigrateTest, KeysGoToTheOtherServer) {
  ask("set a 1");
  ask("set b 2 px 5000");
  ask("rpush c x y z");
  effects();
  EXPECT_EQ(ask("migrate 10.0.0.2 6380 \"\" 0 1000 keys a none b c"), "");
  const std::uint64_t link = connect();
  EXPECT_EQ(dialed.back().to.ip, "10.0.0.2");
  EXPECT_EQ(dialed.back().to.port, 6380);
  EXPECT_EQ(dialed.back().timeout_us, 1'000'000);
  exchange(link);
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(effects(), "DEL a, DEL b, DEL c");
  EXPECT_EQ(ask("dbsize"), ":0|");
  EXPECT_EQ(ask_other("get a"), "$1\r\n1\r\n");
  EXPECT_EQ(ask_other("pttl b"), ":5000\r\n");
  EXPECT_EQ(ask_other("lrange c 0 -1"), "*3\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n");
  // The connection is kept for a while.
  ask("set a 3");
  EXPECT_EQ(server.migrator().idle_links(), 1U);
  EXPECT_EQ(ask("migrate 10.0.0.2 6380 a 0 1000"), "");
  exchange(link);
  EXPECT_EQ(take(1), "-ERR Target instance replied with error: BUSYKEY Target key name already exists.|");
  EXPECT_EQ(ask("get a"), "$1|3|");
  EXPECT_EQ(ask("migrate 10.0.0.2 6380 a 0 1000 copy replace"), "");
  exchange(link);
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(dialed.size(), 1U);
  EXPECT_EQ(ask("get a"), "$1|3|");
  EXPECT_EQ(ask_other("get a"), "$1\r\n3\r\n");
  pass(10'000);
  tick();
  look();
  EXPECT_EQ(closed, std::vector<std::uint64_t>{link});
}

TEST_F(MigrateTest, IsRefusedWhereItMakesNoSense) {
  ask("set a 1");
  EXPECT_EQ(ask("migrate h 1 none 0 1000"), "+NOKEY|");
  EXPECT_EQ(ask("migrate h 1 \"\" 0 1000 keys none none"), "+NOKEY|");
  EXPECT_EQ(ask("migrate h 1 a 0 1000 keys a"), "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string|");
  EXPECT_EQ(ask("migrate h 1 a 0 1000 what"), "-ERR syntax error|");
  EXPECT_EQ(ask("migrate h 1 a 0 1000 auth"), "-ERR syntax error|");
  EXPECT_EQ(ask("migrate h 1 a 0 1000 auth2 u"), "-ERR syntax error|");
  EXPECT_EQ(ask("migrate h 1 a 0 x"), "-ERR value is not an integer or out of range|");
  EXPECT_EQ(ask("migrate h 1 a x 0"), "-ERR value is not an integer or out of range|");
  EXPECT_EQ(ask("migrate h 70000 a 0 1000"), "-IOERR error or timeout connecting to the client|");
  EXPECT_EQ(ask("migrate h 1 a 0"), "-ERR wrong number of arguments for 'migrate' command|");
  EXPECT_EQ(ask("eval \"return redis.call('migrate', 'h', '1', KEYS[1], '0', '1000')\" 1 a").substr(0, 5), "-ERR ");
  look();
  EXPECT_TRUE(dialed.empty());
}

TEST_F(MigrateTest, NobodyAnswers) {
  ask("set a 1");
  EXPECT_EQ(ask("migrate h 1 a 0 500"), "");
  look();
  server.link_down(dialed.back().link, "refused", now);
  collect();
  EXPECT_EQ(take(1), "-IOERR error or timeout connecting to the client|");
  EXPECT_EQ(ask("migrate h 1 a 0 500"), "");
  pass(500);
  tick();
  EXPECT_EQ(take(1), "-IOERR error or timeout connecting to the client|");
  // A connection that is lost before anything was answered is tried once more.
  EXPECT_EQ(ask("migrate h 1 a 0 500"), "");
  const std::uint64_t first = connect();
  EXPECT_THAT(said[first], HasSubstr("RESTORE"));
  server.link_down(first, "reset", now);
  const std::uint64_t second = connect();
  EXPECT_NE(first, second);
  EXPECT_EQ(said[second], said[first]);
  server.link_down(second, "reset", now);
  collect();
  EXPECT_EQ(take(1), "-IOERR error or timeout reading to target instance|");
  EXPECT_EQ(ask("migrate h 1 a 0 500"), "");
  connect();
  pass(600);
  tick();
  EXPECT_EQ(take(1), "-IOERR error or timeout reading to target instance|");
  EXPECT_EQ(ask("get a"), "$1|1|");
}

TEST_F(MigrateTest, OthersAreServedAndThoseOfTheKeyWait) {
  ask("set a 1");
  ask("set b 1");
  EXPECT_EQ(ask("migrate h 1 a 0 1000"), "");
  const std::uint64_t link = connect();
  EXPECT_EQ(ask("incr b", 2), ":2|");
  EXPECT_EQ(ask("incr a", 2), "");
  EXPECT_EQ(ask("multi", 3), "+OK|");
  EXPECT_EQ(ask("incr a", 3), "+QUEUED|");
  EXPECT_EQ(ask("exec", 3), "");
  answer(link, "+OK\r\n+OK\r\n");
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(take(2), ":1|");
  EXPECT_EQ(take(3), "*1|:2|");
}

TEST_F(MigrateTest, WhatChangesTheKeyAllTheSameGoesThereToo) {
  ask("set a 1");
  EXPECT_EQ(ask("migrate h 1 a 0 1000"), "");
  std::uint64_t link = connect();
  EXPECT_EQ(ask("eval \"return redis.call('set', 'a', '2')\" 0", 2), "+OK|");
  exchange(link);
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(ask("get a"), "$-1|");
  EXPECT_EQ(ask_other("get a"), "$1\r\n2\r\n");
  // And one that goes is not there afterwards.
  ask("set b 1");
  EXPECT_EQ(ask("migrate h 1 b 0 1000"), "");
  look();
  EXPECT_EQ(ask("flushall", 2), "+OK|");
  exchange(link);
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(ask_other("exists b"), ":0\r\n");
}

TEST_F(MigrateTest, ASecretIsShownToNobody) {
  ask("set a 1");
  ask("config set slowlog-log-slower-than 0");
  EXPECT_EQ(ask("migrate h 1 a 0 1000 auth2 anna secret"), "");
  const std::uint64_t link = connect();
  EXPECT_THAT(said[link],
              StartsWith("*3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*4\r\n$7\r\nRESTORE\r\n"));
  // Nothing else is believed then.
  answer(link, "-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(take(1), "-ERR Target instance replied with error: WRONGPASS invalid username-password pair or user is disabled.|");
  EXPECT_EQ(ask("get a"), "$1|1|");
  EXPECT_THAT(ask("slowlog get 10", 2), testing::Not(HasSubstr("secret")));
}

TEST_F(MigrateTest, AWindowIsUnderWay) {
  std::string keys;
  for (int i = 0; i < 64; ++i) {
    ask(fmt::format("setrange k{} 99999 x", i));
    keys += fmt::format(" k{}", i);
  }
  ask("config set rdbcompression no");
  EXPECT_EQ(ask("migrate h 1 \"\" 0 1000 keys" + keys), "");
  const std::uint64_t link = connect();
  EXPECT_LT(said[link].size(), 1'300'000U);
  exchange(link);
  EXPECT_EQ(take(1), "+OK|");
  EXPECT_EQ(ask("dbsize"), ":0|");
  EXPECT_EQ(ask_other("dbsize"), ":64\r\n");
}

}  // namespace
}  // namespace chorus::cache
