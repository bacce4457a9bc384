#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/zk/output.h"
#include "app/zk/parse.h"
#include "app/zk/tool.h"

namespace chorus::app::zk {
namespace {

/// Name and fields of a parsed line, or the code with which it ends.
std::string show(const std::vector<std::string>& words) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  const auto parsed = parse_line(words);
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  if (const auto* leave = std::get_if<Leave>(&parsed)) return fmt::format("leave {}", static_cast<int>(leave->code));
  const Command& c = std::get<Command>(parsed);
  std::string flags;
  const std::pair<const char*, bool> all[] = {{"s", c.with_stat}, {"w", c.watch},     {"R", c.recursive}, {"seq", c.sequential},
                                              {"e", c.ephemeral}, {"c", c.container}, {"p", c.parents},   {"l", c.local},
                                              {"json", c.json},   {"d", c.of_data},   {"C", c.children}};
  for (const auto& [name, set] : all) {
    if (set) flags += std::string(" ") + name;
  }
  return fmt::format("{} {} data={} acl={} v{} ttl{}{}", c.name, c.path, c.data.value_or("none"), c.acl.value_or("none"), c.version,
                     c.ttl_ms, flags);
}

TEST(ZkParse, Commands) {
  const struct {
    std::vector<std::string> words;
    const char* want;
  } cases[] = {
      {{"ls"}, "ls / data=none acl=none v-1 ttl0"},
      {{"ls", "-s", "-w", "/a"}, "ls /a data=none acl=none v-1 ttl0 s w"},
      {{"LS", "-R", "/a", "--json"}, "ls /a data=none acl=none v-1 ttl0 R json"},
      {{"get", "-sw", "/a"}, "get /a data=none acl=none v-1 ttl0 s w"},
      {{"set", "-v", "3", "/a", "x y"}, "set /a data=x y acl=none v3 ttl0"},
      {{"set", "-v", "-1", "/a", "--", "-x"}, "set /a data=-x acl=none v-1 ttl0"},
      {{"set", "/a", "get"}, "set /a data=get acl=none v-1 ttl0"},
      {{"create", "-s", "-e", "/a-"}, "create /a- data=none acl=none v-1 ttl0 seq e"},
      {{"create", "-t", "500", "/a", "d", "world:anyone:r"}, "create /a data=d acl=world:anyone:r v-1 ttl500"},
      {{"create", "-c", "-p", "/a/b"}, "create /a/b data=none acl=none v-1 ttl0 c p"},
      {{"create", "/a", ""}, "create /a data= acl=none v-1 ttl0"},
      {{"getacl", "/a"}, "getAcl /a data=none acl=none v-1 ttl0"},
      {{"removewatches", "-d", "-l", "/a"}, "removewatches /a data=none acl=none v-1 ttl0 l d"},
      {{"addauth", "digest", "u:p"}, "addauth digest data=u:p acl=none v-1 ttl0"},
      {{"exit"}, "quit / data=none acl=none v-1 ttl0"},
      {{"get"}, "leave 1"},
      {{"frob", "/a"}, "leave 1"},
      {{"set", "-v", "x", "/a", "y"}, "leave 1"},
      {{"create", "-t", "0", "/a"}, "leave 1"},
      {{"ls", "/a", "/b"}, "leave 1"},
      {{"ls", "--help"}, "leave 0"},
  };
  for (const auto& c : cases) EXPECT_EQ(show(c.words), c.want) << fmt::format("{}", fmt::join(c.words, " "));
}

TEST(ZkParse, EveryNamedCommandHasHelp) {
  for (const std::string_view name : command_names()) EXPECT_EQ(help_text(std::string(name)).find("no command"), std::string::npos) << name;
  EXPECT_NE(help_text("frob").find("no command"), std::string::npos);
}

TEST(ZkParse, Arguments) {
  const auto parsed =
      parse_arguments({"--server", "a:1", "get", "--json", "/x", "--timeout", "2.5", "--ca", "ca.pem", "--auth", "digest:u:p"});
  ASSERT_EQ(parsed.index(), 0u);
  const auto& [connection, command] = std::get<0>(parsed);
  EXPECT_EQ(connection.servers, "a:1");
  EXPECT_EQ(connection.timeout_s, 2.5);
  EXPECT_TRUE(connection.tls && connection.json && connection.verify);
  EXPECT_EQ(connection.auths, std::vector<std::string>{"digest:u:p"});
  EXPECT_EQ(command.name + " " + command.path, "get /x");
}

TEST(ZkParse, Words) {
  const struct {
    const char* line;
    std::vector<std::string> want;
  } cases[] = {
      {"", {}},
      {"  a  b\tc ", {"a", "b", "c"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a''b \"\" ''", {"ab", "", ""}},
      {R"(a\ b "c\"d" 'e\f')", {"a b", "c\"d", R"(e\f)"}},
  };
  for (const auto& c : cases) EXPECT_EQ(split_words(c.line), c.want) << c.line;
  EXPECT_EQ(split_words("a 'b"), std::nullopt);
  EXPECT_EQ(split_words("a \"b"), std::nullopt);
}

