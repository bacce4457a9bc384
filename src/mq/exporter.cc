#include "mq/exporter.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/text.h"

namespace chorus::mq {
namespace {

using Labels = std::map<std::string, std::string>;

struct Series {
  std::string_view name, key, help;
};

/// Numbers of runtime information that are told as they are. source: exporter/model/BrokerRuntimeStats.java
constexpr Series runtime_series[] = {
    {"rocketmq_brokeruntime_dispatch_maxbuffer", "dispatchMaxBuffer", "Most entries that waited for an index: none do."},
    {"rocketmq_brokeruntime_earliest_message_timestamp", "earliestMessageTimeStamp", "When the oldest message was stored, ms since 1970."},
    {"rocketmq_brokeruntime_getmessage_entire_time_max", "getMessageEntireTimeMax", "Longest read for a consumer, ms."},
    {"rocketmq_brokeruntime_pagecache_lock_time_mills", "pageCacheLockTimeMills", "How long a message waits for others to be copied: not."},
    {"rocketmq_brokeruntime_pull_threadpoolqueue_capacity", "pullThreadPoolQueueCapacity", "Pulls that may wait for messages."},
    {"rocketmq_brokeruntime_pull_threadpoolqueue_headwait_timemills", "pullThreadPoolQueueHeadWaitTimeMills",
     "Longest wait of a pull for its turn, ms."},
    {"rocketmq_brokeruntime_pull_threadpoolqueue_size", "pullThreadPoolQueueSize", "Pulls that wait for their turn."},
    {"rocketmq_brokeruntime_put_latency_99", "putLatency99", "99 of 100 messages of the last minute were stored within so many ms."},
    {"rocketmq_brokeruntime_put_latency_999", "putLatency999", "999 of 1000 likewise."},
    {"rocketmq_brokeruntime_putmessage_entire_time_max", "putMessageEntireTimeMax", "Longest time that storing a message took, ms."},
    {"rocketmq_brokeruntime_query_threadpool_queue_capacity", "queryThreadPoolQueueCapacity", "Queries that may wait for their turn."},
    {"rocketmq_brokeruntime_query_threadpoolqueue_headwait_timemills", "queryThreadPoolQueueHeadWaitTimeMills",
     "Longest wait of a query, ms."},
    {"rocketmq_brokeruntime_query_threadpoolqueue_size", "queryThreadPoolQueueSize", "Queries that wait for their turn."},
    {"rocketmq_brokeruntime_remain_transientstore_buffer_numbs", "remainTransientStoreBufferNumbs",
     "Free buffers, of which there is no end."},
    {"rocketmq_brokeruntime_send_threadpool_queue_size", "sendThreadPoolQueueSize", "Messages that wait for the disk."},
    {"rocketmq_brokeruntime_send_threadpoolqueue_capacity", "sendThreadPoolQueueCapacity", "Messages that may wait for their turn."},
    {"rocketmq_brokeruntime_send_threadpoolqueue_headwait_timemills", "sendThreadPoolQueueHeadWaitTimeMills",
     "Longest wait of a message for its turn, ms."},
    {"rocketmq_brokeruntime_start_accept_sendrequest_time", "startAcceptSendRequestTimeStamp",
     "From when on messages are taken, ms since 1970; 0: at once."},
    {"rocketmq_brokeruntime_commitlog_disk_ratio", "commitLogDiskRatio", "How full the disk of the log is, 0 to 1; -1: unknown."},
    {"rocketmq_brokeruntime_consumequeue_disk_ratio", "consumeQueueDiskRatio", "How full the disk of the indexes is: the same one."},
};

/// In the order of StoreTimes::classes.
constexpr std::string_view store_time_series[] = {
    "rocketmq_brokeruntime_pmdt_0ms",       "rocketmq_brokeruntime_pmdt_0to10ms",    "rocketmq_brokeruntime_pmdt_10to50ms",
    "rocketmq_brokeruntime_pmdt_50to100ms", "rocketmq_brokeruntime_pmdt_100to200ms", "rocketmq_brokeruntime_pmdt_200to500ms",
    "rocketmq_brokeruntime_pmdt_500to1s",   "rocketmq_brokeruntime_pmdt_1to2s",      "rocketmq_brokeruntime_pmdt_2to3s",
    "rocketmq_brokeruntime_pmdt_3to4s",     "rocketmq_brokeruntime_pmdt_4to5s",      "rocketmq_brokeruntime_pmdt_5to10s",
    "rocketmq_brokeruntime_pmdt_10stomore"};
static_assert(std::size(store_time_series) == StoreTimes::classes.size());

class Collection {
 public:
  Collection(Broker& broker, const ExporterFacts& facts, std::int64_t now_ms, std::size_t samples_max)
      : broker_(broker), facts_(facts), address_(facts.address), now_ms_(now_ms), samples_max_(samples_max) {}

