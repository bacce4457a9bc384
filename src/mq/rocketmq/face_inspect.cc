// What administrators look into: queues, statistics, all groups at once; and what they may set going.
// source: broker/processor/AdminBrokerProcessor.java
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/text.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/offsets.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {
namespace {

// Bounds of one answer.
constexpr std::int32_t entries_max = 1024;
constexpr std::size_t queues_max = 100'000;

BrokerStats::Item shown(const Statistics::Period& period) {
  return {.average_per_call = period.per_call, .sum = period.sum, .tps = period.per_second};
}

/// Answer to 45: by delay level, the first message that is not due.
struct DelayOffsets {
  DataVersion version;
  std::map<std::int32_t, std::int64_t> offsets;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("dataVersion", self.version);
    member("offsetTable", self.offsets);
  }
};

}  // namespace

void BrokerFace::inspect(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  switch (command.request()) {
    case RequestCode::query_consume_queue:
      return consume_queue(from, command);
    case RequestCode::get_broker_consume_stats:
      return all_consume_stats(from, command);
    case RequestCode::view_broker_stats_data: {
      const std::string name(header.required_text("statsName")), key(header.required_text("statsKey"));
      if (refuse_bad_header(asker, header)) return;
      const auto item = broker_.statistics().find(name, key, world_.wall_now().time_since_epoch().count());
      if (!item) return refuse(asker, ResponseCode::system_error, fmt::format("The stats <{}> <{}> not exist", name, key));
      return answer_body(asker, BrokerStats{.day = shown(item->day), .hour = shown(item->hour), .minute = shown(item->minute)});
    }
    case RequestCode::query_correction_offset: {
      const std::string topic(header.required_text("topic")), compared(header.required_text("compareGroup"));
      const std::string_view filtered = header.optional_text("filterGroups", "");
      if (refuse_bad_header(asker, header)) return;
      CorrectionOffsets said;
      const auto passed_over = base::split(filtered, ',');
      // The least offset of all groups that are not filtered out. source: ConsumerOffsetManager.queryMinOffsetInAllGroup
      for (const std::string& group : broker_.offsets().groups_of(topic)) {
        if (std::ranges::find(passed_over, std::string_view(group)) != passed_over.end()) continue;
        for (const Offsets::Of& of : broker_.offsets().of_group(group, topic)) {
          const auto [at, made] = said.offsets.try_emplace(of.queue.queue, of.offset);
          if (!made) at->second = std::min(at->second, of.offset);
        }
      }
      for (const Offsets::Of& of : broker_.offsets().of_group(compared, topic)) {
        const auto at = said.offsets.find(of.queue.queue);
        if (at != said.offsets.end() && at->second > of.offset) at->second = std::numeric_limits<std::int64_t>::max();
      }
      return answer_body(asker, said);
    }
    case RequestCode::resume_check_half_message: {
      const std::string id(header.optional_text("msgId", ""));
      const auto place = parse_offset_id(id);
      if (!place) return refuse(asker, ResponseCode::invalid_parameter, fmt::format("msgId {} is no message's offset id", id));
      return broker_.resume_check(place->position, answer_when_done(asker));
    }
    case RequestCode::clean_expired_consumequeue:  // an index goes with its segment of the log
    case RequestCode::clean_unused_topic:          // and with it what is left of a topic that was deleted
      return answer(asker, {});
    case RequestCode::delete_expired_commitlog:
      broker_.store().retain_now();
      return answer(asker, {});
    case RequestCode::get_all_consumer_offset: {
      ConsumerOffsetTable table{.version = rocketmq::shown(broker_.topics().version())};
      for (const auto& [group, config] : broker_.groups().all()) {
        for (const Offsets::Of& of : broker_.offsets().of_group(group)) {
          table.offsets[fmt::format("{}@{}", of.queue.topic, group)][of.queue.queue] = of.offset;
        }
      }
      return answer_body(asker, table);
    }
    case RequestCode::get_all_delay_offset: {
      auto gathering = std::make_shared<DelayOffsets>(DelayOffsets{.version = rocketmq::shown(broker_.topics().version()), .offsets = {}});
      // The last to let go of it answers.
      const std::shared_ptr<void> end(nullptr, [this, asker, gathering, alive = std::weak_ptr<bool>(alive_)](void*) {
        if (alive.lock()) answer_body(asker, *gathering);
      });
      const auto& levels = broker_.options().delay_levels;
      const std::int64_t now = world_.wall_now().time_since_epoch().count();
      for (std::int32_t level = 1; level <= std::ssize(levels); ++level) {
        const QueueKey queue{.topic = std::string(topic::schedule), .queue = level - 1};
        if (broker_.bounds(queue).max == 0) continue;
        // Those of one level come due in their order: what was stored later than this is not due yet.
        broker_.find_time(queue, now - levels[static_cast<std::size_t>(level - 1)].count() + 1,
                          [gathering, end, level](const StoreResult<Offset>& at) {
                            if (at) gathering->offsets[level] = *at;
                          });
      }
      return;
    }
    case RequestCode::get_broker_ha_status:
      return answer_body(asker, HaStatus{.master_end = broker_.store().statistics().end});
    case RequestCode::get_broker_epoch_cache:
      return refuse(asker, ResponseCode::system_error, "this request only for controllerMode ");
    case RequestCode::update_and_create_static_topic:
      return refuse(asker, ResponseCode::request_code_not_supported,
                    "static topics (logical queues that move between brokers) are not supported: make the topic with updateTopic");
    default:
      break;
  }
  refuse(asker, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", command.code));
}

void BrokerFace::consume_queue(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const QueueKey queue{.topic = std::string(header.required_text("topic")), .queue = header.required_i32("queueId")};
  const Offset index = header.required_i64("index");
  const std::int32_t count = header.required_i32("count");
  const auto group = header.optional_text("consumerGroup");
  if (refuse_bad_header(asker, header)) return;
  const mq::TopicConfig* topic = broker_.topics().find(queue.topic);
  if (topic == nullptr || queue.queue < 0 || queue.queue >= std::max(topic->read_queues, topic->write_queues)) {
    return refuse(asker, ResponseCode::system_error, fmt::format("{}@{} is not exist!", queue.queue, queue.topic));
  }
  ConsumeQueue said;
  if (group && !group->empty()) {
    if (const Subscription* subscription = broker_.clients().subscription(*group, queue.topic)) {
      said.subscription = rocketmq::shown(*subscription);
      said.filter_data = "null";
    } else {
      said.filter_data = fmt::format("{}@{} is not online!", *group, queue.topic);
    }
  }
  broker_.pull(
      {.queue = queue,
       .from = index,
       .limits = {.entries_max = static_cast<std::uint32_t>(std::clamp(count, 1, entries_max)), .octets_max = 4 << 20}},
      [this, asker, queue, index, said = std::move(said)](StoreResult<Batch> batch) mutable {
        if (!batch) return refuse(asker, ResponseCode::system_error, batch.error().message);
        said.max_offset = batch->max;
        said.min_offset = batch->min;
        Outgoing outgoing;
        if (batch->status != Batch::Status::found) {
          outgoing.remark = fmt::format("Index {} of {}@{} is not exist!", index, queue.queue, queue.topic);
          // RocketMQ says so with no body, which its tool then cannot read.
        }
        for (const IndexEntry& entry : batch->entries) {
          said.entries.push_back({.position = entry.position, .size = static_cast<std::int32_t>(entry.size), .tag_code = entry.tag_hash});
        }
        outgoing.body = encode_body(said);
        answer(asker, std::move(outgoing));
      });
}

void BrokerFace::all_consume_stats(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  HeaderReader header(command);
  const bool only_ordered = header.optional_bool("isOrder");
  if (refuse_bad_header(asker, header)) return;
  struct Place {
    std::string group;
    QueueKey queue;
  };
  std::vector<Place> of;
  std::vector<std::pair<QueueKey, Offset>> places;
  for (const auto& [group, config] : broker_.groups().all()) {
    const ConsumerGroup* consumers = broker_.clients().consumers(group);
    for (const std::string& topic : broker_.offsets().topics_of(group)) {
      const mq::TopicConfig* known = broker_.topics().find(topic);
      if (known == nullptr || (only_ordered && !known->order)) continue;
      if (consumers && !consumers->subscriptions.empty() && !consumers->subscriptions.contains(topic)) continue;
      for (std::int32_t queue = 0; queue < known->write_queues && of.size() < queues_max; ++queue) {
        const QueueKey key{.topic = topic, .queue = queue};
        of.push_back({group, key});
        places.emplace_back(key, broker_.committed(group, key).value_or(0) - 1);
      }
    }
  }
  times_at(std::move(places), [this, asker, of = std::move(of)](const std::vector<std::int64_t>& times) {
    ConsumeStatsList list{.broker_address = to_string(broker_.options().host)};
    std::map<std::string, std::map<std::string, ConsumeStats>> by_group;
    for (std::size_t i = 0; i < of.size(); ++i) {
      const auto& [group, queue] = of[i];
      const Offset committed = broker_.committed(group, queue).value_or(0), end = broker_.bounds(queue).max;
      by_group[group][queue.topic].offsets[shown_queue(queue)] = {
          .broker_offset = end, .consumer_offset = committed, .last_time_ms = times[i], .pull_offset = committed};
      list.total_diff += end - committed;
    }
    const std::int64_t now = world_.wall_now().time_since_epoch().count();
    for (auto& [group, topics] : by_group) {
      std::vector<ConsumeStats> of_topics;
      for (auto& [topic, one] : topics) {
        const auto item = broker_.statistics().find(stats::group_get_count, fmt::format("{}@{}", topic, group), now);
        if (item) one.consume_tps = item->minute.per_second;
        of_topics.push_back(std::move(one));
      }
      list.stats.push_back({{group, std::move(of_topics)}});
    }
    answer_body(asker, list);
  });
}

}  // namespace chorus::mq::rocketmq
