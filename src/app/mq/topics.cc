// `chorus mq topics`
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/mq/tool.h"
#include "mq/broker/topic_attributes.h"

namespace chorus::app::mqtool {

using mqclient::Code;
using mqclient::Queue;

namespace {

std::string perm_words(std::int32_t perm) {
  std::string out;
  if (perm & wire::perm_read) out += "read";
  if (perm & wire::perm_write) out += out.empty() ? "write" : ", write";
  return out.empty() ? "nothing" : out;
}

}  // namespace

Exit Tool::list_topics(const Command& command) {
  const auto topics = client_.ask_name_server(mqclient::all_topics());
  if (!topics) return fail(topics.error());
  std::set<std::string> names(topics->topics.begin(), topics->topics.end());
  if (!command.all) {
    // A broker's and a cluster's own name are topics as well.
    const auto info = client_.ask_name_server(mqclient::cluster_info());
    if (!info) return fail(info.error());
    for (const auto& [name, broker] : info->brokers) names.erase(name), names.erase(broker.cluster);
    std::erase_if(names, is_internal_topic);
  }
  Table table({"TOPIC", "BROKERS", "QUEUES", "MESSAGES", "LAST STORED"});
  std::size_t done = 0;
  for (const std::string& name : names) {
    if (!command.details) {
      print(json_ ? line({{"topic", name}}) : name + '\n');
      continue;
    }
    progress([&] { return fmt::format("{} of {} topics", done, names.size()); });
    ++done;
    const auto route = client_.route(name);
    if (!route && route.error().code == Code::unknown_topic) continue;  // deleted meanwhile
    if (!route) return fail(route.error());
    std::int64_t messages = 0, last = 0, queues = 0;
    for (const world::Address& broker : mqclient::addresses_of(**route)) {
      const auto stats = client_.ask(broker, mqclient::topic_stats(name));
      if (!stats) return fail(stats.error());
      for (const auto& [queue, offsets] : stats->offsets) {
        messages += offsets.max_offset - offsets.min_offset;
        last = std::max(last, offsets.last_update_ms);
        ++queues;
      }
    }
    const auto brokers = static_cast<std::int64_t>((*route)->brokers.size());
    if (json_) {
      print(line({{"topic", name}, {"brokers", brokers}, {"queues", queues}, {"messages", messages}, {"last_stored", time_text(last)}}));
    } else {
      table.add({name, std::to_string(brokers), std::to_string(queues), std::to_string(messages), time_text(last)});
    }
  }
  progress([&] { return fmt::format("{} topics", done); }, true);
  if (command.details && !json_ && !table.empty()) print(table.text());
  return Exit::ok;
}

Exit Tool::show_topic(const Command& command) {
  const auto route = client_.route(command.topic);
  if (!route) {
    if (route.error().code == Code::unknown_topic)
      return fail(Exit::not_found, fmt::format("there is no topic \"{}\"; \"chorus mq topics list\" lists them", command.topic));
    return fail(route.error());
  }
  Json out = {{"topic", command.topic}};
  std::string text = fmt::format("{:<12}{}\n", "topic", command.topic);
  Table table({"BROKER", "QUEUE", "FIRST", "END", "MESSAGES", "LAST STORED"});
  std::set<std::string> groups;
  for (const wire::BrokerData& broker : (*route)->brokers) {
    const auto address = mqclient::address_of(**route, broker.broker_name);
    if (!address) continue;
    const auto config = client_.ask(*address, mqclient::topic_config(command.topic));
    if (config) {
      Json attributes = Json::object();
      std::string words;
      for (const auto& [name, value] : config->attributes) {
        attributes[name] = value;
        words += fmt::format("{}{}={}", words.empty() ? "" : ", ", name, value);
      }
      out["brokers"].push_back({{"broker", broker.broker_name},
                                {"address", to_string(*address)},
                                {"cluster", broker.cluster},
                                {"read_queues", config->read_queues},
                                {"write_queues", config->write_queues},
                                {"perm", config->perm},
                                {"in_order", config->order},
                                {"attributes", attributes}});
      text += fmt::format("{:<12}{} at {}, {} queues to read, {} to write; {}{}{}\n", "broker", broker.broker_name, to_string(*address),
                          config->read_queues, config->write_queues, perm_words(config->perm), config->order ? "; in order" : "",
                          words.empty() ? "" : "; " + words);
    }
    const auto stats = client_.ask(*address, mqclient::topic_stats(command.topic));
    if (!stats) return fail(stats.error());
    for (const auto& [queue, offsets] : stats->offsets) {
      out["queues"].push_back({{"broker", queue.broker_name},
                               {"queue", queue.queue_id},
                               {"first", offsets.min_offset},
                               {"end", offsets.max_offset},
                               {"last_stored", time_text(offsets.last_update_ms)}});
      table.add({queue.broker_name, std::to_string(queue.queue_id), std::to_string(offsets.min_offset), std::to_string(offsets.max_offset),
                 std::to_string(offsets.max_offset - offsets.min_offset), time_text(offsets.last_update_ms)});
    }
    if (const auto list = client_.ask(*address, mqclient::groups_of_topic(command.topic)))
      groups.insert(list->groups.begin(), list->groups.end());
  }
  groups.erase(tools_group);
  out["groups"] = groups;
  std::string names;
  for (const std::string& group : groups) names += (names.empty() ? "" : ", ") + group;
  text += fmt::format("{:<12}{}\n", "groups", names.empty() ? "none" : names);
  print(json_ ? line(out) : text + table.text());
  return Exit::ok;
}

Exit Tool::create_topic(const Command& command) {
  const auto brokers = masters(command.broker, command.cluster);
  if (!brokers) return fail(brokers.error());
  wire::TopicConfig config{.name = command.topic,
                           .read_queues = command.queues,
                           .write_queues = command.queues,
                           .perm = command.perm,
                           .order = command.in_order};
  std::string changes;
  for (const std::string& attribute : command.items) {
    const std::size_t equals = attribute.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Exit::usage, fmt::format("\"{}\" is not name=value, such as message.type=FIFO", attribute));
    changes += (changes.empty() ? "+" : ",+") + attribute;
  }
  if (!command.flush.empty()) {
    changes += fmt::format("{}+{}={}", changes.empty() ? "" : ",", mq::attribute::flush_disk_type,
                           command.flush == "sync" ? mq::attribute::sync_flush : mq::attribute::async_flush);
  }
  for (const Broker& broker : *brokers) {
    const auto known = client_.ask(broker.address, mqclient::topic_config(command.topic));
    if (known && !command.force) {
      return fail(Exit::exists, fmt::format("the topic \"{}\" is there already, at {}; --force changes it", command.topic, broker.name));
    }
    if (!known && known.error().code != Code::unknown_topic && known.error().code != Code::refused) return fail(known.error());
  }
  for (const Broker& broker : *brokers) {
    const auto done = client_.ask(broker.address, mqclient::update_topic(config, changes));
    if (!done) return fail(done.error());
    if (json_) {
      print(line({{"topic", command.topic}, {"broker", broker.name}, {"queues", command.queues}}));
    } else {
      print(fmt::format("{}: {} queues at {}\n", command.topic, command.queues, broker.name));
    }
  }
  return Exit::ok;
}

Exit Tool::delete_topic(const Command& command) {
  const auto route = client_.route(command.topic);
  if (!route) {
    if (route.error().code == Code::unknown_topic) return fail(Exit::not_found, fmt::format("there is no topic \"{}\"", command.topic));
    return fail(route.error());
  }
  const auto consumers = consumers_of(command.topic);
  if (!consumers) return fail(consumers.error());
  if (*consumers > 0 && !command.force) {
    return fail(Exit::in_use, fmt::format("{} consumers of \"{}\" are connected; stop them, or delete it nevertheless with --force",
                                          *consumers, command.topic));
  }
  for (const wire::BrokerData& broker : (*route)->brokers) {
    const auto address = mqclient::address_of(**route, broker.broker_name);
    if (!address) continue;
    if (const auto done = client_.ask(*address, mqclient::delete_topic(command.topic)); !done) return fail(done.error());
  }
  if (const auto done = client_.ask_name_server(mqclient::forget_topic(command.topic)); !done) return fail(done.error());
  print(json_ ? line({{"topic", command.topic}, {"deleted", true}}) : fmt::format("{} deleted\n", command.topic));
  return Exit::ok;
}

}  // namespace chorus::app::mqtool
