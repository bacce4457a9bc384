#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/config/load.h"
#include "app/config/property.h"
#include "app/config/zoo_keys.h"
#include "base/text.h"

namespace chorus::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Config : public ::testing::Test {
 protected:
  Config() : directory_(std::filesystem::temp_directory_path() / ("chorus_config_" + std::to_string(getpid()))) {
    std::filesystem::create_directory(directory_);
  }
  ~Config() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view text) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::vector<std::string> problems(const Sources& sources) {
    try {
      load(sources);
    } catch (const ConfigError& e) {
      std::vector<std::string> out = e.problems();
      for (std::string& line : out) {  // the folder's name differs from run to run
        if (line.starts_with(directory_.string())) line.erase(0, directory_.string().size() + 1);
      }
      return out;
    }
    return {};
  }

  std::filesystem::path directory_;
};

TEST(Properties, EveryDefaultReadsBackAndKeysAreInOrder) {
  std::set<std::string_view> seen;
  for (const Property& property : properties()) {
    SCOPED_TRACE(property.key);
    EXPECT_TRUE(seen.insert(property.key).second);
    EXPECT_THAT(std::string(property.help), ::testing::EndsWith("."));
    Settings settings;
    const std::string text = property.get(settings);
    EXPECT_EQ(property.set(settings, text, property), "");
    EXPECT_EQ(property.get(settings), text);
    if (property.kind == Kind::integer) {
      EXPECT_LT(property.min, property.max);
    }
  }
}

TEST(ZooKeys, TargetsExistAndNamesAreUnique) {
  std::set<std::string_view> seen;
  for (const ZooKey& key : zoo_keys()) {
    EXPECT_TRUE(seen.insert(key.name).second) << key.name;
    if (!key.target.empty()) {
      EXPECT_NE(find_property(key.target), nullptr) << key.target;
    }
  }
}

TEST_F(Config, WithoutAnythingListensOnLoopbackOnly) {
  const Loaded loaded = load({});
  EXPECT_EQ(to_string(*loaded.settings.coord.client_address), "127.0.0.1:2181");
  EXPECT_EQ(to_string(*loaded.settings.admin.address), "127.0.0.1:8080");
  EXPECT_EQ(loaded.settings.coord.data_dir, "chorus-data");
  for (const auto& [key, entry] : loaded.values) EXPECT_EQ(entry.place, "default");
}

TEST_F(Config, CommandLineBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string path = file("chorus.toml", "[coord]\ntick_time_ms = 100\nsnap_count = 500\ndata_dir = \"/d\"\n");
  const Loaded loaded = load(
      {.file = path,
       .sets = {"coord.tick_time_ms=300"},
       .environment = {{"CHORUS_COORD_TICK_TIME_MS", "200"}, {"CHORUS_COORD_SNAP_COUNT", "600"}, {"HOME", "/"}, {"CHORUS_ELSE", "1"}}});
  EXPECT_EQ(loaded.settings.coord.tick_time.count(), 300);
  EXPECT_EQ(loaded.settings.coord.snap_count, 600);
  EXPECT_EQ(loaded.settings.coord.data_dir, "/d");
  EXPECT_EQ(loaded.values.at("coord.tick_time_ms").place, "--set");
  EXPECT_EQ(loaded.values.at("coord.snap_count").place, "environment CHORUS_COORD_SNAP_COUNT");
  EXPECT_EQ(loaded.values.at("coord.data_dir").place, path + ":4");
  EXPECT_EQ(loaded.values.at("log.level").place, "default");
}