  Samples collect() {
    of_broker();
    for (const auto& [group, members] : broker_.clients().all_producers()) {
      add("rocketmq_producer_count", "Producers of a group.", with_broker({{"group", group}}), static_cast<double>(members.size()));
    }
    for (const auto& [name, config] : broker_.topics().all()) of_topic(name, config);
    for (const auto& [name, config] : broker_.groups().all()) of_group(name);
    if (facts_.observed) of_clients(*facts_.observed);
    return std::move(samples_);
  }

 private:
  void add(std::string_view name, std::string_view help, Labels labels, double value) {
    if (samples_.all.size() >= samples_max_) {
      ++samples_.left_out;
      return;
    }
    samples_.all.push_back({.name = name, .help = help, .labels = std::move(labels), .value = value});
  }
  Labels with_broker(Labels labels) const {
    labels.emplace("cluster", broker_.options().cluster);
    labels.emplace("broker", broker_.options().name);
    return labels;
  }
  /// A second, over the last minute.
  double rate(std::string_view what, std::string_view key) const {
    const auto item = broker_.statistics().find(what, key, now_ms_);
    return item ? item->minute.per_second : 0;
  }

  void of_broker() {
    const Labels labels = with_broker({{"brokerIP", address_}});
    const std::string& cluster = broker_.options().cluster;
    add("rocketmq_broker_tps", "Messages taken a second, over the last minute.", labels, rate(stats::broker_put_count, cluster));
    add("rocketmq_broker_qps", "Messages given a second, over the last minute.", labels, rate(stats::broker_get_count, cluster));
    const BrokerCounters& counters = broker_.counters();
    const StoreStatistics store = broker_.store().statistics();
    const Labels runtime{{"cluster", cluster},
                         {"brokerIP", address_},
                         {"brokerHost", broker_.options().name},
                         {"des", told("brokerVersionDesc")},
                         {"boottime", told("bootTimestamp")},
                         {"broker_version", told("brokerVersion")}};
    const auto runtime_gauge = [&](std::string_view name, std::string_view help, auto value) {
      add(name, help, runtime, static_cast<double>(value));
    };
    runtime_gauge("rocketmq_brokeruntime_commitlog_maxoffset", "Where the log ends.", store.end);
    runtime_gauge("rocketmq_brokeruntime_commitlog_minoffset", "Where the log begins.", store.begin);
    runtime_gauge("rocketmq_brokeruntime_remain_howmanydata_toflush", "Octets that wait for the disk.", store.pending_octets);
    runtime_gauge("rocketmq_brokeruntime_dispatch_behind_bytes", "Octets of the log without an index: none.", 0);
    runtime_gauge("rocketmq_brokeruntime_putmessage_times_total", "Messages stored.", counters.messages_in);
    runtime_gauge("rocketmq_brokeruntime_put_message_size_total", "Octets of them.", counters.octets_in);
    runtime_gauge("rocketmq_brokeruntime_put_message_average_size", "Octets of one.",
                  counters.messages_in == 0 ? 0.0 : static_cast<double>(counters.octets_in) / static_cast<double>(counters.messages_in));
    runtime_gauge("rocketmq_brokeruntime_msg_put_total_today_now", "Messages stored.", counters.messages_in);
    runtime_gauge("rocketmq_brokeruntime_msg_gettotal_today_now", "Messages given.", counters.messages_out);
    runtime_gauge("rocketmq_brokeruntime_msg_puttotal_todaymorning", "Messages stored up to midnight.",
                  broker_.days().today_morning().puts);
    runtime_gauge("rocketmq_brokeruntime_msg_gettotal_todaymorning", "Messages given up to midnight.", broker_.days().today_morning().gets);
    runtime_gauge("rocketmq_brokeruntime_msg_puttotal_yesterdaymorning", "Messages stored up to the midnight before.",
                  broker_.days().yesterday_morning().puts);
    runtime_gauge("rocketmq_brokeruntime_msg_gettotal_yesterdaymorning", "Messages given up to the midnight before.",
                  broker_.days().yesterday_morning().gets);
    for (const Series& each : runtime_series) {
      if (const std::string value = told(each.key); !value.empty())
        runtime_gauge(each.name, each.help, std::strtod(value.c_str(), nullptr));
    }
    if (facts_.disk_octets) {
      runtime_gauge("rocketmq_brokeruntime_commitlogdir_capacity_total", "Octets of the disk of the log.", *facts_.disk_octets);
      runtime_gauge("rocketmq_brokeruntime_commitlogdir_capacity_free", "Octets that are free there.", facts_.disk_octets_free.value_or(0));
    }
    for (std::size_t i = 0; i < std::size(store_time_series); ++i)
      runtime_gauge(store_time_series[i], "Messages of the last minute that took so long to be stored.", broker_.store_times().counts()[i]);
    static constexpr std::string_view names[5][3] = {
        {"rocketmq_brokeruntime_put_tps10", "rocketmq_brokeruntime_put_tps60", "rocketmq_brokeruntime_put_tps600"},
        {"rocketmq_brokeruntime_gettransfered_tps10", "rocketmq_brokeruntime_gettransfered_tps60",
         "rocketmq_brokeruntime_gettransfered_tps600"},
        {"rocketmq_brokeruntime_getfound_tps10", "rocketmq_brokeruntime_getfound_tps60", "rocketmq_brokeruntime_getfound_tps600"},
        {"rocketmq_brokeruntime_getmiss_tps10", "rocketmq_brokeruntime_getmiss_tps60", "rocketmq_brokeruntime_getmiss_tps600"},
        {"rocketmq_brokeruntime_gettotal_tps10", "rocketmq_brokeruntime_gettotal_tps60", "rocketmq_brokeruntime_gettotal_tps600"}};
    static constexpr std::uint64_t Rates::Totals::* what[5] = {&Rates::Totals::puts, &Rates::Totals::gets, &Rates::Totals::pulls_found,
                                                               &Rates::Totals::pulls_missed, &Rates::Totals::pulls};
    for (std::size_t i = 0; i < 5; ++i) {
      // "a b c": over 10 s, a minute, ten minutes.
      const std::string text = broker_.rates().per_second(what[i]);
      const auto parts = base::split(text, ' ');
      for (std::size_t j = 0; j < 3 && j < parts.size(); ++j)
        add(names[i][j], "A second, over as many.", runtime, std::strtod(std::string(parts[j]).c_str(), nullptr));
    }
  }

