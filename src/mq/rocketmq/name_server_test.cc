#include "mq/rocketmq/name_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chorus::mq::rocketmq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

world::Instant at(int s) { return world::Instant(std::chrono::seconds(s)); }

struct NameServerTest : testing::Test {
  NameServer server;
  int now = 0;
  std::string frame;

  Outgoing ask(RequestCode code, std::vector<std::pair<std::string_view, std::string>> fields = {}, std::string body = {},
               std::uint64_t connection = 1) {
    Outgoing request = Outgoing::request(code, 7);
    for (auto& [name, value] : fields) request.field(name, value);
    request.body = std::move(body);
    frame = encode(request);
    const auto split = split_frame(frame);
    return server.on(ConnectionId(connection), *Command::decode(split->frame), at(now));
  }
  Outgoing add(const std::string& broker, const std::string& address, std::int64_t id, std::vector<std::string> topics,
               std::uint64_t connection) {
    RegisterBroker body;
    body.topics.version = {.counter = ++counter};
    for (const std::string& topic : topics) body.topics.topics[topic] = {.name = topic, .read_queues = 4, .write_queues = 4};
    return ask(RequestCode::register_broker,
               {{"clusterName", "c"},
                {"brokerName", broker},
                {"brokerAddr", address},
                {"brokerId", std::to_string(id)},
                {"haServerAddr", address + "0"}},
               encode_body(body), connection);
  }
  std::vector<std::string> brokers_of(const std::string& topic) {
    const auto answer = ask(RequestCode::get_routeinfo_by_topic, {{"topic", topic}});
    std::vector<std::string> names;
    if (answer.code != 0) return names;
    for (const QueueData& queue : decode_body<TopicRoute>(answer.body)->queues) names.push_back(queue.broker_name);
    return names;
  }
  std::int64_t counter = 0;
};

TEST_F(NameServerTest, ATopicIsWhereItsBrokersAre) {
  add("a", "h:1", 0, {"t", "u"}, 1);
  add("b", "h:2", 0, {"t"}, 2);
  EXPECT_THAT(brokers_of("t"), ElementsAre("a", "b"));
  EXPECT_THAT(brokers_of("u"), ElementsAre("a"));
  const auto unknown = ask(RequestCode::get_routeinfo_by_topic, {{"topic", "x"}});
  EXPECT_EQ(unknown.code, static_cast<std::int32_t>(ResponseCode::topic_not_exist));
  EXPECT_THAT(unknown.remark, HasSubstr("No topic route info in name server for the topic: x"));
  add("a", "h:1", 0, {"v"}, 1);
  EXPECT_THAT(brokers_of("v"), ElementsAre("a"));
  EXPECT_THAT(brokers_of("u"), ElementsAre("a")) << "a broker may tell of one new topic alone";
}

TEST_F(NameServerTest, ASlaveIsToldOfItsMaster) {
  add("a", "h:1", 0, {"t"}, 1);
  const auto answer = add("a", "h:2", 1, {}, 2);
  const auto fields = answer.fields();
  EXPECT_THAT(std::vector(fields.begin(), fields.end()), ElementsAre(std::pair(std::string_view("haServerAddr"), std::string("h:10")),
                                                                     std::pair(std::string_view("masterAddr"), std::string("h:1"))));
  EXPECT_THAT(brokers_of("t"), ElementsAre("a")) << "a slave's table is not taken";
  const auto members = ask(RequestCode::get_broker_member_group, {{"clusterName", "c"}, {"brokerName", "a"}});
  EXPECT_EQ(decode_body<BrokerMemberGroupAnswer>(members.body)->group->addresses,
            (std::map<std::int64_t, std::string>{{0, "h:1"}, {1, "h:2"}}));
}

TEST_F(NameServerTest, WhoIsGoneOrSilentIsDropped) {
  add("a", "h:1", 0, {"t"}, 1);
  add("b", "h:2", 0, {"t"}, 2);
  server.closed(ConnectionId(1));
  EXPECT_THAT(brokers_of("t"), ElementsAre("b"));
  EXPECT_THAT(server.routes().expire(at(120)), IsEmpty());
  EXPECT_THAT(server.routes().expire(at(121)), ElementsAre(ConnectionId(2)));
  EXPECT_THAT(brokers_of("t"), IsEmpty());
  EXPECT_THAT(decode_body<ClusterInfo>(ask(RequestCode::get_broker_cluster_info).body)->brokers, IsEmpty());
}