TEST_F(Config, AllProblemsAreReportedAtOnce) {
  const std::string path = file("chorus.toml",
                                "[coord]\n"
                                "tick_tim_ms = 100\n"
                                "snap_count = \"many\"\n"
                                "force_sync = 1\n"
                                "client_address = \"localhost\"\n"
                                "[log]\n"
                                "level = \"loud\"\n"
                                "[banana]\n"
                                "x = 1\n");
  EXPECT_THAT(
      problems({.file = path, .sets = {"coord.tick_time_ms=0", "x", "log.levle=info"}, .environment = {{"CHORUS_COORD_TICK_TIME", "1"}}}),
      ::testing::UnorderedElementsAre(
          "chorus.toml:2: coord.tick_tim_ms is not a known key; did you mean coord.tick_time_ms?",
          "chorus.toml:3: coord.snap_count wants a whole number, without quotes",
          "chorus.toml:4: coord.force_sync wants true or false, without quotes",
          "chorus.toml:5: coord.client_address wants host:port (\"127.0.0.1:2181\", \"[::1]:2181\"), not 'localhost'",
          "chorus.toml:7: log.level wants one of trace, debug, info, warn, error, off, not 'loud'",
          "chorus.toml:9: banana.x is not a known key; 'chorus config --help-keys' lists them",
          "environment CHORUS_COORD_TICK_TIME: not known; did you mean CHORUS_COORD_TICK_TIME_MS?",
          "--set: coord.tick_time_ms wants 1 to 86400000, not 0", "--set x: wants table.key=value",
          "--set: log.levle is not a known key; did you mean log.level?"));
}

TEST_F(Config, FileProblems) {
  EXPECT_THAT(problems({.file = file("chorus.toml", "[coord\nx")}), ElementsAre(StartsWith("chorus.toml:1: not valid TOML: ")));
  EXPECT_THAT(problems({.file = (directory_ / "none.toml").string()}),
              ElementsAre("none.toml: cannot be read: No such file or directory; --config names the file"));
}

TEST_F(Config, ChecksAcrossKeys) {
  EXPECT_THAT(problems({.sets = {"coord.client_address="}}), ElementsAre(StartsWith("no address for clients")));
  EXPECT_THAT(problems({.sets = {"coord.min_session_timeout_ms=90000"}}),
              ElementsAre("coord.min_session_timeout_ms (90000) is larger than coord.max_session_timeout_ms (40000)"));
  EXPECT_THAT(problems({.sets = {"coord.secure_client_address=127.0.0.1:2281"}}),
              ElementsAre(StartsWith("TLS is asked for without a certificate")));
  EXPECT_THAT(problems({.sets = {"coord.client_port_unification=true", "coord.tls_certificate_file=c.pem"}}),
              ElementsAre(StartsWith("coord.tls_certificate_file needs"), StartsWith("coord.tls_verify_client needs")));
  const Loaded loaded = load({.sets = {"coord.secure_client_address=127.0.0.1:2281", "coord.tls_certificate_file=c.pem",
                                       "coord.tls_key_file=k.pem", "coord.tls_verify_client=false"}});
  ASSERT_TRUE(loaded.settings.coord.tls);
  EXPECT_EQ(loaded.settings.coord.tls->key_file, "k.pem");
}

TEST_F(Config, WhoMayDoWhatInMessaging) {
  const auto of = [this](std::vector<std::string> sets) { return problems({.sets = std::move(sets)}); };
  EXPECT_THAT(of({"mq.authorization_enabled=true"}), ElementsAre(StartsWith("mq.authorization_enabled needs mq.authentication_enabled")));
  EXPECT_THAT(of({"mq.authentication_enabled=true", "mq.acl_enabled=true"}), ElementsAre(HasSubstr("exclude each other")));
  EXPECT_THAT(of({"mq.init_authentication_user=root"}), ElementsAre("mq.init_authentication_user wants name:password"));
  EXPECT_THAT(of({"mq.tree_credentials=root"}), ElementsAre("mq.tree_credentials wants name:password"));
  EXPECT_THAT(of({"mq.authentication_whitelist=105,x"}), ElementsAre(HasSubstr("not 'x'")));
  EXPECT_THAT(of({"mq.acl_file=/nowhere/plain_acl.yml"}), ElementsAre(HasSubstr("/nowhere/plain_acl.yml cannot be read")));
  const std::string accounts =
      file("plain_acl.yml", "globalWhiteRemoteAddresses: [10.0.0.*]\naccounts: [{accessKey: rocketmq, secretKey: '12345678'}]\n");
  const auto loaded = load({.sets = {"mq.acl_enabled=true", "mq.acl_file=" + accounts, "mq.name_server_access=all", "mq.cluster=c",
                                     "mq.authentication_whitelist=105,106"}});
  const mq::acl::AccessOptions& access = loaded.settings.mq.access;
  EXPECT_EQ(access.accounts.size(), 1u);
  EXPECT_THAT(access.white_addresses, ElementsAre("10.0.0.*"));
  EXPECT_EQ(access.name_server, mq::acl::AccessOptions::NameServer::all);
  EXPECT_EQ(access.cluster, "c");
  EXPECT_THAT(access.authentication_whitelist, ElementsAre(105, 106));
  EXPECT_THAT(problems({.sets = {"mq.acl_file=" + file("bad.yml", "accounts: [{accessKey: a}]\n")}}),
              ElementsAre(HasSubstr("accessKey=a")));
}

