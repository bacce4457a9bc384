#include "mq/broker/tree_directory.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "client/tree_watch.h"

namespace chorus::mq {
namespace {

TopicConfig allowed(TopicConfig topic, const Announcement& live) {
  topic.perm &= live.permission | perm::inherit;
  return topic;
}

}  // namespace

std::string path_of(const BrokerKey& broker) {
  return fmt::format("{}/{}/{}", brokers_root, client::path_part(broker.cluster), client::path_part(broker.name));
}

void TreeDirectory::apply(std::string_view path, const std::string* data, std::vector<DirectoryChange>& out) {
  if (!path.starts_with(brokers_root) || path.size() <= brokers_root.size() + 1) return;
  const std::vector<std::string_view> parts = base::split(path.substr(brokers_root.size() + 1), '/');
  const bool is_live = parts.size() == 3 && parts[2] == "live";
  const bool is_topic = parts.size() == 4 && parts[2] == "topics";
  if (!is_live && !is_topic) return;
  auto cluster = client::name_of_part(parts[0]), name = client::name_of_part(parts[1]);
  if (!cluster || !name) return out.emplace_back(NodeUnreadable{std::string(path)}), void();
  const BrokerKey key{std::move(*cluster), std::move(*name)};
  if (key == own_) return;
  if (is_live) {
    apply_live(key, path, data, out);
  } else {
    apply_topic(key, std::string(parts[3]), path, data, out);
  }
  forget_if_empty(key);
}

void TreeDirectory::apply_live(const BrokerKey& key, std::string_view path, const std::string* data, std::vector<DirectoryChange>& out) {
  auto now = data ? announcement_from_json(*data) : std::nullopt;
  if (data && !now) out.emplace_back(NodeUnreadable{std::string(path)});
  Broker& broker = brokers_[key];
  const auto before = std::exchange(broker.live, std::move(now));
  if (before == broker.live) return;
  if (before && (!broker.live || broker.live->address != before->address)) out.emplace_back(BrokerDown{key, before->address});
  if (broker.live) return out.emplace_back(*find(key)), void();
  // A name server knows brokers by their names: one of the same name, in another cluster, has its place again.
  for (const auto& [other, facts] : brokers_) {
    if (other.name == key.name && facts.live) out.emplace_back(*find(other));
  }
}

void TreeDirectory::apply_topic(const BrokerKey& key, const std::string& topic, std::string_view path, const std::string* data,
                                std::vector<DirectoryChange>& out) {
  auto now = data ? topic_from_json(*data) : std::nullopt;
  if (now && now->name != topic) now.reset();
  if (data && !now) out.emplace_back(NodeUnreadable{std::string(path)});
  Broker& broker = brokers_[key];
  if (now) {
    broker.topics[topic] = *now;
  } else if (broker.topics.erase(topic) == 0) {
    return;
  }
  if (!broker.live) return;
  if (now) now = allowed(std::move(*now), *broker.live);
  out.emplace_back(TopicChanged{key, topic, std::move(now)});
}

void TreeDirectory::forget_if_empty(const BrokerKey& key) {
  const auto found = brokers_.find(key);
  if (found != brokers_.end() && !found->second.live && found->second.topics.empty()) brokers_.erase(found);
}

void TreeDirectory::for_each_up(
    const std::function<void(const BrokerKey& broker, const std::string& address, std::int64_t id)>& visit) const {
  for (const auto& [key, broker] : brokers_) {
    if (broker.live) visit(key, broker.live->address, broker.live->id);
  }
}

std::optional<std::string> TreeDirectory::address_of(const BrokerKey& key) const {
  const auto found = brokers_.find(key);
  if (found == brokers_.end() || !found->second.live) return std::nullopt;
  return found->second.live->address;
}

std::optional<BrokerUp> TreeDirectory::find(const BrokerKey& key) const {
  const auto found = brokers_.find(key);
  if (found == brokers_.end() || !found->second.live) return std::nullopt;
  const auto& [live, topics] = found->second;
  BrokerUp up{.broker = key, .address = live->address, .id = live->id, .topics = {}};
  for (const TopicConfig& topic : live->system_topics) up.topics[topic.name] = allowed(topic, *live);
  for (const auto& [name, topic] : topics) up.topics[name] = allowed(topic, *live);
  return up;
}

}  // namespace chorus::mq
