// The parts of the client that need no server: shares of queues, progress in a queue, messages, requests as they are written.
#include "mq/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "mq/client/in_flight.h"
#include "mq/client/producer.h"
#include "mq/client/push_consumer.h"

namespace chorus::mqclient {
namespace {

std::vector<Queue> queues(int count) {
  std::vector<Queue> out;
  for (int id = 0; id < count; ++id) out.push_back({.topic = "T", .broker_name = "a", .queue_id = id});
  return out;
}

TEST(AllocateEvenly, SharesInBlocksAsRocketMqDoes) {
  // source: client/consumer/rebalance/AllocateMessageQueueAveragely.java
  const struct {
    int queues;
    std::vector<std::string> members;
    std::vector<std::vector<int>> want;
  } cases[] = {{4, {"b", "a"}, {{2, 3}, {0, 1}}},
               {5, {"a", "b"}, {{0, 1, 2}, {3, 4}}},
               {8, {"a", "b", "c"}, {{0, 1, 2}, {3, 4, 5}, {6, 7}}},
               {2, {"a", "b", "c"}, {{0}, {1}, {}}},
               {0, {"a"}, {{}}}};
  for (const auto& c : cases) {
    for (std::size_t i = 0; i < c.members.size(); ++i) {
      std::vector<int> got;
      for (const Queue& each : allocate_evenly(queues(c.queues), c.members, c.members[i])) got.push_back(each.queue_id);
      EXPECT_EQ(got, c.want[i]) << c.queues << " queues, member " << c.members[i];
    }
  }
  EXPECT_TRUE(allocate_evenly(queues(4), {"a", "b"}, "stranger").empty());
  EXPECT_TRUE(allocate_evenly(queues(4), {}, "a").empty());
}

TEST(AllocateEvenly, EachQueueHasOneMember) {
  for (int count = 0; count < 20; ++count) {
    for (int members = 1; members < 8; ++members) {
      std::vector<std::string> names;
      for (int i = 0; i < members; ++i) names.push_back("m" + std::to_string(i));
      std::multiset<int> all;
      for (const std::string& name : names) {
        for (const Queue& each : allocate_evenly(queues(count), names, name)) all.insert(each.queue_id);
      }
      EXPECT_EQ(all.size(), static_cast<std::size_t>(count));
      EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), all.size());
    }
  }
}

TEST(Route, TellsQueuesApartByPermissionAndMaster) {
  wire::TopicRoute route;
  route.brokers = {{.cluster = "C", .broker_name = "a", .addresses = {{0, "10.0.0.1:10911"}, {1, "10.0.0.2:10911"}}},
                   {.cluster = "C", .broker_name = "b", .addresses = {{1, "10.0.0.3:10911"}}},
                   {.cluster = "C", .broker_name = "c", .addresses = {{0, "10.0.0.4:10911"}}}};
  route.queues = {{.broker_name = "c", .perm = 4, .read_queues = 1, .write_queues = 1},
                  {.broker_name = "b", .perm = 6, .read_queues = 2, .write_queues = 2},
                  {.broker_name = "a", .perm = 6, .read_queues = 3, .write_queues = 2}};
  const auto names = [](const std::vector<Queue>& all) {
    std::string out;
    for (const Queue& each : all) out += each.broker_name + std::to_string(each.queue_id) + " ";
    return out;
  };
  EXPECT_EQ(names(writable_queues("T", route)), "a0 a1 ");
  EXPECT_EQ(names(readable_queues("T", route)), "a0 a1 a2 b0 b1 c0 ");
  EXPECT_EQ(address_of(route, "a"), (world::Address{"10.0.0.1", 10911}));
  EXPECT_EQ(address_of(route, "b"), (world::Address{"10.0.0.3", 10911}));
  EXPECT_FALSE(address_of(route, "d"));
  route.order_topic_conf = "a:2;c:1";
  EXPECT_EQ(names(writable_queues("T", route)), "a0 a1 c0 ");
}

TEST(InFlight, CommitsUpToTheFirstThatIsNotDone) {
  InFlight flight(10);
  EXPECT_EQ(flight.consumed_to(), 10);
  for (const int offset : {10, 12, 13}) flight.add(offset, 5);  // 11 was not for us
  EXPECT_EQ(flight.next(), 14);
  flight.done(12);
  EXPECT_EQ(flight.consumed_to(), 10);
  EXPECT_EQ(flight.octets(), 10U);
  flight.done(10);
  EXPECT_EQ(flight.consumed_to(), 13);
  flight.done(13), flight.done(13);
  EXPECT_EQ(flight.consumed_to(), 14);
  flight.read_to(20), flight.read_to(15);
  EXPECT_EQ(flight.consumed_to(), 20);
  EXPECT_EQ(flight.octets(), 0U);
}

