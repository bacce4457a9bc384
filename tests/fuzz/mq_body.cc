#include <array>
#include <string>

#include "base/ensure.h"
#include "mq/broker/topic_attributes.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/clients.h"
#include "mq/rocketmq/body/group_config.h"
#include "mq/rocketmq/body/heartbeat.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/body/pop.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/body/topic_config.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq::rocketmq;

// What was read is written and read again: the same text then.
template <class T>
void body(std::string_view input) {
  const auto first = decode_body<T>(input);
  if (!first) return;
  const std::string written = encode_body(*first);
  const auto second = decode_body<T>(written);
  ENSURE(second.has_value(), written);
  ENSURE(encode_body(*second) == written, written);
}

void registration(std::string_view input) {
  for (const bool with_mappings : {false, true}) {
    const auto read = decode_compressed_registration(input, with_mappings, 1 << 20);
    if (read) ENSURE(decode_compressed_registration(encode_compressed_registration(*read, with_mappings), with_mappings).has_value());
  }
}

void texts(std::string_view input) {
  if (const auto point = parse_pop_check_point(input)) ENSURE(parse_pop_check_point(to_string(*point)) == point);
  if (const auto handle = parse_recall_handle(input)) ENSURE(parse_recall_handle(to_string(*handle)) == handle);
  if (const auto entries = parse_message_offsets(input)) {
    std::string info;
    for (const PopQueueOffsets& entry : *entries) append_message_offsets(info, entry.source, entry.queue_id, entry.offsets);
    ENSURE(parse_message_offsets(info) == entries);
  }
  parse_queue_numbers(input);
  for (const auto& before : {std::optional<mq::TopicAttributeMap>(), std::optional(mq::TopicAttributeMap{{"message.type", "FIFO"}})}) {
    if (const auto after = mq::changed_attributes(before, input)) ENSURE(after->size() <= 6);
  }
  parse_properties_text(input);
}

constexpr std::array parsers{body<HeartbeatData>,
                             body<TopicRoute>,
                             body<ClusterInfo>,
                             body<RegisterBroker>,
                             body<SubscriptionGroupTable>,
                             body<LockBatch>,
                             body<ConsumeStatsList>,
                             body<ConsumerStatus>,
                             body<ConsumerConnections>,
                             body<QueryAssignmentAnswer>,
                             body<BatchAck>,
                             body<ConsumerRunningInfo>,
                             body<AclInfo>,
                             body<CorrectionOffsets>,
                             registration,
                             texts};

}  // namespace

void fuzz_mq_body(std::string_view input) {
  if (input.empty()) return;
  const std::string borrowed(input.substr(1));
  parsers[static_cast<unsigned char>(input[0]) % parsers.size()](borrowed);
}

}  // namespace chorus::fuzz
