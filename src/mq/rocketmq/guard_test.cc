#include "mq/rocketmq/guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "mq/rocketmq/acl.h"
#include "mq/rocketmq/needs.h"

namespace chorus::mq::rocketmq {
namespace {

using Fields = std::map<std::string, std::string>;

/// A request, which owns what it says.
struct Request {
  Request(std::int32_t code, Fields fields, std::string body = {}, std::string user = {}, std::string secret = {}) : body(std::move(body)) {
    if (!user.empty()) fields["AccessKey"] = user;
    if (!secret.empty()) {
      std::string content;
      for (const auto& [name, value] : fields) content += value;
      fields["Signature"] = signature_of(content + this->body, secret);
    }
    header = fmt::format(R"({{"code":{},"version":473,"flag":0,"opaque":1,"language":"JAVA","extFields":{{)", code);
    for (const auto& [name, value] : fields) header += fmt::format(R"({}"{}":"{}")", header.back() == '{' ? "" : ",", name, value);
    header += "}}";
    command = std::move(*Command::decode({HeaderFormat::json, header, this->body}));
  }
  std::string header, body;
  Command command;
};

std::string show(const std::vector<Need>& needs) {
  std::string text;
  for (const Need& need : needs) {
    text += fmt::format("{}{}=", text.empty() ? "" : " ", to_string(need.resource));
    for (std::size_t i = 0; i < need.one_of.size(); ++i) text += fmt::format("{}{}", i ? "|" : "", name_of(need.one_of[i]));
  }
  return text;
}

// source: auth/authorization/builder/DefaultAuthorizationContextBuilder.java
TEST(Needs, OfEachRequest) {
  const struct {
    std::int32_t code;
    Fields fields;
    std::string body, needs;
  } cases[] = {
      {10, {{"topic", "t"}, {"producerGroup", "p"}}, "", "Topic:t=Pub"},
      {310, {{"b", "t"}, {"a", "p"}}, "", "Topic:t=Pub"},
      {320, {{"b", "t"}, {"a", "p"}}, "", "Topic:t=Pub"},
      {310, {{"b", "%RETRY%g"}, {"a", "CLIENT_INNER_PRODUCER"}}, "", "Group:g=Sub"},
      {11, {{"topic", "t"}, {"consumerGroup", "g"}}, "", "Topic:t=Sub Group:g=Sub"},
      {361, {{"topic", "t"}, {"consumerGroup", "g"}}, "", "Topic:t=Sub Group:g=Sub"},
      {11, {{"topic", "%RETRY%g"}, {"consumerGroup", "g"}}, "", "Group:g=Sub"},
      {105, {{"topic", "t"}}, "", "Topic:t=Pub|Sub|Get"},
      {105, {{"topic", "%RETRY%g"}}, "", "Group:g=Sub|Get"},
      {36, {{"group", "g"}, {"originTopic", "t"}}, "", "Group:g=Sub"},
      {37, {{"topic", "t"}}, "", "Topic:t=Pub"},
      {37, {}, "", ""},
      {12, {{"topic", "t"}}, "", "Topic:t=Sub|Get"},
      {38, {{"consumerGroup", "g"}}, "", "Group:g=Sub|Get"},
      {14, {{"topic", "t"}, {"consumerGroup", "g"}}, "", "Topic:t=Sub|Get Group:g=Sub|Get"},
      {15, {{"topic", "%RETRY%g"}, {"consumerGroup", "g"}}, "", "Group:g=Sub|Update"},
      {34,
       {},
       R"({"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":[{"topic":"t"},{"topic":"%RETRY%g"}]}],"producerDataSet":[{"groupName":"p"}]})",
       "Group:g=Sub Topic:t=Sub"},
      {34, {}, "no JSON", "Cluster:c=Update"},
      {35, {{"clientID", "c"}, {"consumerGroup", "g"}}, "", "Group:g=Sub"},
      {35, {{"clientID", "c"}, {"producerGroup", "p"}}, "", ""},
      {41, {}, R"({"consumerGroup":"g","mqSet":[{"topic":"t","queueId":0},{"topic":"%RETRY%g","queueId":0}]})", "Group:g=Sub Topic:t=Sub"},
      {17, {{"topic", "t"}}, "", "Topic:t=Create"},
      {18, {}, R"({"topicConfigList":[{"topicName":"t"},{"topicName":"u"}]})", "Topic:t=Create Topic:u=Create"},
      {215, {{"topic", "t"}}, "", "Topic:t=Delete"},
      {200, {}, R"({"groupName":"g"})", "Group:g=Create"},
      {207, {{"groupName", "g"}}, "", "Group:g=Delete"},
      {208, {{"consumerGroup", "g"}, {"topicList", "t;u"}}, "", "Group:g=Get Topic:t=Get Topic:u=Get"},
      {222, {{"group", "g"}, {"topic", "t"}}, "", "Group:g=Update Topic:t=Update"},
      {30, {{"topic", "%RETRY%g"}}, "", "Group:g=Get"},
      {25, {}, "a=b", "Cluster:c=Update"},
      {26, {}, "", ""},
      {28, {}, "", ""},
      {3001, {{"username", "u"}}, "", "Cluster:c=Update"},
      {3004, {{"username", "u"}}, "", "Cluster:c=Get"},
      {103, {{"clusterName", "other"}}, "", "Cluster:other=Update"},
      {100, {}, "", "Cluster:c=Update"},
      {200050, {{"topic", "t"}, {"consumerGroup", "g"}}, "", "Group:g=Sub Topic:t=Sub"},
      {200151, {}, R"({"acks":[{"c":"g","t":"t"}]})", "Group:g=Sub Topic:t=Sub"},
  };
  for (const auto& c : cases) {
    const Request request(c.code, c.fields, c.body);
    EXPECT_EQ(show(needs_of(request.command, "c")), c.needs) << c.code;
  }
}

struct NoRecords : acl::Records {
  void put(const acl::Record&, acl::Kept) override {}
};

struct GuardTest : testing::Test {
  GuardTest() : sink(std::make_shared<spdlog::sinks::ostream_sink_mt>(lines)), log("guard", sink) {}
  void begin(acl::AccessOptions options, std::vector<acl::Record> all = {}) {
    options.cluster = "c";
    access = std::make_unique<acl::Access>(std::move(options), records, log);
    access->begin(all, [] {});
    guard = std::make_unique<Guard>(*access, log);
  }
  static acl::Record user(std::string name, acl::UserType type = acl::UserType::normal, acl::UserStatus status = acl::UserStatus::enable) {
    return {acl::Kind::user, name, to_json(acl::User{name, name + "-secret", type, status})};
  }
  /// "ok", or code and remark.
  std::string ask(const Request& request, Server server = Server::broker, const std::string& ip = "127.0.0.1") {
    const auto refused = guard->refusal(server, request.command, {ip, 40000}, now);
    return refused ? fmt::format("{} {}", refused->code, refused->remark) : "ok";
  }