TEST(Messages, ComeBackAsTheyWereSent) {
  const std::string body = std::string(10'000, 'x') + "end";
  auto properties = properties_text({{"TAGS", "red"}, {"mine", "1"}, {"empty", ""}});
  ASSERT_TRUE(properties);
  const std::string packed = mq::compress(body, mq::Compression::zlib);
  EXPECT_LT(packed.size(), 200U);
  mq::MessageView view{.queue_id = 3,
                       .queue_offset = 7,
                       .position = 99,
                       .sys_flag = 1 | 3 << 8,
                       .body = packed,
                       .topic = "T",
                       .properties_text = *properties};
  const auto messages = decode_messages(mq::encode_message(view) + mq::encode_message(view), "a");
  ASSERT_TRUE(messages);
  ASSERT_EQ(messages->size(), 2U);
  const Received& one = messages->front();
  EXPECT_EQ(one.body, body);
  EXPECT_TRUE(one.is_intact);
  EXPECT_EQ(one.sys_flag, 0);
  EXPECT_EQ(one.property("TAGS"), "red");
  EXPECT_EQ(one.properties.size(), 2U);
  EXPECT_EQ(one.id(), one.offset_id);
  EXPECT_EQ(one.broker_name, "a");
}

TEST(Messages, DamageIsSeen) {
  std::string octets = mq::encode_message({.body = "hello", .topic = "T"});
  octets[octets.find("hello")] = 'j';
  const auto messages = decode_messages(octets);
  ASSERT_TRUE(messages);
  EXPECT_FALSE(messages->front().is_intact);
  EXPECT_EQ(decode_messages(octets.substr(0, octets.size() - 1)).error().code, Code::malformed);
  const auto bad = decode_messages(mq::encode_message({.sys_flag = 1, .body = "no zlib", .topic = "T"}));
  ASSERT_TRUE(bad);
  EXPECT_FALSE(bad->front().is_intact);
  EXPECT_EQ(bad->front().body, "no zlib");
}

TEST(Messages, PropertiesThatCannotBeSentAreRefused) {
  EXPECT_EQ(properties_text({{"a\x01", "b"}}).error().code, Code::invalid);
  EXPECT_EQ(properties_text({{"a", "b\x02"}}).error().code, Code::invalid);
  EXPECT_EQ(properties_text({{"a", std::string(40'000, 'b')}}).error().code, Code::invalid);
}

TEST(Messages, KeysChooseQueuesAsJavasHashDoes) {
  EXPECT_EQ(queue_of_key("hello", 4), 99162322U % 4);
  EXPECT_EQ(queue_of_key("polygenelubricants", 8), 0U);  // the least int there is: its absolute value does not fit
}

TEST(Subscriptions, HoldTagsAndTheirHashes) {
  const auto data = subscription("T", "a || b||c ", "TAG", 5);
  EXPECT_EQ(data.tags_set, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(data.code_set, (std::vector<std::int32_t>{97, 98, 99}));
  Received message{.properties = {{"TAGS", "b"}}};
  EXPECT_TRUE(is_wanted(data, message));
  message.properties["TAGS"] = "d";
  EXPECT_FALSE(is_wanted(data, message));
  EXPECT_TRUE(is_wanted(subscription("T", "", "TAG", 5), message));
  EXPECT_TRUE(is_wanted(subscription("T", "x > 1", "SQL92", 5), message));
}

TEST(Requests, ReadAnswersAndRefusals) {
  const auto read = max_offset({.topic = "T", .broker_name = "a", .queue_id = 1}).read;
  EXPECT_EQ(read(Incoming{.fields = {{"offset", "12"}}}), 12);
  EXPECT_EQ(read(Incoming{}).error().code, Code::malformed);
  const auto refused = read(Incoming{.code = 16, .remark = "not you"});
  EXPECT_TRUE(refused.error().is(wire::ResponseCode::no_permission));
  EXPECT_EQ(refused.error().message, "not you (16 NO_PERMISSION)");
  EXPECT_EQ(read(Incoming{.code = 17, .remark = "no topic"}).error().code, Code::unknown_topic);
  const auto committed = committed_offset("G", {.topic = "T"}).read;
  EXPECT_EQ(committed(Incoming{.code = 22}).value(), std::nullopt);
  EXPECT_EQ(committed(Incoming{.fields = {{"offset", "3"}}}).value(), 3);
}

TEST(Requests, PullsSayWhatBecameOfTheOffset) {
  const auto read = pull({.group = "G", .queue = {.topic = "T"}}).read;
  const auto answer = [](int code) {
    return Incoming{.code = code, .fields = {{"nextBeginOffset", "5"}, {"minOffset", "1"}, {"maxOffset", "9"}}};
  };
  EXPECT_EQ(read(answer(19))->status, Pulled::Status::none);
  EXPECT_EQ(read(answer(20))->status, Pulled::Status::filtered_out);
  EXPECT_EQ(read(answer(21))->status, Pulled::Status::moved);
  EXPECT_EQ(read(answer(21))->next, 5);
  EXPECT_EQ(read(Incoming{.code = 19}).error().code, Code::malformed);
  auto damaged = answer(0);
  damaged.body = "no message";
  EXPECT_EQ(read(std::move(damaged)).error().code, Code::malformed);
}

TEST(Requests, SendsSayHowDurableItIs) {
  const auto read = send({.group = "P", .topic = "T", .broker_name = "a"}).read;
  const auto sent = read(Incoming{.code = 10, .fields = {{"msgId", "ID"}, {"queueId", "2"}, {"queueOffset", "8"}}});
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->flushed, wire::ResponseCode::flush_disk_timeout);
  EXPECT_EQ(sent->queue.queue_id, 2);
  EXPECT_EQ(sent->offset, 8);
  EXPECT_EQ(read(Incoming{.code = 13, .remark = "too large"}).error().code, Code::refused);
  EXPECT_EQ(read(Incoming{}).error().code, Code::malformed);
}

TEST(NameServers, AreReadAsRocketMqWritesThem) {
  EXPECT_EQ(parse_name_servers("a:1;b;[::1]:3"), (std::vector<world::Address>{{"a", 1}, {"b", 9876}, {"::1", 3}}));
  EXPECT_EQ(parse_name_servers("a:1, b:2"), (std::vector<world::Address>{{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(parse_name_servers(""));
  EXPECT_FALSE(parse_name_servers("a:port"));
}

}  // namespace
}  // namespace chorus::mqclient
