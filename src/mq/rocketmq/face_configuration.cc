// What a broker is set to and how it does, in RocketMQ's words. source: broker/processor/AdminBrokerProcessor.java, prepareRuntimeInfo
#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/route.h"
#include "mq/rocketmq/broker_face.h"
#include "mq/rocketmq/convert.h"

namespace chorus::mq::rocketmq {
namespace {

PropertyList settings_of(const Broker& broker, const FaceOptions& face) {
  const BrokerOptions& options = broker.options();
  const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  std::string levels;
  for (const auto level : options.delay_levels) levels += fmt::format("{}{}s", levels.empty() ? "" : " ", level.count() / 1000);
  return {{"brokerName", options.name},
          {"brokerClusterName", options.cluster},
          {"brokerId", "0"},
          {"brokerIP1", to_string(options.host).substr(0, to_string(options.host).rfind(':'))},
          {"listenPort", std::to_string(options.host.port)},
          {"brokerPermission", "6"},
          {"autoCreateTopicEnable", text(options.topics.auto_create)},
          {"autoCreateSubscriptionGroup", text(options.groups.auto_create)},
          {"defaultTopicQueueNums", std::to_string(options.topics.queues)},
          {"enablePropertyFilter", text(face.property_filter)},
          {"maxMessageSize", std::to_string(options.message_octets_max)},
          {"messageDelayLevel", levels},
          {"rejectTransactionMessage", text(options.reject_transactions)},
          {"transactionTimeOut", std::to_string(options.transaction_timeout.count())},
          {"transactionCheckInterval", std::to_string(options.transaction_check_interval.count())},
          {"transactionCheckMax", std::to_string(options.transaction_check_max)},
          {"timerMaxDelaySec", std::to_string(options.timer_delay_max.count() / 1000)},
          {"recallMessageEnable", text(options.recall)},
          {"traceOn", text(options.trace_on)},
          {"regionId", options.region}};
}

}  // namespace

void BrokerFace::configuration(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  const BrokerCounters& counters = broker_.counters();
  switch (command.request()) {
    case RequestCode::get_broker_config: {
      Outgoing outgoing;
      outgoing.field("version", encode_body(shown(broker_.topics().version())));
      outgoing.body = properties_text(settings_of(broker_, options_));
      return answer(asker, std::move(outgoing));
    }
    case RequestCode::update_broker_config: {
      // Said for each what holds: nothing is taken and then not done.
      const PropertyList now = settings_of(broker_, options_);
      for (const auto& [name, value] : parse_properties_text(command.body)) {
        const auto known = std::ranges::find(now, name, &std::pair<std::string, std::string>::first);
        if (known != now.end() && known->second == value) continue;
        return refuse(asker, ResponseCode::invalid_parameter,
                      fmt::format("{} cannot be changed while the broker runs: set it in chorus.toml ('chorus config --help-keys' lists "
                                  "the keys under mq) and start again",
                                  name));
      }
      return answer(asker, {});
    }
    default:
      break;
  }
  const StoreStatistics store = broker_.store().statistics();
  const auto uptime_ms = world_.wall_now().time_since_epoch().count() - started_ms_;
  const double seconds = std::max<double>(1, static_cast<double>(uptime_ms) / 1000);
  const auto rate = [seconds](std::uint64_t count) {
    const double value = static_cast<double>(count) / seconds;
    return fmt::format("{:.2f} {:.2f} {:.2f}", value, value, value);
  };
  KvTable table;
  table.table = {{"bootTimestamp", std::to_string(started_ms_)},
                 {"brokerActive", "true"},
                 {"brokerVersion", std::to_string(version_v5_3_0)},
                 {"brokerVersionDesc", "V5_3_0"},
                 {"commitLogDirCapacity", fmt::format("Total : {}, Free : unknown.", store.octets)},
                 {"commitLogDiskRatio", "0"},
                 {"commitLogMaxOffset", std::to_string(store.end)},
                 {"commitLogMinOffset", std::to_string(store.begin)},
                 {"consumeQueueDiskRatio", "0"},
                 {"dispatchBehindBytes", "0"},
                 {"dispatchMaxBuffer", "0"},
                 {"earliestMessageTimeStamp", "-1"},
                 {"endTransactionQueueSize", "0"},
                 {"endTransactionThreadPoolQueueCapacity", "0"},
                 {"getFoundTps", rate(counters.messages_out)},
                 {"getMessageEntireTimeMax", "0"},
                 {"getMissTps", rate(0)},
                 {"getTotalTps", rate(counters.messages_out)},
                 {"getTransferredTps", rate(counters.messages_out)},
                 {"msgGetTotalTodayMorning", "0"},
                 {"msgGetTotalTodayNow", std::to_string(counters.messages_out)},
                 {"msgGetTotalYesterdayMorning", "0"},
                 {"msgPutTotalTodayMorning", "0"},
                 {"msgPutTotalTodayNow", std::to_string(counters.messages_in)},
                 {"msgPutTotalYesterdayMorning", "0"},
                 {"pageCacheLockTimeMills", "0"},
                 {"pullThreadPoolQueueCapacity", "100000"},
                 {"pullThreadPoolQueueHeadWaitTimeMills", "0"},
                 {"pullThreadPoolQueueSize", "0"},
                 {"putMessageEntireTimeMax", "0"},
                 {"putMessageSizeTotal", std::to_string(counters.octets_in)},
                 {"putMessageTimesTotal", std::to_string(counters.messages_in)},
                 {"putTps", rate(counters.messages_in)},
                 {"queryThreadPoolQueueCapacity", "20000"},
                 {"queryThreadPoolQueueHeadWaitTimeMills", "0"},
                 {"queryThreadPoolQueueSize", "0"},
                 {"remainHowManyDataToCommit", "0 B"},
                 {"remainHowManyDataToFlush", fmt::format("{} B", store.pending_octets)},
                 {"remainTransientStoreBufferNumbs", "2147483647"},
                 {"runtime", fmt::format("[ {} days, {} hours, {} minutes, {} seconds ]", uptime_ms / 86'400'000,
                                         uptime_ms / 3'600'000 % 24, uptime_ms / 60'000 % 60, uptime_ms / 1000 % 60)},
                 {"sendThreadPoolQueueCapacity", "10000"},
                 {"sendThreadPoolQueueHeadWaitTimeMills", "0"},
                 {"sendThreadPoolQueueSize", "0"},
                 {"startAcceptSendRequestTimeStamp", "0"},
                 {"timerCongestNum", "0"},
                 {"timerDequeueTps", "0.0"},
                 {"timerEnqueueTps", "0.0"},
                 {"timerOffsetBehind", "0"},
                 {"timerReadBehind", "0"}};
  answer_body(asker, table);
}

}  // namespace chorus::mq::rocketmq