TEST_F(NameServerTest, KeysAndValues) {
  EXPECT_EQ(ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).code,
            static_cast<std::int32_t>(ResponseCode::query_not_found));
  ask(RequestCode::put_kv_config, {{"namespace", "ORDER_TOPIC_CONFIG"}, {"key", "t"}, {"value", "a:4"}});
  EXPECT_EQ(ask(RequestCode::get_kv_config, {{"namespace", "ORDER_TOPIC_CONFIG"}, {"key", "t"}}).fields().front().second, "a:4");
  add("a", "h:1", 0, {"t"}, 1);
  EXPECT_EQ(decode_body<TopicRoute>(ask(RequestCode::get_routeinfo_by_topic, {{"topic", "t"}}).body)->order_topic_conf, "a:4");
  ask(RequestCode::delete_kv_config, {{"namespace", "ORDER_TOPIC_CONFIG"}, {"key", "t"}});
  EXPECT_EQ(decode_body<KvTable>(ask(RequestCode::get_kvlist_by_namespace, {{"namespace", "ORDER_TOPIC_CONFIG"}}).body)->table.size(), 0u);
}

TEST_F(NameServerTest, KeysAndValuesMayBeKeptElsewhereFirst) {
  const auto change_of = [&](RequestCode code, std::vector<std::pair<std::string_view, std::string>> fields) {
    Outgoing request = Outgoing::request(code, 7);
    for (auto& [name, value] : fields) request.field(name, value);
    frame = encode(request);
    return NameServer::key_value_change(*Command::decode(split_frame(frame)->frame));
  };
  const auto put = change_of(RequestCode::put_kv_config, {{"namespace", "n"}, {"key", "k"}, {"value", "v"}});
  EXPECT_EQ(put, (KeyValueChange{"n", "k", "v"}));
  EXPECT_EQ(change_of(RequestCode::put_kv_config, {{"namespace", "n"}, {"key", "k"}}), std::nullopt);
  EXPECT_EQ(ask(RequestCode::put_kv_config, {{"namespace", "n"}, {"key", "k"}}).code,
            static_cast<std::int32_t>(ResponseCode::system_error));
  EXPECT_EQ(change_of(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}), std::nullopt);
  server.apply(*put);
  EXPECT_EQ(ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).fields().front().second, "v");
  const auto gone = change_of(RequestCode::delete_kv_config, {{"namespace", "n"}, {"key", "k"}});
  EXPECT_EQ(gone, (KeyValueChange{"n", "k", std::nullopt}));
  server.apply(*gone);
  EXPECT_EQ(ask(RequestCode::get_kv_config, {{"namespace", "n"}, {"key", "k"}}).code,
            static_cast<std::int32_t>(ResponseCode::query_not_found));
}

TEST_F(NameServerTest, ABrokerIsFoundByNameAndId) {
  add("a", "h:1", 0, {"t"}, 1);
  add("a", "h:2", 1, {}, 2);
  EXPECT_EQ(server.routes().address_of("a", 0), "h:1");
  EXPECT_EQ(server.routes().address_of("a", 1), "h:2");
  EXPECT_EQ(server.routes().address_of("a", 2), std::nullopt);
  EXPECT_EQ(server.routes().address_of("b", 0), std::nullopt);
}

TEST_F(NameServerTest, WritingCanBeTakenFromABroker) {
  add("a", "h:1", 0, {"t", "u"}, 1);
  EXPECT_EQ(ask(RequestCode::wipe_write_perm_of_broker, {{"brokerName", "a"}}).fields().front().second, "2");
  EXPECT_EQ(decode_body<TopicRoute>(ask(RequestCode::get_routeinfo_by_topic, {{"topic", "t"}}).body)->queues.front().perm, perm_read);
  ask(RequestCode::add_write_perm_of_broker, {{"brokerName", "a"}});
  EXPECT_EQ(decode_body<TopicRoute>(ask(RequestCode::get_routeinfo_by_topic, {{"topic", "t"}}).body)->queues.front().perm,
            perm_read | perm_write);
}

TEST_F(NameServerTest, TellsItsSettingsAndRefusesOthers) {
  EXPECT_NE(ask(RequestCode::get_namesrv_config).body.find("orderMessageEnable=true\n"), std::string::npos);
  EXPECT_EQ(ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=true\n").code, 0);
  const auto refused = ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=false\n");
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ResponseCode::invalid_parameter));
  EXPECT_EQ(refused.remark, "orderMessageEnable of the NameServer cannot be changed");
  EXPECT_EQ(ask(RequestCode::update_namesrv_config, {}, "other=1\n").remark, "other is no setting of this NameServer");
}

TEST_F(NameServerTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(ask(RequestCode::get_routeinfo_by_topic).code, static_cast<std::int32_t>(ResponseCode::system_error));
  EXPECT_EQ(ask(RequestCode::send_message).code, static_cast<std::int32_t>(ResponseCode::request_code_not_supported));
  EXPECT_EQ(ask(RequestCode::register_topic_in_namesrv, {{"topic", "t"}}, "{").code, static_cast<std::int32_t>(ResponseCode::system_error));
}

}  // namespace
}  // namespace chorus::mq::rocketmq
