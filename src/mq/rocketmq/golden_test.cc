// What real clients, brokers and NameServers said to one another: testdata/*.txt, taken by a relay between them. A line is the code of the
// request that the frame is or answers, its direction (> to the server), and the frame in hexadecimal.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "base/text.h"
#include "mq/message/message.h"
#include "mq/rocketmq/acl.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/body/topic_config.h"
#include "mq/rocketmq/command.h"

namespace chorus::mq::rocketmq {
namespace {

struct Vector {
  std::int32_t request = 0;
  bool to_server = false;
  std::string frame;
};

std::vector<Vector> vectors_of(const std::string& name) {
  std::ifstream in(CHORUS_SOURCE_DIR "/src/mq/rocketmq/testdata/" + name + ".txt");
  std::vector<Vector> vectors;
  std::string direction, hex;
  for (Vector vector; in >> vector.request >> direction >> hex;) {
    vector.to_server = direction == ">";
    vector.frame = base::unhex(hex).value_or("");
    vectors.push_back(vector);
  }
  return vectors;
}

// Empty: as it was. Else the two texts.
using Check = std::function<std::string(std::string_view)>;

// What is not null, as it is written.
std::map<std::string, std::string_view> members_of(std::string_view object) {
  // Java adds times as text, which nobody reads, and what concerns static topics.
  static const std::set<std::string_view> ignored{"minTimeStampStr",    "maxTimeStampStr",          "consumeTimeStampStr",
                                                  "mappingDataVersion", "topicQueueMappingInfoMap", "topicQueueMappingDetailMap"};
  std::map<std::string, std::string_view> members;
  JsonReader in(object);
  in.object([&](std::string_view key) {
    const std::string_view value = in.raw();
    if (value != "null" && !ignored.contains(key)) members[std::string(key)] = value;
  });
  return members;
}
std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> elements;
  JsonReader in(array);
  in.array([&] { elements.push_back(in.raw()); });
  return elements;
}

// Whether all that they wrote is in what we write: we may add members that older ones have not, with their defaults. A set of Java's comes
// in any order; so do keys that are objects.
bool covers(std::string_view ours, std::string_view theirs) {
  if (theirs.starts_with('[')) {
    std::vector<std::string_view> left = elements_of(ours);
    for (const std::string_view element : elements_of(theirs)) {
      const auto found = std::ranges::find_if(left, [&](std::string_view one) { return covers(one, element); });
      if (found == left.end()) return false;
      left.erase(found);
    }
    return left.empty();
  }
  if (theirs.starts_with('{')) {
    const auto mine = members_of(ours);
    return std::ranges::all_of(members_of(theirs), [&](const auto& member) {
      const auto& [key, value] = member;
      return std::ranges::any_of(mine, [&](const auto& one) {
        return (key.starts_with('{') ? covers(one.first, key) : one.first == key) && covers(one.second, value);
      });
    });
  }
  JsonReader a(ours), b(theirs);
  return a.text() == b.text();
}

template <Described T>
std::string body(std::string_view json) {
  const auto read = decode_body<T>(json);
  if (!read) return "not read: " + std::string(json);
  const std::string ours = encode_body(*read);
  return covers(ours, json) ? "" : ours + "\n" + std::string(json);
}

std::string messages(std::string_view octets) {
  while (!octets.empty()) {
    const auto message = decode_message(octets);
    if (!message) return "no message";
    if (encode_message(*message) != octets.substr(0, message->size)) return "another message";
    if (!has_intact_body(*message)) return "another body";
    std::string text;
    for (const Property& pair : message->properties()) append_property(text, pair.key, pair.value);
    if (text != message->properties_text && text != std::string(message->properties_text) + '\2') return "other properties";
    octets.remove_prefix(message->size);
  }
  return "";
}

std::string batch(std::string_view octets) {
  const auto items = decode_batch(octets);
  if (!items) return "no batch";
  std::string again;
  for (const BatchItem& item : *items) append_batch_item(again, item);
  return again == octets ? "" : "another batch";
}

std::string properties_lines(std::string_view text) {
  const PropertyList list = parse_properties_text(text);
  return parse_properties_text(properties_text(list)) == list && !list.empty() ? "" : "other properties";
}

std::string anything(std::string_view) { return ""; }

const std::map<std::int32_t, Check>& bodies_to_server() {
  static const std::map<std::int32_t, Check> checks{
      {34, body<HeartbeatData>},
      {41, body<LockBatch>},
      {42, body<LockBatch>},
      {46, body<CheckClientRequest>},
      {25, properties_lines},
      {200, body<SubscriptionGroupConfig>},
      {320, batch},
      {400, body<QueryAssignment>},
      {401, body<SetRequestMode>},
      {200151, body<BatchAck>},
      {310, anything},
      {10, anything},
      {325, anything},
      {324, anything},
      {18, body<TopicConfigList>},
  };
  return checks;
}
const std::map<std::int32_t, Check>& answers_of_server() {
  static const std::map<std::int32_t, Check> checks{
      {105, body<TopicRoute>},
      {106, body<ClusterInfo>},
      {11, messages},
      {361, messages},
      {12, messages},
      {33, messages},
      {200050, messages},
      {21, body<TopicConfigTable>},
      {26, properties_lines},
      {319, properties_lines},
      {28, body<KvTable>},
      {219, body<KvTable>},
      {38, body<ConsumerIdList>},
      {41, body<LockBatchAnswer>},
      {201, body<SubscriptionGroupTable>},
      {202, body<TopicStats>},
      {208, body<ConsumeStats>},
      {203, body<ConsumerConnections>},
      {204, body<ProducerConnections>},
      {206, body<TopicList>},
      {224, body<TopicList>},
      {343, body<TopicList>},
      {300, body<GroupList>},
      {222, body<ResetOffset>},
      {223, body<ConsumerStatus>},
      {303, body<ConsumeTimeSpans>},
      {307, body<ConsumerRunningInfo>},
      {309, body<ConsumeDirectlyResult>},
      {315, body<BrokerStats>},
      {317, body<ConsumeStatsList>},
      {321, body<ConsumeQueue>},
      {328, body<ProducerTable>},
      {345, body<QuerySubscriptionAnswer>},
      {351, body<TopicConfig>},
      {352, body<SubscriptionGroupConfig>},
      {353, body<GroupForbidden>},
      {400, body<QueryAssignmentAnswer>},
      {205, anything},
  };
  return checks;
}
const std::map<std::int32_t, Check>& bodies_to_client() {
  static const std::map<std::int32_t, Check> checks{
      {39, messages},
      {309, messages},
      {326, anything},
      {220, body<ResetOffset>},
  };
  return checks;
}
const std::map<std::int32_t, Check>& answers_of_client() {
  static const std::map<std::int32_t, Check> checks{
      {307, body<ConsumerRunningInfo>}, {309, body<ConsumeDirectlyResult>}, {221, body<ConsumerStatus>}};
  return checks;
}

// What must be there and what may be: s text, i and l numbers, b booleans; a question mark: optional.
const std::map<std::int32_t, std::string_view>& headers_to_server() {
  static const std::map<std::int32_t, std::string_view> headers{
      {310, "a:s b:s c:s d:i e:i f:i g:l h:i i:s? j:i? k:b? l:i? m:b?"},
      {320, "a:s b:s c:s d:i e:i f:i g:l h:i i:s? m:b"},
      {10, "producerGroup:s topic:s defaultTopic:s defaultTopicQueueNums:i queueId:i sysFlag:i bornTimestamp:l flag:i properties:s?"},
      {11,
       "consumerGroup:s topic:s queueId:i queueOffset:l maxMsgNums:i sysFlag:i commitOffset:l suspendTimeoutMillis:l subscription:s? "
       "subVersion:l expressionType:s?"},
      {361, "consumerGroup:s topic:s queueId:i queueOffset:l maxMsgNums:i sysFlag:i commitOffset:l suspendTimeoutMillis:l subVersion:l"},
      {14, "consumerGroup:s topic:s queueId:i setZeroIfNotFound:b?"},
      {15, "consumerGroup:s topic:s queueId:i commitOffset:l"},
      {12, "topic:s key:s maxNum:i beginTimestamp:l endTimestamp:l _UNIQUE_KEY_QUERY:b?"},
      {17, "topic:s defaultTopic:s readQueueNums:i writeQueueNums:i perm:i topicFilterType:s topicSysFlag:i? order:b attributes:s?"},
      {29, "topic:s queueId:i timestamp:l"},
      {30, "topic:s queueId:i"},
      {31, "topic:s queueId:i"},
      {32, "topic:s queueId:i"},
      {33, "offset:l topic:s?"},
      {35, "clientID:s producerGroup:s? consumerGroup:s?"},
      {36, "offset:l group:s delayLevel:i originMsgId:s? originTopic:s? unitMode:b? maxReconsumeTimes:i?"},
      {37, "producerGroup:s tranStateTableOffset:l commitLogOffset:l commitOrRollback:i fromTransactionCheck:b? msgId:s transactionId:s?"},
      {38, "consumerGroup:s"},
      {105, "topic:s acceptStandardJsonOnly:b?"},
      {222, "group:s topic:s timestamp:l isForce:b"},
      {370, "topic:s recallHandle:s"},
      {200050,
       "consumerGroup:s topic:s queueId:i maxMsgNums:i invisibleTime:l pollTime:l bornTime:l initMode:i expType:s? exp:s? order:b?"},
      {200051, "consumerGroup:s topic:s queueId:i extraInfo:s offset:l"},
      {200053, "consumerGroup:s topic:s queueId:i extraInfo:s offset:l invisibleTime:l"},
  };
  return headers;
}

std::string header_problem(const Command& command, std::string_view description) {
  HeaderReader in(command);
  for (const std::string_view field : base::split(description, ' ')) {
    const std::size_t colon = field.find(':');
    const std::string_view name = field.substr(0, colon);
    const bool optional = field.ends_with('?');
    switch (field[colon + 1]) {
      case 's':
        optional ? in.optional_text(name, "") : in.required_text(name);
        break;
      case 'i':
        optional ? in.optional_i32(name) : in.required_i32(name);
        break;
      case 'l':
        optional ? in.optional_i64(name) : in.required_i64(name);
        break;
      default:
        optional ? in.optional_bool(name) : in.required_bool(name);
    }
  }
  return in.error();
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, FramesAreReadAndWritten) {
  std::set<std::int32_t> codes;
  int equal = 0;
  for (const Vector& vector : vectors_of(GetParam())) {
    const auto split = split_frame(vector.frame);
    ASSERT_TRUE(split && split->complete && split->size == vector.frame.size());
    const auto command = Command::decode(split->frame);
    ASSERT_TRUE(command.has_value());
    SCOPED_TRACE(std::to_string(vector.request) + (vector.to_server ? " > " : " < ") + std::string(split->frame.header));
    codes.insert(vector.request);
    if (!command->is_response()) EXPECT_EQ(command->code, vector.request);

    {
      Outgoing again;
      again.code = command->code;
      again.opaque = command->opaque;
      again.flag = command->flag;
      again.language = command->language;
      again.version = command->version;
      again.remark = command->remark.value_or("");
      again.body = command->body;
      for (const HeaderField& field : command->fields()) again.field(field.name, field.value);
      const std::string ours = encode(again, command->format);
      const std::string_view written = split->frame.header;
      if (ours == vector.frame) {
        ++equal;
      } else if (command->format == HeaderFormat::json) {
        // Java writes fields that are none, and remarks that are empty, where an answer has a header class; Go has an order of its own.
        const std::string without_nothing =
            std::regex_replace(std::string(written), std::regex(R"(,"(extFields":\{\}|remark":""|extFields":null))"), "");
        EXPECT_PRED2(covers, split_frame(ours)->frame.header, std::string_view(without_nothing));
      } else {
        EXPECT_EQ(base::hex(ours), base::hex(vector.frame));
      }
    }

    const auto& checks = command->is_response() ? (vector.to_server ? answers_of_client() : answers_of_server())
                                                : (vector.to_server ? bodies_to_server() : bodies_to_client());
    if (!command->body.empty()) {
      const auto check = checks.find(vector.request);
      ASSERT_NE(check, checks.end()) << command->body;
      EXPECT_EQ(check->second(command->body), "");
    }
    if (const auto header = headers_to_server().find(vector.request); !command->is_response() && header != headers_to_server().end())
      EXPECT_EQ(header_problem(*command, header->second), "");
    if (access_key_of(*command)) {
      EXPECT_TRUE(is_signed_with(*command, "12345678"));
      EXPECT_FALSE(is_signed_with(*command, "12345677"));
    }
    if (const auto point = command->field("extraInfo")) EXPECT_EQ(to_string(parse_pop_check_point(*point).value()), *point);
    if (const auto offsets = command->field("msgOffsetInfo")) EXPECT_TRUE(parse_message_offsets(*offsets));
    if (const auto starts = command->field("startOffsetInfo")) EXPECT_TRUE(parse_queue_numbers(*starts));
    if (const auto handle = command->field("recallHandle")) EXPECT_EQ(to_string(parse_recall_handle(*handle).value()), *handle);
    if (const auto id = command->field("msgId"); id && command->is_response() && vector.request == 310)
      EXPECT_EQ(to_string(parse_offset_id(*id).value()), *id);
  }
  EXPECT_GE(codes.size(), 8u);
  EXPECT_GT(equal, 10) << "octet for octet";
}

INSTANTIATE_TEST_SUITE_P(RocketMq, Golden, testing::Values("java-5.5.0", "java-5.5.0-binary", "java-4.9.7", "go-2.1.3", "node-3.12.0"),
                         [](const auto& name) { return std::regex_replace(std::string(name.param), std::regex("[^a-z0-9]"), "_"); });

}  // namespace
}  // namespace chorus::mq::rocketmq
