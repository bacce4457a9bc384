#include "app/command/messaging_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "app/mq/tool.h"
#include "base/text.h"

namespace chorus::app {

MessagingStatus ask_messaging(const world::Address& name_server) {
  MessagingStatus status{.address = to_string(name_server), .problem = {}, .brokers = {}};
  mqclient::BlockingClient client({.name_servers = {name_server}});
  const auto cluster = client.ask_name_server(mqclient::cluster_info());
  if (!cluster) {
    status.problem = cluster.error().message;
    return status;
  }
  if (const auto topics = client.ask_name_server(mqclient::all_topics())) {
    std::set<std::string> names(topics->topics.begin(), topics->topics.end());
    for (const auto& [name, broker] : cluster->brokers) names.erase(name), names.erase(broker.cluster);
    status.topics =
        static_cast<std::size_t>(std::ranges::count_if(names, [](const auto& name) { return !mqtool::is_internal_topic(name); }));
  }
  std::set<std::string> groups;
  for (const auto& [name, data] : cluster->brokers) {
    const auto at = data.addresses.find(0);
    const auto address = at == data.addresses.end() ? std::nullopt : world::parse_address(at->second);
    if (!address) continue;
    const auto info = client.ask(*address, mqclient::runtime_info());
    const auto table = client.ask(*address, mqclient::all_groups());
    if (!info || !table) {
      status.problem = !info ? info.error().message : table.error().message;
      return status;
    }
    const auto said = [&](const char* key) {
      const auto found = info->table.find(key);
      return found == info->table.end() ? std::string() : found->second;
    };
    const auto first_word = [&](const char* key) {
      const std::string text = said(key);
      return text.substr(0, text.find(' '));
    };
    status.brokers.push_back(
        {.name = name,
         .address = at->second,
         .version = said("brokerVersionDesc"),
         .put_per_second = first_word("putTps"),
         .get_per_second = first_word("getTransferredTps"),
         .disk_ratio = said("commitLogDiskRatio"),
         .stored = base::parse_int(said("commitLogMaxOffset")).value_or(0) - base::parse_int(said("commitLogMinOffset")).value_or(0)});
    for (const auto& [group, config] : table->groups) {
      if (mqtool::is_internal_group(group)) continue;
      groups.insert(group);
      const auto stats = client.ask(*address, mqclient::consume_stats(group));
      if (!stats) continue;  // that broker has nothing of it
      for (const auto& [queue, offsets] : stats->offsets)
        status.lag += std::max<std::int64_t>(0, offsets.broker_offset - offsets.consumer_offset);
    }
  }
  status.groups = groups.size();
  return status;
}

std::string to_text(const MessagingStatus& status) {
  if (!status.problem.empty()) return fmt::format("{} messaging: {}\n", status.address, status.problem);
  std::string out =
      fmt::format("{} messaging: {} topics, {} groups, {} messages behind\n", status.address, status.topics, status.groups, status.lag);
  for (const auto& broker : status.brokers) {
    out += fmt::format("  {:<20} {}, {}; {} messages/s in, {} out; log {} octets, disk {} full\n", broker.name, broker.address,
                       broker.version, broker.put_per_second, broker.get_per_second, broker.stored, broker.disk_ratio);
  }
  return out;
}

nlohmann::ordered_json json_of(const MessagingStatus& status) {
  nlohmann::ordered_json out = {{"name_server", status.address}, {"well", status.problem.empty()}};
  if (!status.problem.empty()) out["problem"] = status.problem;
  out["topics"] = status.topics;
  out["groups"] = status.groups;
  out["lag"] = status.lag;
  for (const auto& broker : status.brokers) {
    out["brokers"].push_back({{"name", broker.name},
                              {"address", broker.address},
                              {"version", broker.version},
                              {"put_per_second", broker.put_per_second},
                              {"get_per_second", broker.get_per_second},
                              {"log_octets", broker.stored},
                              {"disk_ratio", broker.disk_ratio}});
  }
  return out;
}

}  // namespace chorus::app
