#include "mq/rocketmq/routes.h"

#include <algorithm>
#include <utility>

namespace chorus::mq::rocketmq {
namespace {

QueueData queues_of(const std::string& broker, const TopicConfig& config) {
  return {.broker_name = broker,
          .perm = config.perm,
          .read_queues = config.read_queues,
          .write_queues = config.write_queues,
          .topic_sys_flag = config.sys_flag};
}

}  // namespace

Routes::Registered Routes::add(BrokerRegistration registration, world::Instant now) {
  BrokerData& broker = brokers_[registration.broker];
  broker.broker_name = registration.broker;
  broker.cluster = registration.cluster;
  broker.enable_acting_master = registration.enable_acting_master;
  // A broker that comes back with another id leaves none behind.
  std::erase_if(broker.addresses, [&](const auto& of) { return of.second == registration.address && of.first != registration.id; });
  broker.addresses[registration.id] = registration.address;

  Live& live = live_[registration.address];
  live.broker = registration.broker;
  live.ha_address = registration.ha_address;
  live.connection = registration.connection;
  live.heard = now;
  live.silence_max = registration.silence_max.value_or(std::chrono::seconds(120));
  live.filter_servers = std::move(registration.filter_servers);
  if (registration.topics && registration.id == 0) {
    const bool changed = !live.version || live.version != registration.version;
    // What registers itself over the wire may tell of one new topic alone, so that what it does not name stays.
    // source: namesrv/routeinfo/RouteInfoManager.java, registerBroker(); deleteTopicWithBrokerRegistration is off
    if (changed && !registration.connection) {
      for (auto& [topic, queues] : topics_) {
        if (!registration.topics->contains(topic)) queues.erase(registration.broker);
      }
      std::erase_if(topics_, [](const auto& topic) { return topic.second.empty(); });
    }
    for (const auto& [topic, config] : *registration.topics) {
      const auto [queues, is_new] = topics_[topic].try_emplace(registration.broker);
      if (is_new || changed) queues->second = queues_of(registration.broker, config);
    }
  }
  if (registration.version) live.version = registration.version;

  Registered answer;
  const auto master = broker.addresses.find(0);
  if (registration.id != 0 && master != broker.addresses.end()) {
    answer.master_address = master->second;
    if (const auto at = live_.find(master->second); at != live_.end()) answer.ha_address = at->second.ha_address;
  }
  return answer;
}

void Routes::drop(const std::string& address) {
  const auto live = live_.find(address);
  if (live == live_.end()) return;
  const std::string name = live->second.broker;
  live_.erase(live);
  const auto broker = brokers_.find(name);
  if (broker == brokers_.end()) return;
  std::erase_if(broker->second.addresses, [&](const auto& of) { return of.second == address; });
  if (!broker->second.addresses.empty()) return;
  brokers_.erase(broker);
  for (auto& [topic, queues] : topics_) queues.erase(name);
  std::erase_if(topics_, [](const auto& topic) { return topic.second.empty(); });
}

void Routes::remove(const std::string& broker, const std::string& address) {
  const auto live = live_.find(address);
  if (live != live_.end() && live->second.broker == broker) drop(address);
}

void Routes::closed(ConnectionId connection) {
  std::vector<std::string> gone;
  for (const auto& [address, live] : live_) {
    if (live.connection == connection) gone.push_back(address);
  }
  for (const std::string& address : gone) drop(address);
}

bool Routes::heard(const std::string& address, world::Instant now) {
  const auto live = live_.find(address);
  if (live == live_.end()) return false;
  live->second.heard = now;
  return true;
}

std::vector<ConnectionId> Routes::expire(world::Instant now) {
  std::vector<ConnectionId> connections;
  std::vector<std::string> gone;
  for (const auto& [address, live] : live_) {
    if (!live.connection || now - live.heard <= live.silence_max) continue;
    gone.push_back(address);
    connections.push_back(*live.connection);
  }
  for (const std::string& address : gone) drop(address);
  return connections;
}

void Routes::put_topic(const std::string& broker, const std::string& topic, const TopicConfig* config) {
  if (config) {
    topics_[topic][broker] = queues_of(broker, *config);
    return;
  }
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  found->second.erase(broker);
  if (found->second.empty()) topics_.erase(found);
}

void Routes::remove_topic(const std::string& topic, const std::string& cluster) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  std::erase_if(found->second, [&](const auto& queues) {
    const auto broker = brokers_.find(queues.first);
    return cluster.empty() || (broker != brokers_.end() && broker->second.cluster == cluster);
  });
  if (found->second.empty()) topics_.erase(found);
}