TEST(ZkParse, AccessLists) {
  const auto acl = parse_acl("world:anyone:cdrwa,digest:joe:abc=:r,ip:::1:w");
  ASSERT_TRUE(acl);
  EXPECT_EQ(*acl, (std::vector<client::Acl>{{31, "world", "anyone"}, {1, "digest", "joe:abc="}, {2, "ip", "::1"}}));
  for (const client::Acl& each : *acl) EXPECT_EQ(parse_acl(acl_text(each))->front(), each);
  for (const char* bad : {"", "world", "world:anyone", "world:anyone:", "world:anyone:x", ":a:r", "world:anyone:r,"}) {
    EXPECT_FALSE(parse_acl(bad)) << bad;
  }
}

TEST(ZkParse, PartsOfAMulti) {
  const struct {
    std::vector<std::string> words;
    jute::OpCode op;
    client::CreateMode mode;
    std::int32_t version;
    std::optional<std::string> data;
  } cases[] = {
      {{"create", "/a"}, jute::OpCode::create2, client::CreateMode::persistent, -1, {}},
      {{"create", "-s", "-e", "/a", "x"}, jute::OpCode::create2, client::CreateMode::ephemeral_sequential, -1, "x"},
      {{"create", "-t", "9", "/a", "@@x"}, jute::OpCode::create2, client::CreateMode::persistent_with_ttl, -1, "@x"},
      {{"set", "-v", "4", "/a", "x"}, jute::OpCode::set_data, client::CreateMode::persistent, 4, "x"},
      {{"set", "/a", "--", "-1"}, jute::OpCode::set_data, client::CreateMode::persistent, -1, "-1"},
      {{"delete", "/a"}, jute::OpCode::delete_, client::CreateMode::persistent, -1, {}},
      {{"check", "-v", "2", "/a"}, jute::OpCode::check, client::CreateMode::persistent, 2, {}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(c.words, " ")));
    const auto op = parse_operation(c.words);
    ASSERT_TRUE(op);
    EXPECT_EQ(op->path, "/a");
    EXPECT_EQ(op->op, c.op);
    EXPECT_EQ(op->options.mode, c.mode);
    EXPECT_EQ(op->version, c.version);
    EXPECT_EQ(op->data, c.data);
  }
}

