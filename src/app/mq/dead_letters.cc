// `chorus mq dlq`
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/mq/tool.h"
#include "mq/broker/topics.h"

namespace chorus::app::mqtool {

using mqclient::Queue;
using mqclient::Received;
using mqclient::Result;

namespace {

/// Where the message was sent to in the first place.
std::string origin_of(const Received& message) {
  if (const auto origin = message.property(mq::property::dlq_origin_topic); !origin.empty()) return std::string(origin);
  return message.real_topic();
}

mqclient::Message again(const Received& message, const std::string& group, bool to_topic) {
  mqclient::Message out{.topic = origin_of(message), .body = message.body, .properties = message.properties, .flag = message.flag};
  // What brokers have written into it belongs to its former life.
  for (const std::string_view name :
       {mq::property::delay_level, mq::property::real_topic, mq::property::real_queue_id, mq::property::min_offset,
        mq::property::max_offset, mq::property::max_reconsume_times, mq::property::reconsume_time, mq::property::consume_start_time,
        mq::property::retry_topic, mq::property::dlq_origin_topic, mq::property::dlq_origin_message_id, mq::property::wait_store_ok,
        mq::property::cluster, mq::property::region, mq::property::trace_on, mq::property::transaction_prepared})
    out.properties.erase(std::string(name));
  if (to_topic) return out;
  out.set(mq::property::retry_topic, out.topic);
  out.topic = mq::topic::retry_of(group);
  return out;
}

}  // namespace

Result<std::vector<Received>> Tool::dead_letters(const std::string& group, bool all, std::int64_t count) {
  const std::string topic = mq::topic::dead_letter_of(group);
  const auto route = client_.route(topic);
  std::vector<Received> out;
  if (!route && route.error().code == mqclient::Code::unknown_topic) {
    const auto groups = all_groups(true);
    if (!groups) return std::unexpected(groups.error());
    if (groups->contains(group)) return out;  // there never was one
    return mqclient::error(mqclient::Code::unknown_topic, fmt::format("there is no group \"{}\"", group));
  }
  if (!route) return std::unexpected(route.error());
  // Brokers make it for writing alone; its queue is there all the same.
  for (const wire::QueueData& data : (*route)->queues) {
    for (std::int32_t id = 0; id < std::max(data.read_queues, data.write_queues); ++id) {
      const Queue queue{.topic = topic, .broker_name = data.broker_name, .queue_id = id};
      auto from = client_.ask_broker_of(queue, mqclient::min_offset(queue));
      if (!from) return std::unexpected(from.error());
      const auto to = client_.ask_broker_of(queue, mqclient::max_offset(queue));
      if (!to) return std::unexpected(to.error());
      if (!all) {
        const auto sent = client_.ask_broker_of(queue, mqclient::committed_offset(group, queue, false));
        if (!sent) return std::unexpected(sent.error());
        from = std::max(*from, sent->value_or(0));
      }
      const auto scanned = scan(queue, *from, *to, [&](Received&& message) {
        out.push_back(std::move(message));
        progress([&] { return fmt::format("{} dead letters read", out.size()); });
        return count == 0 || std::ssize(out) < count;
      });
      if (!scanned) return std::unexpected(scanned.error());
    }
  }
  progress([&] { return fmt::format("{} dead letters read", out.size()); }, true);
  return out;
}

Exit Tool::list_dead_letters(const Command& command) {
  const auto messages = dead_letters(command.group, command.all, command.count);
  if (!messages) return fail(messages.error());
  Table table({"ID", "TOPIC", "TRIES", "STORED", "BODY"});
  for (const Received& message : *messages) {
    if (json_) {
      Json out = message_json(message);
      out["origin_topic"] = origin_of(message);
      print_json(out);
    } else {
      table.add({message.id(), origin_of(message), std::to_string(message.reconsume_times), time_text(message.store_time_ms),
                 printable(message.body, 60)});
    }
  }
  if (!json_) print(table.empty() ? "no dead letters\n" : table.text());
  return Exit::ok;
}

Exit Tool::resend_dead_letters(const Command& command) {
  if (command.all != command.items.empty()) return fail(Exit::usage, "name the ids of dead letters, or --all");
  auto messages = dead_letters(command.group, !command.items.empty(), 0);
  if (!messages) return fail(messages.error());
  if (!command.items.empty()) {
    std::set<std::string> missing(command.items.begin(), command.items.end());
    std::vector<Received> chosen;
    for (Received& message : *messages) {
      const bool is_wanted = missing.erase(message.id()) > 0 || missing.erase(message.offset_id) > 0;
      if (is_wanted) chosen.push_back(std::move(message));
    }
    if (!missing.empty())
      return fail(Exit::not_found, fmt::format("{} has no dead letter {}; nothing was sent", command.group, *missing.begin()));
    *messages = std::move(chosen);
  }
  std::size_t count = 0;
  std::unique_ptr<mqclient::Producer> producer;
  client_.run([&](mqclient::Client& client) {
    producer = std::make_unique<mqclient::Producer>(client, mqclient::ProducerOptions{.group = "CLIENT_INNER_PRODUCER"});
  });
  Exit code = Exit::ok;
  for (const Received& message : *messages) {
    if (!command.dry_run) {
      const auto sent = client_.call<mqclient::Sent>([&](mqclient::Client&, mqclient::Completion<mqclient::Sent> done) {
        producer->send(again(message, command.group, command.to_topic), std::move(done));
      });
      if (!sent) {
        code = fail(sent.error(), fmt::format("{} were sent before that", count));
        break;
      }
      // What was sent is behind the group's offset, so that a second run begins with the next.
      const Queue queue{.topic = message.topic, .broker_name = message.broker_name, .queue_id = message.queue_id};
      if (command.all) {
        const auto done = client_.ask_broker_of(queue, mqclient::commit_offset(command.group, queue, message.queue_offset + 1, false));
        if (!done) {
          code = fail(done.error(), "the message was sent, but that was not noted: the next run sends it again");
          break;
        }
      }
    }
    ++count;
    progress([&] { return fmt::format("{} of {} sent", count, messages->size()); });
    if (json_) {
      print(line({{"id", message.id()}, {"topic", origin_of(message)}, {"sent", !command.dry_run}}));
    } else {
      print(fmt::format("{} {} {}\n", message.id(), command.dry_run ? "would go to" : "to",
                        command.to_topic ? origin_of(message) : fmt::format("{} for {}", origin_of(message), command.group)));
    }
  }
  progress([&] { return fmt::format("{} of {} sent", count, messages->size()); }, true);
  client_.run([&](mqclient::Client&) { producer.reset(); });
  if (code == Exit::ok && messages->empty() && !json_) print("no dead letters\n");
  return code;
}

}  // namespace chorus::app::mqtool
