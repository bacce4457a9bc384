// `chorus mq message`
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "app/mq/tool.h"

namespace chorus::app::mqtool {

using mqclient::Queue;
using mqclient::Received;

Exit Tool::show(const std::vector<Received>& messages, bool body_only) {
  for (const Received& message : messages) {
    if (body_only) {
      print(message.body);
    } else if (json_) {
      print_json(message_json(message));
    } else {
      print((&message == &messages.front() ? "" : "\n") + message_text(message));
    }
  }
  return Exit::ok;
}

Exit Tool::message(const Command& command) {
  if (command.id) return message_by_id(command);
  if (command.topic.empty()) return fail(Exit::usage, "name the topic, or an offset id with --id");
  if (command.offset) return message_by_offset(command);
  if (!command.key) return fail(Exit::usage, "say which: --id, --key, or --queue and --offset");

  std::int64_t from_ms = 0, to_ms = std::numeric_limits<std::int64_t>::max();
  for (const auto& [text, ms] : {std::pair(&command.from, &from_ms), std::pair(&command.to, &to_ms)}) {
    if (!*text) continue;
    const auto time = parse_time(**text, now_ms());
    if (!time) return fail(Exit::usage, time.error());
    *ms = *time;
  }
  const auto route = client_.route(command.topic);
  if (!route) return fail(route.error());
  std::vector<Received> found;
  const auto most = static_cast<std::int32_t>(command.count > 0 ? std::min<std::int64_t>(command.count, 10'000) : 64);
  for (const world::Address& broker : mqclient::addresses_of(**route)) {
    auto some = client_.ask(broker, mqclient::find_messages(command.topic, *command.key, most, from_ms, to_ms, false));
    if (!some) return fail(some.error());
    // An index finds by a hash.
    for (Received& each : *some) {
      bool has_key = each.property(mq::property::unique_key) == *command.key;
      mq::for_each_key(each.property(mq::property::keys), [&](std::string_view key) { has_key |= key == *command.key; });
      if (has_key) found.push_back(std::move(each));
    }
  }
  std::ranges::sort(found, std::ranges::greater(), &Received::store_time_ms);
  if (std::ssize(found) > most) found.resize(static_cast<std::size_t>(most));
  if (found.empty()) return fail(Exit::not_found, fmt::format("{} has no message with the key \"{}\"", command.topic, *command.key));
  return show(found, command.whole);
}

Exit Tool::message_by_id(const Command& command) {
  // Both kinds of ids are as long: without a topic it can only be one that says where the message is.
  const auto offset_id = mq::parse_offset_id(*command.id);
  if (!command.topic.empty()) {
    const auto route = client_.route(command.topic);
    if (!route) return fail(route.error());
    for (const world::Address& broker : mqclient::addresses_of(**route)) {
      auto some =
          client_.ask(broker, mqclient::find_messages(command.topic, *command.id, 64, 0, std::numeric_limits<std::int64_t>::max(), true));
      if (!some) return fail(some.error());
      std::erase_if(*some, [&](const Received& each) { return each.property(mq::property::unique_key) != *command.id; });
      if (!some->empty()) return show(*some, command.whole);
    }
  }
  if (offset_id) {
    const auto brokers = masters();
    if (!brokers) return fail(brokers.error());
    const auto address = world::parse_address(to_string(offset_id->store_host));
    const bool is_broker = std::ranges::any_of(*brokers, [&](const Broker& each) { return each.address == *address; });
    if (is_broker) {
      const auto found = client_.ask(*address, mqclient::message_at(offset_id->position, command.topic));
      if (found) return show({*found}, command.whole);
      if (found.error().code != mqclient::Code::refused) return fail(found.error());
    }
  }
  return fail(Exit::not_found, command.topic.empty()
                                   ? fmt::format("no broker has a message at {}; for a producer's id give the topic too", *command.id)
                                   : fmt::format("{} has no message {}", command.topic, *command.id));
}

Exit Tool::message_by_offset(const Command& command) {
  if (!command.queue) return fail(Exit::usage, "--offset goes with --queue");
  auto queues = queues_of(command.topic);
  if (!queues) return fail(queues.error());
  std::erase_if(*queues, [&](const Queue& queue) {
    return queue.queue_id != *command.queue || (!command.broker.empty() && queue.broker_name != command.broker);
  });
  if (queues->empty()) return fail(Exit::not_found, fmt::format("{} has no such queue", command.topic));
  if (queues->size() > 1) return fail(Exit::usage, "there are several brokers: say which with --broker");
  std::vector<Received> found;
  const auto scanned = scan(queues->front(), *command.offset, *command.offset + 1, [&](Received&& message) {
    if (message.queue_offset == *command.offset) found.push_back(std::move(message));
    return false;
  });
  if (!scanned) return fail(scanned.error());
  if (found.empty())
    return fail(Exit::not_found, fmt::format("queue {} of {} has no message {}", *command.queue, command.topic, *command.offset));
  return show(found, command.whole);
}

}  // namespace chorus::app::mqtool
