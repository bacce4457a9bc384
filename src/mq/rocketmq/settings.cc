#include "mq/rocketmq/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "mq/broker/topics.h"

namespace chorus::mq::rocketmq {
namespace {

std::string text_of(bool value) { return value ? "true" : "false"; }

std::string read(std::string_view text, bool& to) {
  const std::string word = base::lower(base::trim(text));
  if (word != "true" && word != "false") return fmt::format("wants true or false, not '{}'", text);
  to = word == "true";
  return {};
}

template <class T>
std::string read(std::string_view text, std::int64_t min, std::int64_t max, T& to) {
  const auto number = base::parse_int(base::trim(text));
  if (!number || *number < min || *number > max) return fmt::format("wants {} to {}, not '{}'", min, max, text);
  to = T(*number);
  return {};
}

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

/// Bounds are those of chorus.toml.
struct Changeable {
  std::string_view name;
  std::string (*set)(BrokerOptions& broker, FaceOptions& face, std::string_view text);
};
constexpr Changeable changeable[] = {
    {"autoCreateTopicEnable",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.topics.auto_create); }},
    {"autoCreateSubscriptionGroup",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.groups.auto_create); }},
    {"brokerPermission",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) {
       std::int32_t permission = 0;
       std::string wrong = read(text, 0, 7, permission);
       if (wrong.empty()) broker.permission = permission & (perm::read | perm::write);
       return wrong;
     }},
    {"defaultTopicQueueNums",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 1, 1024, broker.topics.queues); }},
    {"enableRetryTopicV2",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.pop_retry_topic_v2); }},
    {"enablePropertyFilter", [](BrokerOptions&, FaceOptions& face, std::string_view text) { return read(text, face.property_filter); }},
    {"maxMessageSize",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 1024, 15 << 20, broker.message_octets_max); }},
    {"popFromRetryProbability",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 0, 100, broker.pop_from_retry_percent); }},
    {"popInflightMessageThreshold", [](BrokerOptions& broker, FaceOptions&,
                                       std::string_view text) { return read(text, 32, 10'000'000, broker.pop_in_flight_per_queue_max); }},
    {"popPollingSize",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 1, 1'000'000, broker.pop_waits_per_queue_max); }},
    {"recallMessageEnable", [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.recall); }},
    {"rejectTransactionMessage",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.reject_transactions); }},
    {"timerMaxDelaySec",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) {
       std::chrono::seconds longest{};
       std::string wrong = read(text, 1, 366 * day_ms / 1000, longest);
       if (wrong.empty()) broker.timer_delay_max = longest;
       return wrong;
     }},
    {"traceOn", [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, broker.trace_on); }},
    {"transactionCheckInterval",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 10, day_ms, broker.transaction_check_interval); }},
    {"transactionCheckMax",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 1, 10'000, broker.transaction_check_max); }},
    {"transactionTimeOut",
     [](BrokerOptions& broker, FaceOptions&, std::string_view text) { return read(text, 0, day_ms, broker.transaction_timeout); }},
};

}  // namespace

PropertyList settings_of(const BrokerOptions& broker, const FaceOptions& face) {
  std::string levels;
  for (const auto level : broker.delay_levels) levels += fmt::format("{}{}s", levels.empty() ? "" : " ", level.count() / 1000);
  const std::string host = to_string(broker.host);
  return {{"brokerName", broker.name},
          {"brokerClusterName", broker.cluster},
          {"brokerId", "0"},
          {"brokerIP1", host.substr(0, host.rfind(':'))},
          {"listenPort", std::to_string(broker.host.port)},
          {"brokerPermission", std::to_string(broker.permission)},
          {"autoCreateTopicEnable", text_of(broker.topics.auto_create)},
          {"autoCreateSubscriptionGroup", text_of(broker.groups.auto_create)},
          {"defaultTopicQueueNums", std::to_string(broker.topics.queues)},
          {"enablePropertyFilter", text_of(face.property_filter)},
          {"maxMessageSize", std::to_string(broker.message_octets_max)},
          {"messageDelayLevel", levels},
          {"rejectTransactionMessage", text_of(broker.reject_transactions)},
          {"transactionTimeOut", std::to_string(broker.transaction_timeout.count())},
          {"transactionCheckInterval", std::to_string(broker.transaction_check_interval.count())},
          {"transactionCheckMax", std::to_string(broker.transaction_check_max)},
          {"timerMaxDelaySec", std::to_string(broker.timer_delay_max.count() / 1000)},
          {"recallMessageEnable", text_of(broker.recall)},
          {"enableRetryTopicV2", text_of(broker.pop_retry_topic_v2)},
          {"popFromRetryProbability", std::to_string(broker.pop_from_retry_percent)},
          {"popInflightMessageThreshold", std::to_string(broker.pop_in_flight_per_queue_max)},
          {"popPollingSize", std::to_string(broker.pop_waits_per_queue_max)},
          {"maxPopPollingSize", std::to_string(broker.waits_max)},
          {"traceOn", text_of(broker.trace_on)},
          {"regionId", broker.region}};
}

std::string change_setting(BrokerOptions& broker, FaceOptions& face, std::string_view name, std::string_view value) {
  if (const auto* const found = std::ranges::find(changeable, name, &Changeable::name); found != std::end(changeable)) {
    const std::string wrong = found->set(broker, face, value);
    return wrong.empty() ? wrong : fmt::format("{} {}", name, wrong);
  }
  const PropertyList now = settings_of(broker, face);
  const auto known = std::ranges::find(now, name, &std::pair<std::string, std::string>::first);
  if (known == now.end())
    return fmt::format("{} is no setting of this broker ('chorus config --help-keys' lists those of chorus.toml)", name);
  if (known->second == base::trim(value)) return {};
  return fmt::format("{} cannot be changed while the broker runs: set it in chorus.toml and start again", name);
}

}  // namespace chorus::mq::rocketmq
