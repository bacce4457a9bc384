#include "app/config/ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace chorus::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Ensemble : public ::testing::Test {
 protected:
  Ensemble() : directory_(std::filesystem::temp_directory_path() / ("chorus_ensemble_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(directory_ / "data");
  }
  ~Ensemble() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view text) {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string data() const { return directory_ / "data"; }
  /// A zoo.cfg of `lines`, with what each needs.
  Sources zoo(const std::string& lines) { return {.file = file("zoo.cfg", "dataDir=" + data() + "\ninitLimit=10\nsyncLimit=5\n" + lines)}; }
  std::vector<std::string> problems(const Sources& sources) {
    try {
      load(sources);
    } catch (const ConfigError& e) {
      std::vector<std::string> out = e.problems();
      for (std::string& line : out) {  // the folder's name differs from run to run
        for (std::size_t at; (at = line.find(directory_.string() + "/")) != std::string::npos;)
          line.erase(at, directory_.string().size() + 1);
      }
      return out;
    }
    return {};
  }

  std::filesystem::path directory_;
};

const std::string three = "server.1=a:2888:3888\nserver.2=b:2888:3888:participant;2182\nserver.3=c:2888:3888;127.0.0.1:2183\n";

TEST_F(Ensemble, OfZooCfg) {
  file("data/myid", "2\n");
  const Loaded loaded = load(zoo(three + "peerType=participant\nelectionAlg=3\nleaderServes=no\nforceSnapshotSync=true\ncnxTimeout=700\n"));
  const coord::Options& coord = loaded.settings.coord;
  EXPECT_TRUE(coord.ensemble.is_distributed());
  EXPECT_EQ(coord.server_id, 2);
  EXPECT_EQ(loaded.values.at("coord.server_id").place, data() + "/myid");
  EXPECT_EQ(coord.ensemble.members.to_text(),
            "server.1=a:2888:3888:participant\nserver.2=b:2888:3888:participant;0.0.0.0:2182\n"
            "server.3=c:2888:3888:participant;127.0.0.1:2183\nversion=0");
  EXPECT_EQ(to_string(*coord.client_address), "0.0.0.0:2182");
  EXPECT_FALSE(coord.ensemble.is_observer);
  EXPECT_FALSE(coord.ensemble.leader_serves);
  EXPECT_TRUE(coord.ensemble.force_snapshot_sync);
  EXPECT_EQ(coord.ensemble.connect_timeout.count(), 700);
  EXPECT_EQ(coord.ensemble.config_path, "");
  EXPECT_THAT(loaded.notes, IsEmpty());
}

TEST_F(Ensemble, OfChorusToml) {
  const std::string path = file("chorus.toml", "[coord]\nserver_id = 3\ndata_dir = \"" + data() + R"("
members = ["1=[::1]:2888:3888", "2=b:2888:3888", "3=c:2888:3888:observer;2183", "4=d:2888:3888"]
groups = ["1=1:2", "2=4"]
weights = ["1=2"]
reconfig_enabled = true
quorum_tls_enabled = true
quorum_tls_certificate_file = "m.pem"
quorum_tls_key_file = "m.key"
quorum_tls_ca_file = "ca.pem"
)");
  const Loaded loaded = load({.file = path});
  const coord::EnsembleOptions& ensemble = loaded.settings.coord.ensemble;
  EXPECT_TRUE(ensemble.is_observer);
  EXPECT_EQ(ensemble.init_limit, 10);
  EXPECT_EQ(ensemble.members.members.at(1).election_addresses.at(0), (world::Address{"::1", 3888}));
  EXPECT_EQ(ensemble.members.groups.at(4), 2);
  EXPECT_EQ(ensemble.members.weight(1), 2);
  EXPECT_EQ(ensemble.config_path, data() + "/ensemble");
  EXPECT_FALSE(ensemble.config_is_zoo_cfg);
  EXPECT_EQ(ensemble.tls->ca_file, "ca.pem");
  EXPECT_EQ(to_string(*loaded.settings.coord.client_address), "0.0.0.0:2183");

  // What was agreed on later is what the member starts with.
  file("data/ensemble.dynamic.100000004", "server.3=c:2888:3888:participant;2183\nserver.5=e:2888:3888:participant;2183\n");
  file("data/ensemble.dynamic.f", "server.9=z:1:2\n");
  file("data/ensemble.dynamic.next", "server.3=c:2888:3888:participant;2183\nversion=100000009\n");
  const Loaded again = load({.file = path});
  EXPECT_EQ(again.settings.coord.ensemble.members.version, 0x100000004);
  EXPECT_TRUE(again.settings.coord.ensemble.members.members.contains(5));
  EXPECT_FALSE(again.settings.coord.ensemble.is_observer);
  EXPECT_EQ(again.settings.coord.ensemble.last_seen->version, 0x100000009);
  EXPECT_THAT(again.notes, Contains(HasSubstr("ensemble.dynamic.100000004, as reconfigured")));
}