  void of_topic(const std::string& name, const TopicConfig& config) {
    std::int64_t end = 0;
    for (std::int32_t queue = 0; queue < std::max(config.read_queues, config.write_queues); ++queue)
      end += broker_.bounds({.topic = name, .queue = queue}).max;
    if (topic::is_dead_letter(name)) {
      return add("rocketmq_topic_dlq_offset", "Messages that a group has given up.",
                 with_broker({{"group", std::string(topic::group_of(name))}}), static_cast<double>(end));
    }
    const Labels labels = with_broker({{"topic", name}});
    add(topic::is_retry(name) ? "rocketmq_topic_retry_offset" : "rocketmq_producer_offset",
        topic::is_retry(name) ? "Messages that came again." : "Messages ever stored in the queues of a topic.", labels,
        static_cast<double>(end));
    if (end == 0) return;
    add("rocketmq_producer_tps", "Messages sent a second, over the last minute.", labels, rate(stats::topic_put_count, name));
    add("rocketmq_producer_message_size", "Octets sent a second, over the last minute.", labels, rate(stats::topic_put_octets, name));
  }

  void of_group(const std::string& group) {
    const ConsumerGroup* const consumers = broker_.clients().consumers(group);
    const std::size_t online = consumers == nullptr ? 0 : consumers->members.size();
    const bool broadcasting = consumers != nullptr && consumers->model == MessageModel::broadcasting;
    if (consumers != nullptr) {
      std::string addresses;
      for (const auto& [connection, member] : consumers->members) addresses += (addresses.empty() ? "" : ",") + member.address;
      add("rocketmq_group_count", "Consumers of a group.", {{"caddr", addresses}, {"localaddr", address_}, {"group", group}},
          static_cast<double>(online));
    }
    struct Sum {
      std::int64_t end = 0, consumed = 0;
    };
    std::map<std::string, Sum> topics;
    for (const Offsets::Of& of : broker_.offsets().of_group(group)) {
      if (broker_.topics().find(of.queue.topic) == nullptr) continue;
      const std::int64_t end = broker_.bounds(of.queue).max;
      Sum& sum = topics[of.queue.topic];
      sum.end += end;
      sum.consumed += of.offset;
      add("chorus_mq_group_lag", "Messages of a queue that a group has not consumed.",
          {{"group", group}, {"topic", of.queue.topic}, {"queue", std::to_string(of.queue.queue)}},
          static_cast<double>(std::max<std::int64_t>(0, end - of.offset)));
    }
    for (const auto& [name, sum] : topics) {
      // RocketMQ counts from 0 for broadcasting, 1 for clustering.
      const Labels diff{
          {"group", group}, {"topic", name}, {"countOfOnlineConsumers", std::to_string(online)}, {"msgModel", broadcasting ? "0" : "1"}};
      const auto behind = static_cast<double>(std::max<std::int64_t>(0, sum.end - sum.consumed));
      if (topic::is_dead_letter(name)) {
        add("rocketmq_group_dlqdiff", "Dead letters of a group that were not sent again.", diff, behind);
        continue;
      }
      if (topic::is_retry(name)) {
        add("rocketmq_group_retrydiff", "Messages of a group that came again and are not consumed.", diff, behind);
      } else {
        add("rocketmq_group_diff", "Messages of a topic that a group has not consumed.", diff, behind);
      }
      const Labels labels = with_broker({{"topic", name}, {"group", group}});
      const std::string key = fmt::format("{}@{}", name, group);
      // The dashboards of the exporter take it from rocketmq_producer_offset.
      add("rocketmq_consumer_offset", "How far a group is in a topic's queues, together.", labels, static_cast<double>(sum.consumed));
      add("rocketmq_group_consume_total_offset", "The same.", labels, static_cast<double>(sum.consumed));
      if (facts_.observed && !broadcasting) {
        const auto at = facts_.observed->waiting_since_ms.find({group, name});
        if (at != facts_.observed->waiting_since_ms.end()) {
          add("rocketmq_group_get_latency_by_storetime", "How long the oldest message has been there that a group has not consumed, ms.",
              labels, behind == 0 || at->second == 0 ? 0.0 : static_cast<double>(std::max<std::int64_t>(0, now_ms_ - at->second)));
        }
      }
      add("rocketmq_consumer_tps", "Messages given to a group a second, over the last minute.", labels, rate(stats::group_get_count, key));
      add("rocketmq_group_consume_tps", "The same.", labels, rate(stats::group_get_count, key));
      add("rocketmq_consumer_message_size", "Octets given to a group a second, over the last minute.", labels,
          rate(stats::group_get_octets, key));
      add("rocketmq_send_back_nums", "Messages a second that a group could not consume, over the last minute.", labels,
          rate(stats::send_back_count, key));
    }
  }

