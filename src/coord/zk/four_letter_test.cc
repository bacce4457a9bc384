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

}  // namespace
}  // namespace chorus::coord::zk