TEST_F(Ensemble, OfTheDynamicFileOfZooCfg) {
  file("data/myid", "4");
  const std::string dynamic = file("zoo.cfg.dynamic.100000002",
                                   "server.2=b:2882:3882:participant;127.0.0.1:21813\nserver.3=c:2883:3883:participant;127.0.0.1:21814\n"
                                   "server.4=d:2884:3884:observer;127.0.0.1:21815");
  const Loaded loaded = load(zoo("reconfigEnabled=true\nstandaloneEnabled=false\ndynamicConfigFile=" + dynamic + "\n"));
  const coord::EnsembleOptions& ensemble = loaded.settings.coord.ensemble;
  EXPECT_EQ(ensemble.members.version, 0x100000002);
  EXPECT_TRUE(ensemble.is_observer);
  EXPECT_EQ(ensemble.config_path, (directory_ / "zoo.cfg").string());
  EXPECT_TRUE(ensemble.config_is_zoo_cfg);
  EXPECT_EQ(to_string(*loaded.settings.coord.client_address), "127.0.0.1:21815");
  EXPECT_FALSE(ensemble.last_seen);
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("two voters bear the failure of none")));

  EXPECT_THAT(problems(zoo("server.1=a:1:2\ndynamicConfigFile=" + dynamic + "\n")),
              ElementsAre("zoo.cfg:4: server.1 has to stand in the file that dynamicConfigFile names"));
  EXPECT_THAT(problems(zoo("dynamicConfigFile=" + data() + "/none\n")), ElementsAre(HasSubstr("data/none")));
}

TEST_F(Ensemble, OfOneServerServesAlone) {
  const Loaded loaded = load(zoo("server.7=a:2888:3888;2185\n"));
  EXPECT_FALSE(loaded.settings.coord.ensemble.is_distributed());
  EXPECT_EQ(to_string(*loaded.settings.coord.client_address), "0.0.0.0:2185");
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("names one server: the node serves alone")));
  file("data/myid", "7");
  EXPECT_TRUE(load(zoo("server.7=a:2888:3888;2185\nstandaloneEnabled=false\n")).settings.coord.ensemble.is_distributed());
}