  std::ostringstream lines;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink;
  spdlog::logger log;
  NoRecords records;
  std::unique_ptr<acl::Access> access;
  std::unique_ptr<Guard> guard;
  world::Instant now{std::chrono::seconds(100)};
};

TEST_F(GuardTest, KnowsUsers) {
  begin({.authentication = true, .authentication_whitelist = {28}},
        {user("u"), user("off", acl::UserType::super, acl::UserStatus::disable)});
  const Fields send{{"b", "t"}, {"a", "p"}};
  EXPECT_EQ(ask(Request(310, send, "body", "u", "u-secret")), "ok");
  EXPECT_EQ(ask(Request(310, send, "body")), "16 username cannot be null.");
  EXPECT_EQ(ask(Request(310, send, "body", "v", "u-secret")), "16 User:v is not found.");
  EXPECT_EQ(ask(Request(310, send, "body", "off", "off-secret")), "16 User:off is disabled.");
  EXPECT_EQ(ask(Request(310, send, "body", "u", "wrong")), "16 check signature failed.");
  EXPECT_EQ(ask(Request(310, send, "body", "u")), "16 check signature failed.");
  EXPECT_EQ(ask(Request(28, {})), "ok");
  EXPECT_EQ(guard->counters().authentication, 5u);
  EXPECT_EQ(guard->counters().authorization, 0u);
}

TEST_F(GuardTest, KnowsWhatTheyMay) {
  acl::Acl rules{
      "User:u",
      {{acl::PolicyType::custom, {{*acl::parse_resource("Topic:orders*"), {acl::Action::pub}, {"10.0.0.0/8"}, acl::Decision::allow}}}}};
  begin({.authentication = true, .authorization = true, .authorization_whitelist = {30}},
        {user("u"), user("root", acl::UserType::super), {acl::Kind::policies, "User:u", to_json(rules)}});
  const auto send = [](std::string topic, std::string user) {
    return Request(310, {{"b", topic}, {"a", "p"}}, "", user, user + "-secret");
  };
  EXPECT_EQ(ask(send("orders-1", "u"), Server::broker, "10.1.1.1"), "ok");
  EXPECT_EQ(ask(send("orders-1", "u")), "16 User:u has no permission to access Topic:orders-1 from 127.0.0.1, no matched policies.");
  EXPECT_EQ(ask(send("bills", "u"), Server::broker, "10.1.1.1"),
            "16 User:u has no permission to access Topic:bills from 10.1.1.1, no matched policies.");
  EXPECT_EQ(ask(send("bills", "root")), "ok");
  EXPECT_EQ(ask(Request(30, {{"topic", "bills"}}, "", "u", "u-secret")), "ok");
  EXPECT_EQ(guard->counters().authorization, 2u);
}

TEST_F(GuardTest, KnowsAccounts) {
  acl::AccessOptions options{.plain = true};
  const acl::Account account{
      .access_key = "user-key", .secret_key = "user-secret", .white_remote_address = "10.0.0.1", .topic_perms = {{"t=PUB"}}};
  const acl::Account admin{.access_key = "admin-key", .secret_key = "admin-secret", .admin = true};
  begin(options, {{acl::Kind::account, "user-key", to_json(account)},
                  {acl::Kind::account, "admin-key", to_json(admin)},
                  {acl::Kind::setting, std::string(acl::white_addresses_setting), R"(["192.168.0.*"])"}});
  const std::string thrown = "1 org.apache.rocketmq.acl.common.AclException: ";
  const auto send = [](std::string topic, std::string user, std::string secret) {
    return Request(310, {{"b", topic}, {"a", "p"}}, "", user, secret);
  };
  EXPECT_EQ(ask(send("t", "user-key", "user-secret")), "ok");
  EXPECT_EQ(ask(send("u", "user-key", "user-secret")), thrown + "No default permission for topic:u");
  EXPECT_EQ(ask(send("u", "admin-key", "admin-secret")), "ok");
  EXPECT_EQ(ask(send("t", "user-key", "other")), thrown + "Check signature failed for accessKey=user-key");
  EXPECT_EQ(ask(send("t", "nobody", "other")), thrown + "No acl config for nobody");
  EXPECT_EQ(ask(send("t", "", "")), thrown + "No accessKey is configured");
  EXPECT_EQ(ask(send("u", "user-key", "other"), Server::broker, "10.0.0.1"), "ok");
  EXPECT_EQ(ask(send("u", "", ""), Server::broker, "192.168.0.9"), "ok");
  EXPECT_EQ(ask(send("RMQ_SYS_TRACE_TOPIC", "user-key", "user-secret")), "ok");
  EXPECT_EQ(ask(Request(17, {{"topic", "t"}}, "", "user-key", "user-secret")),
            thrown + "Need admin permission for request code=17, but accessKey=user-key is not");
  EXPECT_EQ(ask(Request(50, {{"accessKey", "user-key"}, {"admin", "true"}}, "", "user-key", "user-secret")),
            thrown + "Need admin permission for request code=50, but accessKey=user-key is not");
  EXPECT_EQ(ask(Request(17, {{"topic", "t"}}, "", "admin-key", "admin-secret")), "ok");
}

TEST_F(GuardTest, LooksAtTheNameServerAsIsSaid) {
  using NameServer = acl::AccessOptions::NameServer;
  const Request route(105, {{"topic", "t"}}), wipe(205, {{"brokerName", "b"}});
  begin({.authentication = true, .name_server = NameServer::none});
  EXPECT_EQ(ask(route, Server::name_server), "ok");
  EXPECT_EQ(ask(wipe, Server::name_server), "ok");
  begin({.authentication = true, .name_server = NameServer::changes});
  EXPECT_EQ(ask(route, Server::name_server), "ok");
  EXPECT_EQ(ask(wipe, Server::name_server), "16 username cannot be null.");
  begin({.authentication = true, .name_server = NameServer::all});
  EXPECT_EQ(ask(route, Server::name_server), "16 username cannot be null.");
}

TEST_F(GuardTest, RefusesAllUntilItKnows) {
  access = std::make_unique<acl::Access>(acl::AccessOptions{.authentication = true}, records, log);
  guard = std::make_unique<Guard>(*access, log);
  EXPECT_TRUE(ask(Request(310, {{"b", "t"}})).starts_with("2 ["));
}

TEST_F(GuardTest, WritesSoManyLinesASecond) {
  begin({.authentication = true});
  lines.str("");
  const Request request(310, {{"b", "t"}}, "", "a\\nb");
  const auto count = [&] { return std::ranges::count(lines.str(), '\n'); };
  for (int i = 0; i < 100; ++i) ask(request);
  EXPECT_EQ(count(), 10);
  EXPECT_NE(lines.str().find("request=SEND_MESSAGE_V2 server=broker user=a?b peer=127.0.0.1:40000"), std::string::npos) << lines.str();
  now += std::chrono::seconds(1);
  ask(request);
  EXPECT_EQ(count(), 12);
  EXPECT_NE(lines.str().find("count=90"), std::string::npos);
  EXPECT_EQ(guard->counters().authentication, 101u);
}

}  // namespace
}  // namespace chorus::mq::rocketmq
