#include "mq/broker/clients.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chorus::mq {

bool Clients::consumer(const ConsumerHeartbeat& heartbeat, const ClientInfo& client) {
  ConsumerGroup& group = consumers_[heartbeat.group];
  group.type = heartbeat.type;
  group.model = heartbeat.model;
  group.from = heartbeat.from;
  const auto [at, is_new] = group.members.insert_or_assign(client.connection, client);
  consumer_groups_of_[client.connection].insert(heartbeat.group);

  bool changed = is_new;
  std::set<std::string> named;
  for (const Subscription& subscription : heartbeat.subscriptions) {
    named.insert(subscription.topic);
    const auto found = group.subscriptions.find(subscription.topic);
    if (found == group.subscriptions.end()) {
      group.subscriptions.emplace(subscription.topic, subscription);
      changed = true;
    } else if (subscription.version > found->second.version) {
      // A newer version alone is what a client that started later has; others need not be told.
      changed |= subscription.expression != found->second.expression || subscription.expression_type != found->second.expression_type;
      found->second = subscription;
    }
  }
  // What this heartbeat no longer names is gone: all members of a group subscribe alike. source: ConsumerGroupInfo.updateSubscription
  const auto gone = std::erase_if(group.subscriptions, [&](const auto& topic) { return !named.contains(topic.first); });
  changed |= gone > 0;
  if (changed) changed_.insert(heartbeat.group);
  return changed;
}

void Clients::producer(const std::string& group, const ClientInfo& client) {
  producers_[group].insert_or_assign(client.connection, client);
  producer_groups_of_[client.connection].insert(group);
}

void Clients::remove_consumer(std::string_view group, ConnectionId connection) {
  const auto found = consumers_.find(group);
  if (found == consumers_.end() || found->second.members.erase(connection) == 0) return;
  if (found->second.members.empty()) {
    consumers_.erase(found);
  } else {
    changed_.emplace(group);
  }
}

void Clients::remove_producer(std::string_view group, ConnectionId connection) {
  const auto found = producers_.find(group);
  if (found == producers_.end()) return;
  found->second.erase(connection);
  if (found->second.empty()) producers_.erase(found);
}

void Clients::unregister(ConnectionId connection, const std::string& client_id, const std::string& producer_group,
                         const std::string& consumer_group) {
  const auto is_it = [&](const auto& members) {
    const auto at = members.find(connection);
    return at != members.end() && at->second.client_id == client_id;
  };
  if (const auto at = producers_.find(producer_group); at != producers_.end() && is_it(at->second)) {
    remove_producer(producer_group, connection);
    producer_groups_of_[connection].erase(producer_group);
  }
  if (const auto at = consumers_.find(consumer_group); at != consumers_.end() && is_it(at->second.members)) {
    remove_consumer(consumer_group, connection);
    consumer_groups_of_[connection].erase(consumer_group);
  }
}

void Clients::closed(ConnectionId connection) {
  if (const auto of = consumer_groups_of_.find(connection); of != consumer_groups_of_.end()) {
    for (const std::string& group : of->second) remove_consumer(group, connection);
    consumer_groups_of_.erase(of);
  }
  if (const auto of = producer_groups_of_.find(connection); of != producer_groups_of_.end()) {
    for (const std::string& group : of->second) remove_producer(group, connection);
    producer_groups_of_.erase(of);
  }
}

std::vector<ConnectionId> Clients::expire(world::Instant now) {
  // A client is in several groups by one heartbeat, so the last word of any of them counts for the connection.
  std::map<ConnectionId, world::Instant> seen;
  const auto note = [&](const auto& members) {
    for (const auto& [connection, client] : members) {
      auto& last = seen[connection];
      last = std::max(last, client.last_seen);
    }
  };
  for (const auto& [name, group] : consumers_) note(group.members);
  for (const auto& [name, members] : producers_) note(members);
  std::vector<ConnectionId> silent;
  for (const auto& [connection, last] : seen) {
    if (now - last > silence_max_) silent.push_back(connection);
  }
  for (const ConnectionId connection : silent) closed(connection);
  return silent;
}

const ConsumerGroup* Clients::consumers(std::string_view group) const {
  const auto found = consumers_.find(group);
  return found == consumers_.end() ? nullptr : &found->second;
}

const Subscription* Clients::subscription(std::string_view group, std::string_view topic) const {
  const ConsumerGroup* consumers = this->consumers(group);
  if (consumers == nullptr) return nullptr;
  const auto found = consumers->subscriptions.find(std::string(topic));
  return found == consumers->subscriptions.end() ? nullptr : &found->second;
}

std::vector<std::string> Clients::consumer_ids(std::string_view group) const {
  std::set<std::string> ids;
  if (const ConsumerGroup* consumers = this->consumers(group)) {
    for (const auto& [connection, client] : consumers->members) ids.insert(client.client_id);
  }
  return {ids.begin(), ids.end()};
}

const ClientInfo* Clients::find_consumer(std::string_view group, std::string_view client_id) const {
  if (const ConsumerGroup* consumers = this->consumers(group)) {
    for (const auto& [connection, client] : consumers->members) {
      if (client.client_id == client_id) return &client;
    }
  }
  return nullptr;
}

std::vector<std::string> Clients::groups_subscribed(std::string_view topic) const {
  std::vector<std::string> names;
  for (const auto& [name, group] : consumers_) {
    if (group.subscriptions.contains(std::string(topic))) names.push_back(name);
  }
  return names;
}

const Clients::Producers* Clients::producers(std::string_view group) const {
  const auto found = producers_.find(group);
  return found == producers_.end() ? nullptr : &found->second;
}

const ClientInfo* Clients::any_producer(std::string_view group) {
  const Producers* members = producers(group);
  if (members == nullptr || members->empty()) return nullptr;
  return &std::next(members->begin(), static_cast<std::ptrdiff_t>(turn_++ % members->size()))->second;
}

const ClientInfo* Clients::find_producer(std::string_view client_id) const {
  for (const auto& [name, members] : producers_) {
    for (const auto& [connection, client] : members) {
      if (client.client_id == client_id) return &client;
    }
  }
  return nullptr;
}

std::vector<std::string> Clients::take_changed_groups() {
  std::vector<std::string> groups(changed_.begin(), changed_.end());
  changed_.clear();
  return groups;
}

}  // namespace chorus::mq
