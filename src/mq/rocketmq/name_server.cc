#include "mq/rocketmq/name_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mq/message/message.h"
#include "mq/rocketmq/body/admin.h"

namespace chorus::mq::rocketmq {
namespace {

constexpr std::string_view order_namespace = "ORDER_TOPIC_CONFIG";
// source: common/sysflag/TopicSysFlag.java
constexpr std::int32_t flag_unit = 1, flag_unit_sub = 2;

template <Described T>
Outgoing body(const Command& request, const T& value) {
  Outgoing answer = Outgoing::answer(request);
  answer.body = encode_body(value);
  return answer;
}

Outgoing refused(const Command& request, const HeaderReader& header) {
  return Outgoing::answer(request, ResponseCode::system_error, header.error());
}

}  // namespace

Outgoing NameServer::route(const Command& request) {
  HeaderReader header(request);
  const std::string topic(header.required_text("topic"));
  if (!header.ok()) return refused(request, header);
  std::optional<std::string> order;
  if (const auto space = key_values_.find(std::string(order_namespace)); space != key_values_.end()) {
    if (const auto at = space->second.find(topic); at != space->second.end()) order = at->second;
  }
  const auto route = routes_.route(topic, std::move(order));
  if (!route) {
    return Outgoing::answer(request, ResponseCode::topic_not_exist,
                            fmt::format("No topic route info in name server for the topic: {}\nSee "
                                        "https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
                                        topic));
  }
  return body(request, *route);
}

Outgoing NameServer::register_broker(ConnectionId from, const Command& request, world::Instant now) {
  HeaderReader header(request);
  BrokerRegistration registration{.cluster = std::string(header.required_text("clusterName")),
                                  .broker = std::string(header.required_text("brokerName")),
                                  .address = std::string(header.required_text("brokerAddr")),
                                  .id = header.required_i64("brokerId"),
                                  .ha_address = std::string(header.required_text("haServerAddr")),
                                  .enable_acting_master = header.optional_bool("enableActingMaster"),
                                  .connection = from};
  const std::int64_t silence_ms = header.optional_i64("heartbeatTimeoutMillis", 0);
  const bool compressed = header.optional_bool("compressed");
  const std::int32_t crc = header.optional_i32("bodyCrc32", 0);
  if (!header.ok()) return refused(request, header);
  if (silence_ms > 0) registration.silence_max = std::chrono::milliseconds(silence_ms);
  if (crc != 0 && static_cast<std::uint32_t>(crc) != body_crc(request.body)) {
    return Outgoing::answer(request, ResponseCode::system_error, "crc32 not match");
  }
  if (!request.body.empty()) {
    const auto decoded = compressed ? decode_compressed_registration(request.body, request.version >= version_v5_0_0)
                                    : decode_body<RegisterBroker>(request.body);
    if (!decoded) return Outgoing::answer(request, ResponseCode::system_error, "the body of the registration cannot be read");
    registration.version = decoded->topics.version;
    registration.topics = decoded->topics.topics;
    registration.filter_servers = decoded->filter_servers;
  }
  const Routes::Registered registered = routes_.add(std::move(registration), now);
  Outgoing answer = Outgoing::answer(request);
  if (!registered.ha_address.empty()) answer.field("haServerAddr", registered.ha_address);
  if (!registered.master_address.empty()) answer.field("masterAddr", registered.master_address);
  KvTable table;
  if (const auto space = key_values_.find(std::string(order_namespace)); space != key_values_.end()) table.table = space->second;
  answer.body = encode_body(table);
  return answer;
}

std::optional<KeyValueChange> NameServer::key_value_change(const Command& request) {
  HeaderReader header(request);
  if (request.request() != RequestCode::put_kv_config && request.request() != RequestCode::delete_kv_config) return std::nullopt;
  KeyValueChange change{
      .space = std::string(header.required_text("namespace")), .key = std::string(header.required_text("key")), .value = {}};
  if (request.request() == RequestCode::put_kv_config) change.value = header.required_text("value");
  if (!header.ok()) return std::nullopt;
  return change;
}

void NameServer::apply(const KeyValueChange& change) {
  if (change.value) {
    key_values_[change.space][change.key] = *change.value;
  } else if (const auto found = key_values_.find(change.space); found != key_values_.end()) {
    found->second.erase(change.key);
  }
}

Outgoing NameServer::key_value(const Command& request) {
  HeaderReader header(request);
  const std::string space(header.required_text("namespace"));
  const bool is_list = request.request() == RequestCode::get_kvlist_by_namespace;
  const std::string key(is_list ? std::string_view{} : header.required_text("key"));
  if (!header.ok()) return refused(request, header);
  const auto found = key_values_.find(space);
  if (is_list) {
    if (found == key_values_.end()) {
      return Outgoing::answer(request, ResponseCode::query_not_found, fmt::format("No config item, Namespace: {}", space));
    }
    return body(request, KvTable{.table = found->second});
  }
  if (found != key_values_.end()) {
    if (const auto at = found->second.find(key); at != found->second.end())
      return std::move(Outgoing::answer(request).field("value", at->second));
  }
  return Outgoing::answer(request, ResponseCode::query_not_found, fmt::format("No config item, Namespace: {} Key: {}", space, key));
}

void NameServer::listens_on(std::uint16_t port) {
  // source: common/namesrv/NamesrvConfig.java; those that say something of this one
  settings_ = {{"clusterTest", "false"},         {"listenPort", std::to_string(port)},
               {"orderMessageEnable", "true"},   {"returnOrderTopicConfigToBroker", "true"},
               {"supportActingMaster", "false"}, {"scanNotActiveBrokerInterval", "5000"}};
}

Outgoing NameServer::change_settings(const Command& request) const {
  // Said for each what holds: nothing is taken and then not done.
  for (const auto& [name, value] : parse_properties_text(request.body)) {
    const auto known = settings_.find(name);
    if (known != settings_.end() && known->second == value) continue;
    return Outgoing::answer(request, ResponseCode::invalid_parameter,
                            known == settings_.end() ? fmt::format("{} is no setting of this NameServer", name)
                                                     : fmt::format("{} of the NameServer cannot be changed", name));
  }
  return Outgoing::answer(request);
}

Outgoing NameServer::on(ConnectionId from, const Command& request, world::Instant now) {
  HeaderReader header(request);
  const auto topics = [&](std::vector<std::string> names) { return body(request, TopicList{.topics = std::move(names)}); };
  switch (request.request()) {
    case RequestCode::get_routeinfo_by_topic:
      return route(request);
    case RequestCode::register_broker:
      return register_broker(from, request, now);
    case RequestCode::unregister_broker: {
      const std::string broker(header.required_text("brokerName")), address(header.required_text("brokerAddr"));
      if (!header.ok()) return refused(request, header);
      routes_.remove(broker, address);
      return Outgoing::answer(request);
    }
    case RequestCode::broker_heartbeat: {
      const std::string address(header.required_text("brokerAddr"));
      if (!header.ok()) return refused(request, header);
      routes_.heard(address, now);
      return Outgoing::answer(request);
    }
    case RequestCode::query_data_version: {
      const std::string address(header.required_text("brokerAddr"));
      if (!header.ok()) return refused(request, header);
      const auto theirs = decode_body<DataVersion>(request.body);
      const auto known = routes_.version_of(address);
      const bool changed = !theirs || !known || *theirs != *known;
      if (!changed) routes_.heard(address, now);
      Outgoing answer = Outgoing::answer(request);
      answer.field("changed", changed);
      if (known) answer.body = encode_body(*known);
      return answer;
    }
    case RequestCode::get_broker_cluster_info:
      return body(request, routes_.clusters());
    case RequestCode::get_broker_member_group: {
      const std::string broker(header.required_text("brokerName"));
      if (!header.ok()) return refused(request, header);
      return body(request, BrokerMemberGroupAnswer{.group = routes_.members(broker)});
    }
    case RequestCode::put_kv_config:
    case RequestCode::delete_kv_config:
      if (const auto change = key_value_change(request)) {
        apply(*change);
        return Outgoing::answer(request);
      }
      header.required_text("namespace");
      header.required_text("key");
      if (request.request() == RequestCode::put_kv_config) header.required_text("value");
      return refused(request, header);
    case RequestCode::get_kv_config:
    case RequestCode::get_kvlist_by_namespace:
      return key_value(request);
    case RequestCode::wipe_write_perm_of_broker:
    case RequestCode::add_write_perm_of_broker: {
      const bool add = request.request() == RequestCode::add_write_perm_of_broker;
      const std::string broker(header.required_text("brokerName"));
      if (!header.ok()) return refused(request, header);
      return std::move(
          Outgoing::answer(request).field(add ? "addTopicCount" : "wipeTopicCount", routes_.set_write_permission(broker, add)));
    }
    case RequestCode::get_all_topic_list_from_nameserver:
      return topics(routes_.topics());
    case RequestCode::get_topics_by_cluster: {
      const std::string cluster(header.required_text("cluster"));
      if (!header.ok()) return refused(request, header);
      return topics(routes_.topics_of_cluster(cluster));
    }
    case RequestCode::get_system_topic_list_from_ns:
      return body(request, TopicList{.topics = routes_.system_topics(), .broker_address = routes_.any_address()});
    case RequestCode::get_unit_topic_list:
      return topics(routes_.topics_with_flag(flag_unit, 0));
    case RequestCode::get_has_unit_sub_topic_list:
      return topics(routes_.topics_with_flag(flag_unit_sub, 0));
    case RequestCode::get_has_unit_sub_ununit_topic_list:
      return topics(routes_.topics_with_flag(flag_unit_sub, flag_unit));
    case RequestCode::delete_topic_in_namesrv: {
      const std::string topic(header.required_text("topic")), cluster(header.optional_text("clusterName", ""));
      if (!header.ok()) return refused(request, header);
      routes_.remove_topic(topic, cluster);
      return Outgoing::answer(request);
    }
    case RequestCode::register_topic_in_namesrv: {
      const std::string topic(header.required_text("topic"));
      if (!header.ok()) return refused(request, header);
      const auto route = decode_body<TopicRoute>(request.body);
      if (!route) return Outgoing::answer(request, ResponseCode::system_error, "the body is no route");
      routes_.put_queues(topic, route->queues);
      return Outgoing::answer(request);
    }
    case RequestCode::update_namesrv_config:
      return change_settings(request);
    case RequestCode::get_namesrv_config: {
      Outgoing answer = Outgoing::answer(request);
      answer.body = properties_text({settings_.begin(), settings_.end()});
      return answer;
    }
    default:
      break;
  }
  return Outgoing::answer(request, ResponseCode::request_code_not_supported, fmt::format(" request type {} not supported", request.code));
}

}  // namespace chorus::mq::rocketmq