  void of_clients(const rocketmq::Observations& observed) {
    for (const rocketmq::ClientReport& each : observed.clients) {
      for (const auto& [name, status] : each.topics) {
        const Labels labels{{"clientAddr", each.address}, {"clientId", each.client_id}, {"group", each.group}, {"topic", name}};
        add("rocketmq_client_consume_fail_msg_count", "Messages that a consumer failed with, over the last hour.", labels,
            static_cast<double>(status.failed_messages_in_hour));
        add("rocketmq_client_consume_fail_msg_tps", "Messages a second that a consumer failed with.", labels, status.failed_per_second);
        add("rocketmq_client_consume_ok_msg_tps", "Messages a second that a consumer consumed.", labels, status.ok_per_second);
        add("rocketmq_client_consume_rt", "How long consuming a message takes it, ms.", labels, status.consume_time);
        add("rocketmq_client_consumer_pull_rt", "How long a pull takes it, ms.", labels, status.pull_time);
        add("rocketmq_client_consumer_pull_tps", "Messages a second that it pulls.", labels, status.pulled_per_second);
      }
    }
  }
  std::string told(std::string_view key) const {
    const auto at = facts_.runtime.find(std::string(key));
    return at == facts_.runtime.end() ? std::string() : at->second;
  }

  Broker& broker_;
  const ExporterFacts& facts_;
  const std::string address_;
  const std::int64_t now_ms_;
  const std::size_t samples_max_;
  Samples samples_;
};

}  // namespace

Samples exporter_samples(Broker& broker, const ExporterFacts& facts, std::int64_t now_ms, std::size_t samples_max) {
  return Collection(broker, facts, now_ms, samples_max).collect();
}

}  // namespace chorus::mq
