#include "mq/rocketmq/body/body.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <regex>

#include "base/text.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/body/topic_config.h"

namespace chorus::mq::rocketmq {
namespace {

// name, tab, body: as the classes of RocketMQ 5.5.0 write them.
std::map<std::string, std::string> golden_bodies() {
  std::ifstream in(CHORUS_SOURCE_DIR "/src/mq/rocketmq/testdata/bodies-5.5.0.txt");
  std::map<std::string, std::string> bodies;
  for (std::string line; std::getline(in, line);) {
    const std::size_t tab = line.find('\t');
    bodies[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return bodies;
}

template <Described T>
std::string again(std::string_view json) {
  const auto body = decode_body<T>(json);
  return body ? encode_body(*body) : "not read";
}

TEST(Bodies, ReadAndWriteWhatRocketMqWrites) {
  const std::map<std::string, std::function<std::string(std::string_view)>> types{
      {"heartbeat", again<HeartbeatData>},
      {"route", again<TopicRoute>},
      {"route_ordered", again<TopicRoute>},
      {"cluster", again<ClusterInfo>},
      {"topic_configs", again<TopicConfigTable>},
      {"topic_config", again<TopicConfig>},
      {"topic_config_mapping", again<TopicConfig>},
      {"topic_config_list", again<TopicConfigList>},
      {"register_broker", again<RegisterBroker>},
      {"group_config", again<SubscriptionGroupConfig>},
      {"group_configs", again<SubscriptionGroupTable>},
      {"group_config_list", again<SubscriptionGroupList>},
      {"group_forbidden", again<GroupForbidden>},
      {"query_subscription", again<QuerySubscriptionAnswer>},
      {"lock_batch", again<LockBatch>},
      {"lock_batch_answer", again<LockBatchAnswer>},
      {"consume_stats", again<ConsumeStats>},
      {"consume_stats_list", again<ConsumeStatsList>},
      {"topic_stats", again<TopicStats>},
      {"consumer_connection", again<ConsumerConnections>},
      {"producer_connection", again<ProducerConnections>},
      {"producer_table", again<ProducerTable>},
      {"reset_offset", again<ResetOffset>},
      {"reset_offset_c", again<ResetOffsetForC>},
      {"consumer_status", again<ConsumerStatus>},
      {"batch_ack", again<BatchAck>},
      {"query_assignment", again<QueryAssignment>},
      {"query_assignment_answer", again<QueryAssignmentAnswer>},
      {"request_mode", again<SetRequestMode>},
      {"request_modes", again<RequestModes>},
      {"time_span", again<ConsumeTimeSpans>},
      {"consume_queue", again<ConsumeQueue>},
      {"correction_offset", again<CorrectionOffsets>},
      {"broker_stats", again<BrokerStats>},
      {"check_client", again<CheckClientRequest>},
      {"kv_table", again<KvTable>},
      {"running_info", again<ConsumerRunningInfo>},
      {"consume_directly", again<ConsumeDirectlyResult>},
      {"topic_list", again<TopicList>},
      {"group_list", again<GroupList>},
      {"member_group", again<BrokerMemberGroupAnswer>},
      {"data_version", again<DataVersion>},
      {"user", again<UserInfo>},
      {"acl", again<AclInfo>},
      {"consumer_ids", again<ConsumerIdList>},
  };
  const std::regex bare_number_key(R"(([{,])(\d+):)"), times_as_text(R"(,"\w+TimeStampStr":"[^"]*")");
  std::size_t seen = 0;
  for (const auto& [name, json] : golden_bodies()) {
    SCOPED_TRACE(name);
    if (name == "register_broker_compressed") continue;
    ++seen;
    ASSERT_TRUE(types.contains(name));
    // Numbers as keys we write in quotes; times as text, which Java adds, nobody reads.
    const std::string expected = std::regex_replace(std::regex_replace(json, bare_number_key, "$1\"$2\":"), times_as_text, "");
    EXPECT_EQ(types.at(name)(json), expected);
    EXPECT_EQ(types.at(name)(expected), expected);
    for (std::size_t size = 0; size < json.size(); ++size) ASSERT_EQ(types.at(name)(std::string_view(json).substr(0, size)), "not read");
  }
  EXPECT_EQ(seen, types.size());
}

TEST(Bodies, CompressedRegistrationBothWays) {
  const auto bodies = golden_bodies();
  const std::string deflated = *base::unhex(bodies.at("register_broker_compressed"));
  const auto read = decode_compressed_registration(deflated, true);
  ASSERT_TRUE(read.has_value());
  auto plain = decode_body<RegisterBroker>(bodies.at("register_broker"));
  ASSERT_TRUE(plain.has_value());
  // Of a topic, the compressed form has neither order nor flags.
  EXPECT_EQ(read->topics.version, plain->topics.version);
  EXPECT_EQ(read->filter_servers, plain->filter_servers);
  EXPECT_EQ(read->topics.mappings, plain->topics.mappings);
  TopicConfig expected = plain->topics.topics.at("T");
  expected.order = false;
  expected.sys_flag = 0;
  EXPECT_EQ(read->topics.topics.at("T"), expected);
  EXPECT_EQ(decode_compressed_registration(encode_compressed_registration(*read, true), true), read);

  RegisterBroker old = *read;
  old.topics.mappings.clear();
  EXPECT_EQ(decode_compressed_registration(encode_compressed_registration(old, false), false), old);
  EXPECT_FALSE(decode_compressed_registration(encode_compressed_registration(old, false), true)) << "a mapping count is missing";
  for (std::size_t size = 0; size < deflated.size(); ++size) EXPECT_FALSE(decode_compressed_registration(deflated.substr(0, size), true));
  // A small body that would be large.
  RegisterBroker large;
  large.topics.topics["T"] = {.name = std::string(100'000, 'T')};
  const std::string small = encode_compressed_registration(large, true);
  EXPECT_LT(small.size(), 1000u);
  EXPECT_TRUE(decode_compressed_registration(small, true, 110'000));
  EXPECT_FALSE(decode_compressed_registration(small, true, 100'000));
}

TEST(Bodies, ReadWhatIsNoJson) {
  const auto table = decode_body<ResetOffset>(
      R"({"offsetTable":{{"topic":"T","queueId":1,"brokerName":"b"}:5, {'brokerName':'b',queueId:"2",topic:"T","x":[{}]}:"6",}})");
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->offsets, (OffsetTable{{{"T", "b", 1}, 5}, {{"T", "b", 2}, 6}}));
  const auto broker =
      decode_body<BrokerData>(R"( {'brokerAddrs':{0:"a",1:'b'},brokerName:null,"cluster":7, enableActingMaster:"true", new:{a:[1,2]}} )");
  ASSERT_TRUE(broker.has_value());
  EXPECT_EQ(broker->addresses, (std::map<std::int64_t, std::string>{{0, "a"}, {1, "b"}}));
  EXPECT_EQ(broker->broker_name, "");
  EXPECT_EQ(broker->cluster, "7");
  EXPECT_TRUE(broker->enable_acting_master);
  EXPECT_TRUE(decode_body<HeartbeatData>("{}"));
  EXPECT_EQ(decode_body<ConsumerData>(R"({"consumeType":"CONSUME_POP","messageModel":0,"consumeFromWhere":"NEWER"})")->consume_type,
            ConsumeType::pop);
  for (const char* bad : {"", "null", "[]", "{", R"({"queueNum":1}})", R"({"perm":"x"})", R"({"perm":99999999999})", R"({"brokerName":{})"})
    EXPECT_FALSE(decode_body<QueueData>(bad)) << bad;
  EXPECT_FALSE(decode_body<ResetOffset>(R"({"offsetTable":{"notAQueue":5}})"));
}

TEST(Bodies, PropertiesText) {
  const PropertyList list{{"brokerName", "b"}, {"note", "\xc3\xa9\xe4\xb8\x80"}, {"empty", ""}};
  EXPECT_EQ(properties_text(list), "brokerName=b\nnote=\xc3\xa9\xe4\xb8\x80\nempty=\n");
  EXPECT_EQ(parse_properties_text(properties_text(list)), list);
  EXPECT_EQ(parse_properties_text("# x\nk : \\u00e9\n"), (PropertyList{{"k", "\xc3\xa9"}}));
}

TEST(Pop, CheckPoints) {
  const PopCheckPoint point{100, 1700000000000, 60000, 3, PopSource::retry_v2, "broker-a", 7, 105};
  EXPECT_EQ(to_string(point), "100 1700000000000 60000 3 2 broker-a 7 105");
  EXPECT_EQ(parse_pop_check_point(to_string(point)), point);
  PopCheckPoint whole = point;
  whole.offset.reset();
  EXPECT_EQ(parse_pop_check_point("100 1700000000000 60000 3 2 broker-a 7"), whole);
  for (const char* bad : {"", "1 2 3 4 0 b", "1 2 3 4 3 b 0", "1 2 3 x 0 b 0", "1 2 3 4 0  0", "1 2 3 4 0 b 0 x"})
    EXPECT_FALSE(parse_pop_check_point(bad)) << bad;
  EXPECT_EQ(pop_source_of("T"), PopSource::normal);
  EXPECT_EQ(pop_source_of("%RETRY%g_T"), PopSource::retry_v1);
  EXPECT_EQ(pop_source_of(pop_topic(PopSource::retry_v2, "T", "g")), PopSource::retry_v2);
}

TEST(Pop, Offsets) {
  std::string starts, offsets, counts;
  append_start_offset(starts, PopSource::normal, 0, 5);
  append_start_offset(starts, PopSource::retry_v1, 2, 9);
  EXPECT_EQ(starts, "0 0 5;1 2 9");
  append_message_offsets(offsets, PopSource::normal, 0, std::vector<std::int64_t>{5, 6, 8});
  append_message_offsets(offsets, PopSource::retry_v2, 1, std::vector<std::int64_t>{9});
  EXPECT_EQ(offsets, "0 0 5,6,8;2 1 9");
  append_order_count(counts, PopSource::normal, 0, 1);
  append_order_count(counts, PopSource::normal, 0, 17, 2);
  EXPECT_EQ(counts, "0 0 1;0 qo0%17 2");
  EXPECT_EQ(*parse_queue_numbers(starts), (std::vector<PopQueueNumber>{{PopSource::normal, "0", 5}, {PopSource::retry_v1, "2", 9}}));
  EXPECT_EQ(parse_queue_numbers(counts)->at(1).queue, "qo0%17");
  EXPECT_EQ(*parse_message_offsets(offsets),
            (std::vector<PopQueueOffsets>{{PopSource::normal, 0, {5, 6, 8}}, {PopSource::retry_v2, 1, {9}}}));
  for (const char* bad : {"0 0", "0 0 5;", "9 0 5", "0 0 x", "0 0 5,"}) EXPECT_FALSE(parse_message_offsets(bad)) << bad;
}

TEST(Pop, AckBitsAreAlsoReadAsNumbers) {
  const auto ack = decode_body<BatchAck>(R"({"acks":[{"b":[1,2,-128],"consumerGroup":"g"}]})");
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->acks[0].bits.set, (std::vector<std::uint32_t>{0, 9, 23}));
  EXPECT_EQ(ack->acks[0].consumer_group, "g");
  EXPECT_FALSE(decode_body<BatchAck>(R"({"acks":[{"b":"?"}]})"));
  EXPECT_FALSE(decode_body<BatchAck>(R"({"acks":[{"b":")" + std::string(20000, 'A') + R"("}]})"));
}

// The text is what RecallMessageHandle.HandleV1.buildHandle of RocketMQ 5.5.0 makes of it.
TEST(Pop, RecallHandles) {
  const RecallHandle handle{"Topic", "broker-a", 1700000000000, "7F00000100B12A139A5500C5B1CA0001"};
  const std::string text = "djEgVG9waWMgYnJva2VyLWEgMTcwMDAwMDAwMDAwMCA3RjAwMDAwMTAwQjEyQTEzOUE1NTAwQzVCMUNBMDAwMQ==";
  EXPECT_EQ(to_string(handle), text);
  EXPECT_EQ(parse_recall_handle(text), handle);
  EXPECT_EQ(parse_recall_handle(text.substr(0, text.size() - 2)), handle);
  for (const char* bad : {"", "?", "djIgYSBiIDEgYw==", "djEgYSBiIGMgZA=="}) EXPECT_FALSE(parse_recall_handle(bad)) << bad;
}

}  // namespace
}  // namespace chorus::mq::rocketmq