TEST_F(Config, ListsComeAsArraysOrWithCommas) {
  const auto words =
      load({.file = file("chorus.toml", "[coord]\nfour_letter_words = [\"ruok\", \"mntr\"]\n")}).settings.coord.four_letter_words;
  EXPECT_EQ(words, (std::set<std::string>{"mntr", "ruok"}));
  EXPECT_EQ(load({.sets = {"coord.four_letter_words=ruok, mntr"}}).settings.coord.four_letter_words, words);
}

// The sample that ZooKeeper's package ships (conf_example/zoo.cfg), its comments cut.
TEST_F(Config, ZooCfgSample) {
  const Loaded loaded =
      load({.file = file("zoo.cfg", "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\nclientPort=2181\n")});
  EXPECT_EQ(loaded.settings.coord.tick_time.count(), 2000);
  EXPECT_EQ(loaded.settings.coord.data_dir, "/tmp/zookeeper");
  EXPECT_EQ(to_string(*loaded.settings.coord.client_address), "0.0.0.0:2181");
  EXPECT_FALSE(loaded.settings.admin.address);
  EXPECT_FALSE(loaded.settings.coord.extended_types_enabled);
  EXPECT_EQ(loaded.settings.coord.four_letter_words, (std::set<std::string>{"srvr"}));
  EXPECT_EQ(loaded.values.at("coord.tick_time_ms").place, directory_.string() + "/zoo.cfg:1 (tickTime)");
  EXPECT_EQ(loaded.settings.coord.ensemble.init_limit, 10);
  EXPECT_EQ(loaded.settings.coord.ensemble.sync_limit, 5);
  EXPECT_FALSE(loaded.settings.coord.ensemble.is_distributed());
  EXPECT_THAT(loaded.notes, IsEmpty());
}

