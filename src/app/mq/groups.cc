// `chorus mq groups`
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/mq/tool.h"
#include "mq/broker/topics.h"

namespace chorus::app::mqtool {

namespace {

struct Behind {
  std::int64_t total = 0, retry = 0;
};
Behind behind(const std::vector<QueueLag>& lags) {
  Behind out;
  for (const QueueLag& each : lags) (mq::topic::is_retry(each.queue.topic) ? out.retry : out.total) += each.lag();
  return out;
}

std::string model_words(wire::MessageModel model) { return model == wire::MessageModel::broadcasting ? "broadcasting" : "clustering"; }

}  // namespace

Exit Tool::list_groups(const Command& command) {
  const auto groups = all_groups(command.all);
  if (!groups) return fail(groups.error());
  Table table({"GROUP", "MEMBERS", "LAG", "RETRY LAG"});
  std::size_t done = 0;
  for (const auto& [name, config] : *groups) {
    progress([&] { return fmt::format("{} of {} groups", done, groups->size()); });
    ++done;
    const auto lags = lag_of(name);
    if (!lags) return fail(lags.error());
    const auto members = members_of(name);
    if (!members) return fail(members.error());
    const auto [total, retry] = behind(*lags);
    if (json_) {
      print(line({{"group", name}, {"members", members->connections.size()}, {"lag", total}, {"retry_lag", retry}}));
    } else {
      table.add({name, std::to_string(members->connections.size()), std::to_string(total), std::to_string(retry)});
    }
  }
  progress([&] { return fmt::format("{} groups", done); }, true);
  if (!json_ && !table.empty()) print(table.text());
  return Exit::ok;
}

Exit Tool::show_group(const Command& command) {
  const auto groups = all_groups(true);
  if (!groups) return fail(groups.error());
  const auto at = groups->find(command.group);
  if (at == groups->end())
    return fail(Exit::not_found, fmt::format("there is no group \"{}\"; \"chorus mq groups list\" lists them", command.group));
  const wire::SubscriptionGroupConfig& config = at->second;
  const auto members = members_of(command.group);
  if (!members) return fail(members.error());
  const auto lags = lag_of(command.group);
  if (!lags) return fail(lags.error());

  std::map<std::string, std::int64_t> by_topic;
  for (const QueueLag& each : *lags) by_topic[each.queue.topic] += each.lag();
  if (json_) {
    Json out = {{"group", command.group},
                {"consume_enable", config.consume_enable},
                {"in_order", config.consume_message_orderly},
                {"retries", config.retry_times_max},
                {"retry_queues", config.retry_queues},
                {"members", Json::array()},
                {"subscriptions", Json::object()},
                {"lag", Json::object()}};
    if (!members->connections.empty()) out["model"] = model_words(members->message_model);
    for (const wire::Connection& each : members->connections) {
      out["members"].push_back(
          {{"client", each.client_id}, {"address", each.client_address}, {"language", each.language}, {"version", each.version}});
    }
    for (const auto& [topic, each] : members->subscriptions)
      out["subscriptions"][topic] = {{"type", each.expression_type}, {"expression", each.sub_string}};
    for (const auto& [topic, lag] : by_topic) out["lag"][topic] = lag;
    print(line(out));
    return Exit::ok;
  }
  std::string text = fmt::format("{:<14}{}\n{:<14}{}\n{:<14}{} times, then a dead letter\n", "group", command.group, "consumes",
                                 !config.consume_enable           ? "not: it is disabled"
                                 : config.consume_message_orderly ? "in order"
                                                                  : "any",
                                 "retries", config.retry_times_max);
  if (members->connections.empty()) text += fmt::format("{:<14}none\n", "members");
  for (const wire::Connection& each : members->connections) {
    text += fmt::format("{:<14}{} at {}, {} {}, {}\n", "member", each.client_id, each.client_address, each.language, each.version,
                        model_words(members->message_model));
  }
  for (const auto& [topic, each] : members->subscriptions)
    text += fmt::format("{:<14}{}: {} {}\n", "subscription", topic, each.expression_type, printable(each.sub_string));
  for (const auto& [topic, lag] : by_topic) text += fmt::format("{:<14}{}: {}\n", "lag", topic, lag);
  print(text);
  return Exit::ok;
}

Exit Tool::create_group(const Command& command) {
  const auto brokers = masters(command.broker, command.cluster);
  if (!brokers) return fail(brokers.error());
  wire::SubscriptionGroupConfig config{.name = command.group};
  for (const Broker& broker : *brokers) {
    const auto table = client_.ask(broker.address, mqclient::all_groups());
    if (!table) return fail(table.error());
    const auto at = table->groups.find(command.group);
    if (at == table->groups.end()) continue;
    if (!command.force)
      return fail(Exit::exists, fmt::format("the group \"{}\" is there already, at {}; --force changes it", command.group, broker.name));
    config = at->second;
  }
  config.retry_times_max = command.retries;
  config.consume_message_orderly = command.in_order;
  for (const Broker& broker : *brokers) {
    if (const auto done = client_.ask(broker.address, mqclient::update_group(config)); !done) return fail(done.error());
    print(json_ ? line({{"group", command.group}, {"broker", broker.name}}) : fmt::format("{} at {}\n", command.group, broker.name));
  }
  return Exit::ok;
}

Exit Tool::delete_group(const Command& command) {
  const auto groups = all_groups(true);
  if (!groups) return fail(groups.error());
  if (!groups->contains(command.group)) return fail(Exit::not_found, fmt::format("there is no group \"{}\"", command.group));
  const auto members = members_of(command.group);
  if (!members) return fail(members.error());
  if (!members->connections.empty() && !command.force) {
    return fail(Exit::in_use, fmt::format("{} consumers of \"{}\" are connected; stop them, or delete it nevertheless with --force",
                                          members->connections.size(), command.group));
  }
  const auto brokers = masters();
  if (!brokers) return fail(brokers.error());
  for (const Broker& broker : *brokers) {
    if (const auto done = client_.ask(broker.address, mqclient::delete_group(command.group, true)); !done) return fail(done.error());
  }
  print(json_ ? line({{"group", command.group}, {"deleted", true}}) : fmt::format("{} deleted\n", command.group));
  return Exit::ok;
}

}  // namespace chorus::app::mqtool
