#include "mq/client/route.h"

#include <algorithm>

#include "base/text.h"

namespace chorus::mqclient {
namespace {

const wire::BrokerData* broker_of(const wire::TopicRoute& route, const std::string& name) {
  const auto at = std::ranges::find(route.brokers, name, &wire::BrokerData::broker_name);
  return at == route.brokers.end() ? nullptr : &*at;
}

/// "brokerA:4;brokerB:4": how many queues of each broker an ordered topic has, whatever is down.
std::vector<Queue> queues_in_order(const std::string& topic, std::string_view conf) {
  std::vector<Queue> queues;
  for (const std::string_view part : base::split(conf, ';')) {
    const std::size_t colon = part.rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto count = base::parse_int(part.substr(colon + 1));
    for (std::int32_t id = 0; count && id < std::min<std::int64_t>(*count, 65'536); ++id)
      queues.push_back({.topic = topic, .broker_name = std::string(part.substr(0, colon)), .queue_id = id});
  }
  return queues;
}

}  // namespace

std::vector<Queue> writable_queues(const std::string& topic, const wire::TopicRoute& route) {
  if (route.order_topic_conf && !route.order_topic_conf->empty()) return queues_in_order(topic, *route.order_topic_conf);
  std::vector<Queue> queues;
  for (const wire::QueueData& data : route.queues) {
    if ((data.perm & wire::perm_write) == 0) continue;
    const wire::BrokerData* const broker = broker_of(route, data.broker_name);
    if (broker == nullptr || !broker->addresses.contains(0)) continue;
    for (std::int32_t id = 0; id < data.write_queues; ++id) {
      queues.push_back({.topic = topic, .broker_name = data.broker_name, .queue_id = id});
    }
  }
  std::ranges::sort(queues);
  return queues;
}

std::vector<Queue> readable_queues(const std::string& topic, const wire::TopicRoute& route) {
  std::vector<Queue> queues;
  for (const wire::QueueData& data : route.queues) {
    if ((data.perm & wire::perm_read) == 0) continue;
    for (std::int32_t id = 0; id < data.read_queues; ++id) {
      queues.push_back({.topic = topic, .broker_name = data.broker_name, .queue_id = id});
    }
  }
  std::ranges::sort(queues);
  return queues;
}

std::optional<world::Address> address_of(const wire::TopicRoute& route, const std::string& broker_name) {
  const wire::BrokerData* const broker = broker_of(route, broker_name);
  if (broker == nullptr || broker->addresses.empty()) return std::nullopt;
  return world::parse_address(broker->addresses.begin()->second);
}

std::vector<world::Address> addresses_of(const wire::TopicRoute& route) {
  std::vector<world::Address> out;
  for (const wire::BrokerData& broker : route.brokers) {
    if (broker.addresses.empty()) continue;
    const auto address = world::parse_address(broker.addresses.begin()->second);
    if (address && std::ranges::find(out, *address) == out.end()) out.push_back(*address);
  }
  return out;
}

std::vector<Queue> allocate_evenly(std::vector<Queue> queues, std::vector<std::string> members, const std::string& self) {
  std::ranges::sort(queues);
  std::ranges::sort(members);
  members.erase(std::ranges::unique(members).begin(), members.end());
  const auto at = std::ranges::find(members, self);
  if (at == members.end()) return {};
  const auto index = static_cast<std::size_t>(at - members.begin());
  const std::size_t each = queues.size() / members.size();
  const std::size_t more = queues.size() % members.size();  // the first so many members have one more
  const std::size_t count = each + (index < more ? 1 : 0);
  const std::size_t first = index * each + std::min(index, more);
  return {queues.begin() + static_cast<std::ptrdiff_t>(first), queues.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

}  // namespace chorus::mqclient
