// What a broker is set to and how it does, in RocketMQ's words. source: broker/processor/AdminBrokerProcessor.java, prepareRuntimeInfo
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mq/log/frame.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/convert.h"
#include "mq/rocketmq/settings.h"

namespace chorus::mq::rocketmq {
namespace {

/// As Java's tools write octets: "1.5 GiB".
std::string readable(std::uint64_t octets) {
  if (octets < 1024) return fmt::format("{} B", octets);
  double value = static_cast<double>(octets);
  std::size_t unit = 0;
  constexpr std::string_view units = "KMGTPE";
  while (value >= 1024 && unit < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}iB", value, units[unit - 1]);
}

}  // namespace

void BrokerFace::configuration(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  switch (command.request()) {
    case RequestCode::get_broker_config: {
      Outgoing outgoing;
      outgoing.field("version", encode_body(shown(broker_.topics().version())));
      outgoing.body = properties_text(settings_of(broker_.options(), options_));
      return answer(asker, std::move(outgoing));
    }
    case RequestCode::update_broker_config:
      return change_settings(asker, command);
    default:
      break;
  }
  // When the oldest message came has to be read.
  broker_.message_at(broker_.store().statistics().begin + static_cast<Position>(log::segment_header_octets),
                     [this, asker](StoreResult<Entry> oldest) { answer_body(asker, runtime(oldest ? oldest->index.store_time_ms : -1)); });
}

void BrokerFace::change_settings(const Asker& asker, const Command& command) {
  if (changing_settings_) return refuse(asker, ResponseCode::system_busy, "other settings are being changed, try again in a moment");
  BrokerOptions broker = broker_.options();
  FaceOptions face = options_;
  auto changed = broker_.changed_settings();
  bool any = false;
  // All of them or none.
  for (const auto& [name, value] : parse_properties_text(command.body)) {
    if (name == "brokerConfigPath" || name == "rocketmqHome" || name == "configBlackList") {
      return refuse(asker, ResponseCode::no_permission, "Can not update config in black list.");
    }
    const PropertyList before = settings_of(broker, face);
    if (const std::string wrong = change_setting(broker, face, name, value); !wrong.empty()) {
      return refuse(asker, ResponseCode::invalid_parameter, wrong);
    }
    const PropertyList after = settings_of(broker, face);
    if (after == before) continue;
    any = true;
    changed[name] = std::ranges::find(after, name, &std::pair<std::string, std::string>::first)->second;
    log_.info("a setting is changed by an administrator {}={} peer={}", name, changed[name], sender_.address_of(asker.connection));
  }
  if (!any) return answer(asker, {});
  changing_settings_ = true;
  broker_.change(std::move(broker), std::move(changed), [this, asker, face](BrokerResult<void> done) {
    changing_settings_ = false;
    if (!done) return refuse(asker, done.error());
    options_ = face;
    answer(asker, {});
  });
}

KvTable BrokerFace::runtime(std::int64_t oldest_ms) const {
  const BrokerCounters& counters = broker_.counters();
  const StoreStatistics store = broker_.store().statistics();
  const Rates& rates = broker_.rates();
  const auto text = [](auto number) { return fmt::format("{}", number); };
  const auto uptime_ms = world_.wall_now().time_since_epoch().count() - started_ms_;
  std::string capacity, ratio = "-1";
  if (!options_.data_directory.empty()) {
    const auto total = world_.files().total_space(options_.data_directory), free = world_.files().free_space(options_.data_directory);
    if (total && free && *total > 0) {
      capacity = fmt::format("Total : {}, Free : {}.", readable(*total), readable(*free));
      ratio = fmt::format("{:.4f}", 1 - static_cast<double>(*free) / static_cast<double>(*total));
    }
  }
  std::string distribution;
  for (std::size_t i = 0; i < StoreTimes::classes.size(); ++i)
    distribution += fmt::format("[{}]:{} ", StoreTimes::classes[i], broker_.store_times().counts()[i]);
  KvTable table;
  table.table = {
      {"ackThreadPoolQueueCapacity", "100000"},
      {"ackThreadPoolQueueHeadWaitTimeMills", "0"},
      {"ackThreadPoolQueueSize", "0"},
      {"bootTimestamp", text(started_ms_)},
      {"brokerActive", "true"},
      {"brokerVersion", text(version_v5_3_0)},
      {"brokerVersionDesc", "V5_3_0"},
      {"commitLogDirCapacity", capacity},
      {"commitLogDiskRatio", ratio},
      {"commitLogMaxOffset", text(store.end)},
      {"commitLogMinOffset", text(store.begin)},
      {"consumeQueueDiskRatio", ratio},
      {"dispatchBehindBytes", "0"},
      {"dispatchMaxBuffer", "0"},
      {"earliestMessageTimeStamp", text(oldest_ms)},
      {"EndTransactionQueueSize", "0"},
      {"EndTransactionThreadPoolQueueCapacity", "100000"},
      {"getFoundTps", rates.per_second(&Rates::Totals::pulls_found)},
      {"getMessageEntireTimeMax", text(counters.read_longest.count())},
      {"getMissTps", rates.per_second(&Rates::Totals::pulls_missed)},
      {"getTotalTps", rates.per_second(&Rates::Totals::pulls)},
      {"getTransferredTps", rates.per_second(&Rates::Totals::gets)},
      {"litePullThreadPoolQueueCapacity", text(broker_.options().waits_max)},
      {"litePullThreadPoolQueueHeadWaitTimeMills", "0"},
      {"litePullThreadPoolQueueSize", "0"},
      {"msgGetTotalTodayMorning", text(broker_.days().today_morning().gets)},
      {"msgGetTotalTodayNow", text(counters.messages_out)},
      {"msgGetTotalYesterdayMorning", text(broker_.days().yesterday_morning().gets)},
      {"msgPutTotalTodayMorning", text(broker_.days().today_morning().puts)},
      {"msgPutTotalTodayNow", text(counters.messages_in)},
      {"msgPutTotalYesterdayMorning", text(broker_.days().yesterday_morning().puts)},
      {"pageCacheLockTimeMills", "0"},
      {"pullThreadPoolQueueCapacity", text(broker_.options().waits_max)},
      {"pullThreadPoolQueueHeadWaitTimeMills", "0"},
      {"pullThreadPoolQueueSize", "0"},
      {"putMessageAverageSize",
       fmt::format("{:.2f}",
                   counters.messages_in == 0 ? 0.0 : static_cast<double>(counters.octets_in) / static_cast<double>(counters.messages_in))},
      {"putLatency99", fmt::format("{:.2f}", broker_.store_times().percentile(0.99))},
      {"putLatency999", fmt::format("{:.2f}", broker_.store_times().percentile(0.999))},
      {"putMessageDistributeTime", distribution},
      {"putMessageEntireTimeMax", text(counters.append_longest.count())},
      {"putMessageFailedTimes", text(counters.send_failures)},
      {"putMessageSizeTotal", text(counters.octets_in)},
      {"putMessageTimesTotal", text(counters.messages_in)},
      {"putTps", rates.per_second(&Rates::Totals::puts)},
      {"queryThreadPoolQueueCapacity", "20000"},
      {"queryThreadPoolQueueHeadWaitTimeMills", "0"},
      {"queryThreadPoolQueueSize", "0"},
      {"remainHowManyDataToCommit", "0 B"},
      {"remainHowManyDataToFlush", readable(store.pending_octets)},
      {"remainTransientStoreBufferNumbs", "2147483647"},
      {"runtime", fmt::format("[ {} days, {} hours, {} minutes, {} seconds ]", uptime_ms / 86'400'000, uptime_ms / 3'600'000 % 24,
                              uptime_ms / 60'000 % 60, uptime_ms / 1000 % 60)},
      {"sendThreadPoolQueueCapacity", "10000"},
      {"sendThreadPoolQueueHeadWaitTimeMills", "0"},
      {"sendThreadPoolQueueSize", text(counters.sends_waiting)},
      {"startAcceptSendRequestTimeStamp", "0"},
      {"timerCongestNum", "0"},
      {"timerDequeueTps", "0.0"},
      {"timerEnqueueTps", "0.0"},
      {"timerOffsetBehind", "0"},
      {"timerReadBehind", "0"}};
  return table;
}

}  // namespace chorus::mq::rocketmq