TEST(ZkParse, Reconfigurations) {
  const auto parse = [](std::vector<std::string> words) { return parse_line(std::move(words)); };
  const auto incremental = parse({"reconfig", "-v", "100000003", "-a", "server.4=d:1:2;3", "-a", "server.5=e:1:2;3", "-r", "1,2"});
  const auto* command = std::get_if<Command>(&incremental);
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->config_version, 0x100000003) << "hexadecimal, and wider than the version of a node";
  EXPECT_EQ(command->items, (std::vector<std::string>{"server.4=d:1:2;3", "server.5=e:1:2;3"}));
  EXPECT_EQ(command->acl, "1,2");
  const auto whole = parse({"reconfig", "-s", "-f", "members.dynamic"});
  command = std::get_if<Command>(&whole);
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->file, "members.dynamic");
  EXPECT_EQ(command->config_version, -1);
  EXPECT_TRUE(command->with_stat);
  for (const auto& bad : {std::vector<std::string>{"reconfig", "-v", "0x1"}, {"reconfig", "-m", "server.1=a:1:2;3", "-f", "file"}}) {
    const auto parsed = parse(bad);
    const auto* leave = std::get_if<Leave>(&parsed);
    ASSERT_NE(leave, nullptr) << fmt::format("{}", fmt::join(bad, " "));
    EXPECT_EQ(leave->code, Exit::usage);
  }
}

TEST(ZkOutput, Base64) {
  // source: RFC 4648 section 10
  const std::pair<const char*, const char*> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : cases) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(unbase64(coded), plain);
  }
  for (const char* bad : {"Z", "Zg=", "Z===", "====", "Zm9*"}) EXPECT_EQ(unbase64(bad), std::nullopt) << bad;
}

TEST(ZkOutput, Stat) {
  const client::Stat stat{.czxid = 16,
                          .mzxid = 17,
                          .ctime = 1,
                          .mtime = 1'795'397'958'583,
                          .version = 2,
                          .cversion = 3,
                          .aversion = 4,
                          .ephemeral_owner = -1,
                          .data_length = 5,
                          .num_children = 6,
                          .pzxid = 18};
  EXPECT_EQ(stat_text(stat),
            "cZxid = 0x10\nctime = 1970-01-01T00:00:00.001Z\nmZxid = 0x11\nmtime = 2026-11-23T01:39:18.583Z\npZxid = 0x12\ncversion = 3\n"
            "dataVersion = 2\naclVersion = 4\nephemeralOwner = 0xffffffffffffffff\ndataLength = 5\nnumChildren = 6\n");
  EXPECT_EQ(path_json("/a", stat),
            R"({"path":"/a","stat":{"czxid":"0x10","mzxid":"0x11","pzxid":"0x12","ctime":1,"mtime":1795397958583,"version":2,"cversion":3,)"
            R"("aversion":4,"ephemeralOwner":"0xffffffffffffffff","dataLength":5,"numChildren":6}})"
            "\n");
  EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999Z");
}

TEST(ZkOutput, NodesGoThroughExportAndBack) {
  const std::optional<std::string> datas[] = {std::nullopt, "", "text\n\"é\"", std::string("\0\xff\x80", 3)};
  for (const auto& data : datas) {
    const ExportedNode node{.path = "/a/b", .data = data, .acl = {{3, "ip", "::1"}, {31, "world", "anyone"}}};
    const auto back = parse_node(node_json(node));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->path, node.path);
    EXPECT_EQ(back->data, node.data);
    EXPECT_EQ(back->acl, node.acl);
  }
  for (const char* bad :
       {"", "5", "{}", R"({"path":5})", R"({"path":"/a","data":5})", R"({"path":"/a","data_base64":"*"})", R"({"path":"/a","acl":5})",
        R"({"path":"/a","acl":[5]})", R"({"path":"/a","acl":[{"scheme":"world","id":"anyone"}]})"}) {
    EXPECT_FALSE(parse_node(bad)) << bad;
  }
}

TEST(ZkExit, EveryCodeHasAReaction) {
  EXPECT_EQ(exit_for(client::Code::ok), Exit::ok);
  EXPECT_EQ(exit_for(client::Code::no_node), Exit::no_node);
  EXPECT_EQ(exit_for(client::Code::connection_loss), Exit::no_connection);
  EXPECT_EQ(exit_for(client::Code::no_auth), Exit::not_allowed);
  EXPECT_EQ(exit_for(client::Code::system_error), Exit::failed);
  EXPECT_EQ(exit_for(client::Code{-9999}), Exit::failed);
}

}  // namespace
}  // namespace chorus::app::zk