void Routes::put_queues(const std::string& topic, const std::vector<QueueData>& queues) {
  for (const QueueData& one : queues) {
    if (brokers_.contains(one.broker_name)) topics_[topic][one.broker_name] = one;
  }
}

std::optional<TopicRoute> Routes::route(const std::string& topic, std::optional<std::string> order) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return std::nullopt;
  TopicRoute route{.order_topic_conf = std::move(order)};
  for (const auto& [name, queues] : found->second) {
    const auto broker = brokers_.find(name);
    if (broker == brokers_.end()) continue;
    route.queues.push_back(queues);
    route.brokers.push_back(broker->second);
    for (const auto& [id, address] : broker->second.addresses) {
      const auto live = live_.find(address);
      if (live != live_.end() && !live->second.filter_servers.empty()) route.filter_servers[address] = live->second.filter_servers;
    }
  }
  if (route.brokers.empty()) return std::nullopt;
  return route;
}

ClusterInfo Routes::clusters() const {
  ClusterInfo info;
  for (const auto& [name, broker] : brokers_) {
    info.brokers[name] = broker;
    info.clusters[broker.cluster].push_back(name);
  }
  return info;
}

std::vector<std::string> Routes::topics() const {
  std::vector<std::string> names;
  for (const auto& [topic, queues] : topics_) names.push_back(topic);
  return names;
}

std::vector<std::string> Routes::topics_of_cluster(const std::string& cluster) const {
  std::vector<std::string> names;
  for (const auto& [topic, queues] : topics_) {
    const bool there = std::ranges::any_of(queues, [&](const auto& one) {
      const auto broker = brokers_.find(one.first);
      return broker != brokers_.end() && broker->second.cluster == cluster;
    });
    if (there) names.push_back(topic);
  }
  return names;
}

std::vector<std::string> Routes::system_topics() const {
  std::set<std::string> names;
  for (const auto& [name, broker] : brokers_) {
    names.insert(broker.cluster);
    names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::string Routes::any_address() const {
  for (const auto& [name, broker] : brokers_) {
    if (!broker.addresses.empty()) return broker.addresses.begin()->second;
  }
  return {};
}

std::optional<std::string> Routes::address_of(const std::string& name, std::int64_t id) const {
  const auto broker = brokers_.find(name);
  if (broker == brokers_.end()) return std::nullopt;
  const auto address = broker->second.addresses.find(id);
  return address == broker->second.addresses.end() ? std::nullopt : std::optional(address->second);
}

std::optional<BrokerMemberGroup> Routes::members(const std::string& name) const {
  const auto broker = brokers_.find(name);
  if (broker == brokers_.end()) return std::nullopt;
  return BrokerMemberGroup{.addresses = broker->second.addresses, .broker_name = name, .cluster = broker->second.cluster};
}

std::optional<DataVersion> Routes::version_of(const std::string& address) const {
  const auto live = live_.find(address);
  return live == live_.end() ? std::nullopt : live->second.version;
}

std::vector<std::string> Routes::topics_with_flag(std::int32_t with, std::int32_t without) const {
  std::vector<std::string> names;
  for (const auto& [topic, queues] : topics_) {
    if (queues.empty()) continue;
    const std::int32_t flag = queues.begin()->second.topic_sys_flag;
    if ((flag & with) == with && (flag & without) == 0) names.push_back(topic);
  }
  return names;
}

std::int32_t Routes::set_write_permission(const std::string& broker, bool writable) {
  std::int32_t count = 0;
  for (auto& [topic, queues] : topics_) {
    const auto found = queues.find(broker);
    if (found == queues.end()) continue;
    found->second.perm = writable ? found->second.perm | perm_write | perm_read : found->second.perm & ~perm_write;
    ++count;
  }
  return count;
}

}  // namespace chorus::mq::rocketmq