TEST_F(Ensemble, Problems) {
  const struct {
    const char* name;
    std::string my_id;
    std::string lines;
    std::string want;
  } cases[] = {
      {"no myid", "", three, "data/myid is missing: write this member's number into it, or set coord.server_id"},
      {"myid of somebody else", "5", three,
       "zoo.cfg:4 (server.1): this server's number is 5 (data/myid), which is not among the members 1, 2, 3"},
      {"myid too large", "300", three, "data/myid: 300 is more than"},
      {"myid is no number", "two", three, "data/myid does not hold the server's number"},
      {"no initLimit", "1", three + "initLimit=0\n", "coord.init_limit_ticks is not set (zoo.cfg: initLimit)"},
      {"no syncLimit", "1", three + "syncLimit=0\n", "coord.sync_limit_ticks is not set (zoo.cfg: syncLimit)"},
      {"another election", "1", three + "electionAlg=0\n", "zoo.cfg:7: electionAlg is 0; 3 is"},
      {"neither true nor false", "1", three + "reconfigEnabled=yes\n", "zoo.cfg:7: reconfigEnabled wants true or false, not 'yes'"},
      {"an unknown type", "1", three + "peerType=king\n", "zoo.cfg:7 (peerType): coord.peer_type wants one of participant, observer"},
      {"a malformed line", "1", three + "server.4=d:2888\n", "zoo.cfg:4 (server.1): coord.members: server.4: 'd:2888' has a malformed"},
      {"client port contradicts", "2", three + "clientPort=2181\n",
       "zoo.cfg:7 (clientPort): coord.client_address is 0.0.0.0:2181, but zoo.cfg:4 (server.1) has 0.0.0.0:2182 for server 2"},
      {"client host contradicts", "3", three + "clientPort=2183\nclientPortAddress=127.0.0.2\n",
       "zoo.cfg:7 (clientPort): coord.client_address"},
      {"several addresses", "1", three + "server.4=d:2888:3888|e:2888:3888\n", "zoo.cfg:4 (server.1): server 4 has several addresses"},
      {"only an observer", "1", "server.1=a:1:2:observer\n", "zoo.cfg:4 (server.1): coord.members: at least one server.N must be"},
      {"one voter, observed", "1", "server.1=a:1:2;1\nserver.2=b:1:2:observer\n",
       "zoo.cfg:4 (server.1): observers need at least two voters"},
      {"observer of nobody", "1", "clientPort=1\npeerType=observer\n", "zoo.cfg:5 (peerType): coord.peer_type is observer, but no"},
      {"an ensemble of nobody", "1", "clientPort=1\nstandaloneEnabled=false\n",
       "zoo.cfg:5 (standaloneEnabled): coord.standalone_enabled is false"},
      {"TLS without certificate", "1", three + "sslQuorum=true\n", "TLS between members is asked for without a certificate"},
      {"TLS without authority", "1", three + "portUnification=true\nssl.quorum.keyStore.location=/k.pem\n",
       "coord.quorum_tls_verify_peer needs"},
      {"SASL without passwords", "1", three + "quorum.auth.enableSasl=true\n",
       "zoo.cfg:7 (quorum.auth.enableSasl): coord.quorum_sasl_enabled needs coord.quorum_sasl_jaas_file"},
      {"SASL shown and off", "1", three + "quorum.auth.learnerRequireSasl=true\n",
       "zoo.cfg:7 (quorum.auth.learnerRequireSasl): coord.quorum_sasl_learner_required needs coord.quorum_sasl_enabled"},
      {"no client port", "1", three, "no address for clients"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::filesystem::remove(directory_ / "data/myid");
    if (!c.my_id.empty()) file("data/myid", c.my_id);
    EXPECT_THAT(problems(zoo(c.lines)), ElementsAre(StartsWith(c.want)));
  }
  file("data/myid", "2");
  EXPECT_THAT(problems({.sets = {"coord.server_id=1", "coord.data_dir=" + data(), "coord.members=1=a:1:2;3,2=b:1:2;3"}}),
              ElementsAre("--set: coord.server_id is 1, but data/myid says 2: the data there is another member's"));
  EXPECT_THAT(problems({.sets = {"coord.members=1=a:1:2", "coord.dynamic_config_file=x"}}),
              ElementsAre("--set: coord.members has to stand in the file that coord.dynamic_config_file names"));
}

TEST_F(Ensemble, Sasl) {
  file("data/myid", "1");
  const std::string jaas = file("jaas.conf", R"(// of all members
Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_super="x"; };
QuorumServer {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_member="sesame" user_other='un\tknown';
};
/* and what each
   shows */
QuorumLearner { org.apache.zookeeper.server.auth.DigestLoginModule REQUIRED username=member password="sesame"; };
Kerberos { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true principal="zk/a@B"; };
)");
  const auto with = [&](const std::string& lines, const std::string& path) {
    return zoo(three + "clientPort=2181\njava.security.auth.login.config=" + path + "\n" + lines);
  };
  const std::string enabled = "quorum.auth.enableSasl=true\n", shown = enabled + "quorum.auth.learnerRequireSasl=true\n",
                    required = shown + "quorum.auth.serverRequireSasl=true\n";
  zab::QuorumAuthOptions auth = load(with("", jaas)).settings.coord.ensemble.auth;
  EXPECT_TRUE(auth.users.empty() && !auth.learner && !auth.required);
  auth = load(with(enabled, jaas)).settings.coord.ensemble.auth;
  EXPECT_THAT(auth.users, ElementsAre(std::pair("member", "sesame"), std::pair("other", "un\tknown")));
  EXPECT_FALSE(auth.learner || auth.required);
  auth = load(with(required, jaas)).settings.coord.ensemble.auth;
  EXPECT_TRUE(auth.required);
  EXPECT_EQ(auth.learner->username, "member");
  EXPECT_EQ(auth.learner->password, "sesame");
  // What is shown of the configuration has no password.
  for (const auto& [key, entry] : load(with(required, jaas)).values) EXPECT_EQ(entry.text.find("sesame"), std::string::npos) << key;

  EXPECT_THAT(problems(with(enabled + "quorum.auth.learnerRequireSasl=false\nquorum.auth.serverRequireSasl=true\n", jaas)),
              ElementsAre(HasSubstr("needs coord.quorum_sasl_learner_required")));
  EXPECT_THAT(problems(with(enabled, "/no/such/file")), ElementsAre(HasSubstr("/no/such/file")));
  EXPECT_THAT(problems(with(enabled + "quorum.auth.server.saslLoginContext=Kerberos\n", jaas)),
              ElementsAre(HasSubstr("jaas.conf: section Kerberos is for Kerberos (GSSAPI), which Chorus does not have")));
  EXPECT_THAT(problems(with(shown + "quorum.auth.learner.saslLoginContext=Server\n", jaas)),
              ElementsAre(HasSubstr("jaas.conf: section Server needs username=")));
  EXPECT_THAT(problems(with(shown + "quorum.auth.learner.saslLoginContext=Nobody\n", jaas)),
              ElementsAre(HasSubstr("jaas.conf: section Nobody is missing")));
}

TEST_F(Ensemble, NotesWhatIsUnwise) {
  file("data/myid", "1");
  const auto notes = [&](const std::string& lines) { return load(zoo("clientPort=2181\n" + lines)).notes; };
  const std::string four = "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\nserver.4=d:1:2\n";
  EXPECT_THAT(notes(four), ElementsAre(HasSubstr("(server.1): 4 voters bear the failure of no more than 3 do")));
  EXPECT_THAT(notes(three + "peerType=observer\n"), ElementsAre(HasSubstr("makes this server a participant, which counts")));
  EXPECT_THAT(notes(three), IsEmpty());
}

}  // namespace
}  // namespace chorus::app