TEST_F(Config, ZooCfgFull) {
  const Loaded loaded = load({.file = file("zoo.cfg", R"(
dataDir=/var/lib/zookeeper
dataLogDir=/fast/zookeeper
clientPort : 2182
clientPortAddress=::1
maxClientCnxns=0
minSessionTimeout=-1
maxSessionTimeout=90000
snapCount=1
autopurge.snapRetainCount=1
autopurge.purgeInterval=24
zookeeper.preAllocSize=1024
forceSync=no
skipACL=yes
zookeeper.jute.maxbuffer=0x400000
extendedTypesEnabled=true
4lw.commands.whitelist=mntr, ruok, *
zookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=
admin.serverPort=8081
metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
metricsProvider.httpHost=127.0.0.1
metricsProvider.httpPort=7001
nio.numWorkerThreads=4
secureClientPort=2281
ssl.keyStore.location=/etc/zk/server.pem
ssl.clientAuth=none
server.1=localhost:2888:3888
)")});
  const coord::Options& coord = loaded.settings.coord;
  EXPECT_EQ(coord.data_log_dir, "/fast/zookeeper");
  EXPECT_EQ(to_string(*coord.client_address), "[::1]:2182");
  EXPECT_EQ(coord.max_client_connections, 0);
  EXPECT_FALSE(coord.min_session_timeout);
  EXPECT_EQ(coord.max_session_timeout->count(), 90000);
  EXPECT_EQ(coord.snap_count, 2);                   // ZooKeeper raises it too
  EXPECT_EQ(coord.autopurge_snap_retain_count, 3);  // likewise
  EXPECT_EQ(coord.autopurge_interval.count(), 24);
  EXPECT_EQ(coord.pre_alloc_size_kb, 1024);
  EXPECT_FALSE(coord.force_sync);
  EXPECT_TRUE(coord.skip_acl);
  EXPECT_EQ(coord.jute_max_buffer, 0x400000);
  EXPECT_TRUE(coord.extended_types_enabled);
  EXPECT_EQ(coord.four_letter_words, (std::set<std::string>{"*", "mntr", "ruok"}));
  EXPECT_EQ(coord.super_digest, "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
  EXPECT_EQ(to_string(*coord.secure_client_address), "0.0.0.0:2281");
  EXPECT_EQ(coord.tls->certificate_file, "/etc/zk/server.pem");
  EXPECT_FALSE(coord.tls->verify_peer);
  EXPECT_EQ(to_string(*loaded.settings.admin.address), "0.0.0.0:8081");
  EXPECT_EQ(to_string(*loaded.settings.admin.metrics_address), "127.0.0.1:7001");
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("nio.numWorkerThreads has no effect")));
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("(server.1): names one server: the node serves alone")));
}

TEST_F(Config, ZooCfgOneServerMayCarryTheClientPort) {
  const auto address = [&](const char* line) {
    return to_string(*load({.file = file("zoo.cfg", std::string("dataDir=/d\n") + line)}).settings.coord.client_address);
  };
  EXPECT_EQ(address("server.1=a:2888:3888;2185"), "0.0.0.0:2185");
  EXPECT_EQ(address("server.1=a:2888:3888:participant;127.0.0.1:2186"), "127.0.0.1:2186");
}

TEST_F(Config, ZooCfgProblems) {
  EXPECT_THAT(
      problems({.file = file("zoo.cfg", "clientPort=2181\ntickTme=1\nnonsense.key=1\nsslx\n")}),
      ElementsAre("zoo.cfg: dataDir is missing", "zoo.cfg:3: nonsense.key is not a key of ZooKeeper",
                  "zoo.cfg:4: sslx is not a key of ZooKeeper", "zoo.cfg:2: tickTme is not a key of ZooKeeper; did you mean tickTime?"));
  EXPECT_THAT(problems({.file = file("zoo.cfg", "dataDir=/d\nclientPort=http\n")}),
              ElementsAre("zoo.cfg:2: clientPort wants a port, not 'http'"));
  EXPECT_THAT(problems({.file = file("zoo.cfg", "dataDir=/d\nclientPort=1\ntickTime=soon\n")}),
              ElementsAre("zoo.cfg:3 (tickTime): coord.tick_time_ms wants a whole number, not 'soon'"));
  EXPECT_THAT(problems({.file = file("zoo.cfg", "dataDir=/d\nclientPort=1\nsessionRequireClientSASLAuth=true\n")}),
              ElementsAre(StartsWith("zoo.cfg:3: sessionRequireClientSASLAuth guards the data")));
  EXPECT_THAT(problems({.file = file("zoo.cfg", "dataDir=/d\nclientPort=1\nenforce.auth.enabled=false\n")}), IsEmpty());
  EXPECT_THAT(problems({.file = file("zoo.cfg", "dataDir=/d\nclientPort=1\nsecureClientPort=2\nssl.keyStore.location=/k.jks\n")}),
              ElementsAre(HasSubstr("is not a PEM file")));
}

}  // namespace
}  // namespace chorus::app
