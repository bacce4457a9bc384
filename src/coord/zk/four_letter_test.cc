#include "coord/zk/four_letter.h"

#include <gtest/gtest.h>

#include "coord/zk/words.h"

namespace chorus::coord::zk {
namespace {

class FourLetterTest : public testing::Test {
 protected:
  FourLetterTest() : server_(options(), std::make_unique<Database>(true), world::Instant{std::chrono::seconds(9)}, 1) {}
  static Options options() {
    Options options;
    options.four_letter_words = {"*"};
    options.build = "0.1.0-abc, built on a day";
    options.data_dir = "/d";
    return options;
  }
  std::string ask(std::string_view word) {
    return answer(word, server_,
                  {.open_files = 7, .open_files_max = 1024, .data_dir_octets = 3, .log_dir_octets = 4, .uptime = milliseconds(5)});
  }
  Server server_;
};

TEST_F(FourLetterTest, ServerLines) {
  EXPECT_EQ(
      ask("srvr"),
      "Zookeeper version: 3.9.5-chorus-0.1.0-abc, built on a day\nLatency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\nConnections: 0\n"
      "Outstanding: 0\nZxid: 0x0\nMode: standalone\nNode count: 5\n");
  EXPECT_EQ(ask("ruok"), "imok");
  EXPECT_EQ(ask("isro"), "rw");
}

TEST_F(FourLetterTest, Configuration) {
  EXPECT_EQ(
      ask("conf"),
      "clientPort=2181\nsecureClientPort=-1\ndataDir=/d/version-2\ndataDirSize=3\ndataLogDir=/d/version-2\ndataLogSize=4\ntickTime=2000\n"
      "maxClientCnxns=60\nminSessionTimeout=4000\nmaxSessionTimeout=40000\nclientPortListenBacklog=1024\nserverId=1\n");
}

TEST_F(FourLetterTest, ConnectionsAndWatches) {
  std::vector<Action> actions;
  const world::Instant now{std::chrono::seconds(9)};
  const world::WallTime wall{milliseconds(42)};
  server_.step({now, wall, Accepted{ConnectionId(1), {"127.0.0.1", 5555}, false, {}}}, actions);
  const std::string connect = jute::encode(jute::ConnectRequest{0, 0, 10'000, 0, std::string_view("0123456789abcdef")});
  std::string octets("\0\0\0\x2c", 4);
  octets += connect;
  server_.step({now, wall, Received{ConnectionId(1), octets}}, actions);
  for (Action& action : std::vector(std::exchange(actions, {}))) {
    if (auto* persist = std::get_if<Persist>(&action)) server_.step({now, wall, Persisted{persist->group}}, actions);
  }
  std::string watch;
  base::Writer out(watch);
  const std::string body = jute::encode(jute::RequestHeader{1, 3}) + jute::encode(jute::PathWatchRequest{"/w", true});
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.octets(body);
  server_.step({now, wall, Received{ConnectionId(1), watch}}, actions);
  EXPECT_EQ(ask("stat").substr(ask("stat").find('\n') + 1, 63), "Clients:\n /127.0.0.1:5555[1](queued=0,recved=2,sent=2)\n\nLatency");
  const std::string cons = ask("cons");
  EXPECT_TRUE(cons.starts_with(" /127.0.0.1:5555[1](queued=0,recved=2,sent=2,sid=0x1")) << cons;
  EXPECT_NE(cons.find(",lop=EXIS,est=42,to=10000,lcxid=0x1,lzxid=0x1,lresp=9000,llat=0,minlat=0,avglat=0,maxlat=0)\n\n"), std::string::npos)
      << cons;
  EXPECT_EQ(ask("wchs"), "1 connections watching 1 paths\nTotal watches:1\n");
  EXPECT_TRUE(ask("wchp").starts_with("/w\n\t0x1")) << ask("wchp");
  EXPECT_NE(ask("dump").find("Session Sets (1)/(1):"), std::string::npos) << ask("dump");
  EXPECT_EQ(ask("crst"), "Connection stats reset.\n");
  EXPECT_NE(ask("cons").find("recved=0,sent=0"), std::string::npos);
}

TEST_F(FourLetterTest, MonitorNamesItsValues) {
  const std::string text = ask("mntr");
  for (const char* line : {"zk_version\t3.9.5-chorus-0.1.0-abc, built on a day\n", "zk_server_state\tstandalone\n", "zk_znode_count\t5\n",
                           "zk_open_file_descriptor_count\t7\n", "zk_uptime\t5\n", "zk_cnt_updatelatency\t0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(FourLetterWords, UnlistedOnesSaySo) {
  Options options;
  options.four_letter_words = {"ruok"};
  Server server(options, std::make_unique<Database>(true), world::Instant{}, 1);
  EXPECT_EQ(answer("mntr", server, {}), "mntr is not executed because it is not in the whitelist.\n");
  EXPECT_EQ(answer("ruok", server, {}), "imok");
  EXPECT_TRUE(answer("srvr", server, {}).starts_with("Zookeeper version: 3.9.5"));  // always listed
  EXPECT_TRUE(is_known_word("wchc"));
  EXPECT_FALSE(is_known_word("xxxx"));
}

class MemberWordsTest : public testing::Test {
 protected:
  static Options options() {
    Options options;
    options.four_letter_words = {"*"};
    options.build = "0.1.0-abc, built on a day";
    options.data_dir = "/d";
    options.server_id = 2;
    options.ensemble.members = members;
    return options;
  }
  std::string ask(std::string_view word) { return answer(word, server_, {.data_dir_octets = 3, .log_dir_octets = 4}, &quorum_); }
  static std::string value(const std::string& mntr, const std::string& name) {
    const std::string key = "zk_" + name + "\t";
    const std::size_t at = mntr.find(key);
    return at == std::string::npos ? "none" : mntr.substr(at + key.size(), mntr.find('\n', at) - at - key.size());
  }

  static const zab::EnsembleConfig members;
  Server server_{options(), std::make_unique<Database>(true), world::Instant{std::chrono::seconds(9)}, 1};
  QuorumFacts quorum_{.role = zab::Role::leading, .leader = 2, .config = members};
};
const zab::EnsembleConfig MemberWordsTest::members =
    *zab::parse_config("server.1=a:2881:3881;2181\nserver.2=b:2882:3882|c:2892:3892;2182\nserver.3=d:1:2:observer;2183");

// What a Java leader, follower and observer say, with the values of this one.
TEST_F(MemberWordsTest, ModeIsTheRole) {
  EXPECT_TRUE(ask("srvr").ends_with("Zxid: 0x0\nMode: leader\nNode count: 5\nProposal sizes last/min/max: -1/-1/-1\n")) << ask("srvr");
  quorum_.last_committed = 0x200000000;
  EXPECT_NE(ask("srvr").find("Zxid: 0x200000000\nMode: leader\n"), std::string::npos) << "where its epoch begins";
  quorum_.statistics.add_proposal(48);
  quorum_.statistics.add_proposal(36);
  quorum_.statistics.add_proposal(40);
  EXPECT_TRUE(ask("stat").ends_with("Mode: leader\nNode count: 5\nProposal sizes last/min/max: 40/36/48\n")) << ask("stat");
  quorum_.role = zab::Role::following;
  EXPECT_TRUE(ask("srvr").ends_with("Mode: follower\nNode count: 5\n")) << ask("srvr");
  quorum_.role = zab::Role::observing;
  EXPECT_TRUE(ask("srvr").ends_with("Mode: observer\nNode count: 5\n")) << ask("srvr");
  EXPECT_EQ(ask("isro"), "rw");
  quorum_.role = zab::Role::looking;
  EXPECT_TRUE(
      ask("srvr").starts_with("Zookeeper version: 3.9.5-chorus-0.1.0-abc, built on a day\n"
                              "READ-ONLY mode; serving only read-only clients\nLatency min/avg/max: "));
  EXPECT_TRUE(ask("srvr").ends_with("Mode: read-only\nNode count: 5\n")) << ask("srvr");
  EXPECT_EQ(ask("isro"), "ro");
}

TEST_F(MemberWordsTest, ConfigurationNamesTheMembers) {
  const std::string conf = ask("conf");
  EXPECT_TRUE(
      conf.ends_with("serverId=2\ninitLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3882|3892\nquorumPort=2882|2892\n"
                     "peerType=0\nmembership: \nserver.1=a:2881:3881:participant;0.0.0.0:2181\n"
                     "server.2=b:2882:3882|c:2892:3892:participant;0.0.0.0:2182\n"
                     "server.3=d:1:2:observer;0.0.0.0:2183\nversion=0"))
      << conf;
  quorum_.config = *zab::parse_config("server.1=a:2881:3881;2181\nversion=5");  // we were removed: what we listen on is still ours
  EXPECT_NE(ask("conf").find("quorumPort=2882|2892\n"), std::string::npos) << ask("conf");
}

TEST_F(MemberWordsTest, MonitorHasTheValuesOfTheRole) {
  quorum_.learners = {
      {.id = 1, .is_synced = true}, {.id = 3, .is_observer = true, .is_synced = true}, {.id = 4, .is_synced = true}, {.id = 5}};
  quorum_.leader_uptime = milliseconds(77);
  quorum_.statistics.election.add(30);
  const std::string leader = ask("mntr");
  const std::pair<const char*, const char*> wanted[] = {
      {"server_state", "leader"}, {"peer_state", "leading - broadcast"}, {"quorum_size", "2"},          {"learners", "4"},
      {"synced_followers", "2"},  {"synced_non_voting_followers", "1"},  {"synced_observers", "1"},     {"pending_syncs", "0"},
      {"leader_uptime", "77"},    {"last_proposal_size", "-1"},          {"proposal_count", "0"},       {"max_election_time", "30"},
      {"cnt_election_time", "1"}, {"avg_unavailable_time", "0.0"},       {"observer_master_id", "none"}};
  for (const auto& [name, text] : wanted) EXPECT_EQ(value(leader, name), text) << name;

  quorum_.role = zab::Role::following;
  EXPECT_EQ(value(ask("mntr"), "peer_state"), "following - broadcast");
  EXPECT_EQ(value(ask("mntr"), "learners"), "none");
  EXPECT_EQ(value(ask("mntr"), "synced_observers"), "none") << "no follower is the master of observers";
  quorum_.role = zab::Role::observing;
  EXPECT_EQ(value(ask("mntr"), "peer_state"), "observing - broadcast");
  EXPECT_EQ(value(ask("mntr"), "observer_master_id"), "2");
}

TEST_F(MemberWordsTest, LearnersDumpSessionsWithoutTheirExpiry) {
  auto database = std::make_unique<Database>(true);
  database->sessions[0x200000001] = 4000;
  database->sessions[0x100000001] = 30'000;
  Server server(options(), std::move(database), world::Instant{}, 1);
  quorum_.role = zab::Role::following;
  EXPECT_TRUE(
      answer("dump", server, {}, &quorum_)
          .starts_with("SessionTracker dump:\nGlobal Sessions(2):\n0x100000001\t30000ms\n0x200000001\t4000ms\nephemeral nodes dump:\n"));
}

TEST(FourLetterWords, WithoutServiceTheySaySo) {
  Options options;
  options.four_letter_words = {"*"};
  for (const char* word : {"srvr", "stat", "mntr", "conf", "cons", "dump", "wchs", "dirs", "hash", "crst", "srst"}) {
    EXPECT_EQ(answer_while_not_serving(word, options), "This ZooKeeper instance is not currently serving requests\n") << word;
  }
  EXPECT_EQ(answer_while_not_serving("ruok", options), "imok");
  EXPECT_EQ(answer_while_not_serving("isro", options), "null");
  EXPECT_TRUE(answer_while_not_serving("envi", options).starts_with("Environment:\n"));
  options.four_letter_words = {};
  EXPECT_EQ(answer_while_not_serving("ruok", options), "ruok is not executed because it is not in the whitelist.\n");
  EXPECT_EQ(answer_while_not_serving("isro", options), "isro is not executed because it is not in the whitelist.\n");
}

}  // namespace
}  // namespace chorus::coord::zk
